"""Line and station as real processes, stopped and killed while a browser looks: the lamp says so, and comes back."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.system.bench import Bench, read_json, small_plant, wait_for

SOON_MS = 60_000
LIT = "() => ['pass', 'fail', 'undecided'].includes(document.getElementById('lamp').dataset.outcome)"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A line that judges small frames without an end, and its station."""
    plant = small_plant(tmp_path, parts=0, pitch_ms=500.0)
    with Bench(plant) as bench:
        bench.start("twin")
        wait_for("the parts", lambda: read_json(plant.run_dir / "twin.json").get("state") not in {None, "rendering"})
        bench.start("line")
        bench.line_ready()
        start_station(bench)
        yield bench


def start_station(bench: Bench) -> None:
    bench.start("web")

    def answers() -> bool:
        try:
            with urlopen(f"{bench.plant.web}/login", timeout=5) as answer:  # noqa: S310 - http, our own
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for("the station to answer", answers)


def look(page: Page, bench: Bench) -> None:
    page.set_default_timeout(SOON_MS)
    page.goto(f"{bench.plant.web}/live")
    page.wait_for_function(LIT)


@pytest.mark.long
@pytest.mark.parametrize("harm", ["stopped", "killed"])
def test_a_line_that_hangs_or_dies_hatches_the_lamp_until_it_judges_again(harm: str, page: Page, bench: Bench) -> None:
    look(page, bench)
    if harm == "killed":
        bench.kill("line")
    else:
        os.kill(bench.running["line"].pid, signal.SIGSTOP)
    expect(page.locator("#lamp")).to_have_attribute("data-outcome", "fault", timeout=SOON_MS)
    expect(page.locator(".alarms")).to_contain_text("line.dead")
    expect(page.locator("#lamp .lost")).not_to_be_visible()
    if harm == "killed":
        bench.start("line")
        bench.line_ready()
    else:
        os.kill(bench.running["line"].pid, signal.SIGCONT)
    page.wait_for_function(LIT)


@pytest.mark.long
@pytest.mark.parametrize("harm", ["stopped", "killed"])
def test_a_station_that_hangs_or_dies_hatches_the_lamp_and_its_stream_comes_back(
    harm: str, page: Page, bench: Bench
) -> None:
    look(page, bench)
    if harm == "killed":
        bench.kill("web")
    else:
        os.kill(bench.running["web"].pid, signal.SIGSTOP)
    expect(page.locator("#lamp .lost")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#lamp .word")).not_to_be_visible()
    if harm == "killed":
        start_station(bench)
    else:
        os.kill(bench.running["web"].pid, signal.SIGCONT)
    expect(page.locator("#lamp .lost")).not_to_be_visible(timeout=SOON_MS)
    shown = page.locator("#lamp").get_attribute("data-part")
    page.wait_for_function("before => document.getElementById('lamp').dataset.part !== before", arg=shown)
