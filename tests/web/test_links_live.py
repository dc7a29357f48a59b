"""I/O and links on a real line: the simulated PLC's words are seen changing, and an output is forced at it."""

import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from inspector.app.demo.plant import STATION, Plant
from tests.system.bench import Bench, free_port, polled, small_plant, wait_for
from tests.web.browsing import ready

SOON_MS = 60_000
PATIENT_S = 150.0
NAME, SECRET = "enzo", "screwdriver7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Names in one role: the trigger's counter, the permit, and what the PLC is called."""

    served: bool
    counter: str
    permit: str
    device: str


CLIENT = Role(served=False, counter="from_plc.trigger_seq", permit="to_plc.state.run_permit", device="plc 127.0.0.1")
SERVER = Role(
    served=True, counter="control.trigger_seq", permit="status.run_permit", device="plc at our server 127.0.0.1"
)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code in {200, 503}
    except httpx.HTTPError:
        return False


def served_plant(folder: Path, role: Role) -> Plant:
    """A plant whose station has a port of its own: the usual one is wished for by many."""
    plant = small_plant(folder, parts=1000, pitch_ms=400.0)
    settings, port = plant.config / "stations" / f"{STATION}.toml", free_port()
    text = settings.read_text()
    assert text.count(f"port = {plant.web_port}\n") == 1
    settings.write_text(text.replace(f"port = {plant.web_port}\n", f"port = {port}\n"))
    if role.served:
        polled(plant)
    return replace(plant, web_port=port)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", [CLIENT, SERVER], ids=["client", "server"])
def test_the_signals_of_a_running_line_are_seen_changing_and_an_output_is_forced(
    role: Role, tmp_path: Path, page: Page
) -> None:
    with Bench(served_plant(tmp_path, role)) as bench:
        plant = bench.plant
        bench.start("twin")
        wait_for(
            "the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit", patience_s=PATIENT_S
        )
        bench.start("line")
        wait_for("the line", lambda: bench.status().get("state") == "ContinuousExecution", patience_s=PATIENT_S)
        where = ["--config", str(plant.config), "--station", STATION]
        add = [sys.executable, "-m", "inspector", "web", "user", "add", NAME, "--role", "engineer"]
        added = subprocess.run([*add, "--secret-from-stdin", *where], input=f"{SECRET}\n", text=True, check=False)
        assert added.returncode == 0
        bench.start("web")
        wait_for("the station", lambda: answers(plant.web), patience_s=PATIENT_S)
        page.set_default_timeout(SOON_MS)
        page.goto(f"{plant.web}/login?next=/io")
        ready(page)
        page.fill("#name", NAME)
        page.fill("#secret", SECRET)
        page.click(".go")
        page.wait_for_url(f"{plant.web}/io")
        ready(page)
        counter = page.locator(f"[data-word='{role.counter}']")
        expect(counter).not_to_have_text("", timeout=SOON_MS)
        seen = int(counter.inner_text())
        wait_for("the PLC's counter on the screen", lambda: int(counter.inner_text() or 0) >= seen + 3)
        expect(page.locator("#io-trace")).to_contain_text("acknowledged", timeout=SOON_MS)
        expect(page.locator(".link.up").first).to_contain_text(role.device, timeout=SOON_MS)
        expect(page.locator(f"[data-bit='{role.permit}']")).to_have_attribute("data-on", "1", timeout=SOON_MS)

        page.select_option("[name=output]", role.permit)
        page.select_option("[name=high]", "false")
        page.fill("#forcing [name=secret]", SECRET)
        page.click("#forcing [data-hold]", delay=1300)
        page.wait_for_url("**/io?asked=*")
        expect(page.locator(".forced-banner")).to_contain_text(f"{role.permit} = 0", timeout=SOON_MS)
        expect(page.locator(f"[data-bit='{role.permit}']")).to_have_attribute("data-on", "0", timeout=SOON_MS)
        expect(page.locator(".alarms")).to_contain_text("plc.forced", timeout=SOON_MS)
        wait_for("the PLC to see it", lambda: not bench.status()["plc"][role.permit])
        page.click(".forced-banner button")
        expect(page.locator(".forced-banner")).to_have_count(0, timeout=SOON_MS)
        expect(page.locator(f"[data-bit='{role.permit}']")).to_have_attribute("data-on", "1", timeout=SOON_MS)

        bench.running["line"].send_signal(signal.SIGSTOP)
        expect(page.locator("#io .lost")).to_be_visible(timeout=SOON_MS)
        bench.running["line"].send_signal(signal.SIGCONT)
        bench.stop("web")
        assert bench.command("journal", "verify", "--json").returncode in {0, 1}
