"""Every fault that the simulated line commits is seen by the line as the plant must see it, and is over by itself."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import pytest
import tomlkit

from inspector.app.demo.plant import STATION, Plant
from inspector.domain.inspection import AlarmEvent, Inspection
from inspector.domain.verdict import Outcome
from inspector.twin.remote_io import Coil
from inspector.twin.scenes import SceneSettings, render
from tests.system.bench import Bench, small_plant, wait_for
from tests.system.judge import by_law, disposals, entries, inspections, told_apart, unexplained, wrong_parts
from tests.system.tracked import SLOW_MM_S, commission, tracked_plant

Sample = tuple[frozenset[str], Mapping[str, Any]]
"""Alarms that stood, and what the simulated line said of itself."""


def begin(bench: Bench) -> None:
    bench.start("twin")
    wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
    bench.start("line")
    bench.line_ready()


def run(bench: Bench, plant: Plant, *, patience_s: float = 120.0) -> tuple[dict[str, Any], list[Sample]]:
    """Look at both until the last part has come and is in the book; prove the book."""
    samples: list[Sample] = []
    until = time.monotonic() + patience_s
    while bench.running["twin"].poll() is None:
        assert time.monotonic() < until, "the simulated line does not end"
        status, twin = bench.status(), bench.twin()
        if status and twin:
            samples.append((frozenset(status["health"]["alarms"]), twin))
        time.sleep(0.02)
    assert bench.end("twin") == 0
    report = json.loads((plant.run_dir / "twin_report.json").read_text())
    wait_for("the book", lambda: len(inspections(plant.journal)) == report["triggers"])
    assert bench.stop("line") == 0
    proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
    assert proof.returncode == 0, proof.stdout
    return report, samples


def change(plant: Plant, **tables: Mapping[str, Any]) -> None:
    """Set keys of the station's tables."""
    path = plant.config / "stations" / f"{STATION}.toml"
    content = tomlkit.parse(path.read_text()).unwrap()
    for name, keys in tables.items():
        content[name] = {**content.get(name, {}), **keys}
    path.write_text(tomlkit.dumps(content))


def alarms(plant: Plant, code: str) -> list[AlarmEvent]:
    return [one for one in entries(plant.journal) if isinstance(one, AlarmEvent) and one.code == code]


def came_and_went(plant: Plant, code: str) -> bool:
    actions = [one.action for one in alarms(plant, code)]
    return "raised" in actions and actions[-1] == "cleared"


def rule(one: Inspection) -> str:
    return one.verdict.decision.rule


@pytest.mark.timeout(300)
def test_dark_bright_frozen_and_torn_pictures_an_unknown_job_and_a_full_bin(tmp_path: Path) -> None:
    dark, bright, frozen, torn = 3, 6, 9, 12
    faults = [
        f"frame-dark@{dark}",
        f"frame-bright@{bright}",
        f"frame-frozen@{frozen}",
        f"frame-torn@{torn}",
        "plc-job@15:7",
        "plc-job@20:0",
        "bin-full@23:1.5",
    ]
    plant = small_plant(tmp_path, parts=32)
    change(plant, twin={"faults": faults, "defect_rate": 0.6})
    with Bench(plant) as bench:
        begin(bench)
        report, samples = run(bench, plant)
    book = inspections(plant.journal)
    assert report["faults"] == {
        **dict.fromkeys(("frame-dark", "frame-bright", "frame-frozen", "frame-torn", "bin-full"), 1),
        "plc-job": 2,
    }
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)
    assert told_apart(report["rows"], book)[1] == [], "nothing passes without a PASS"
    assert wrong_parts(report["rows"], book) == []
    told = {dark: "is dark", bright: "burnt out", frozen: "rows 0 to", torn: "bit for bit"}
    for number, words in told.items():
        assert (book[number].verdict.outcome, rule(book[number])) == (Outcome.UNDECIDED, "law.optics")
        assert words in book[number].verdict.reason
    assert came_and_went(plant, "optics.frozen") or alarms(plant, "optics.frozen")
    unknown = [number for number, one in book.items() if rule(one) == "law.job"]
    assert unknown
    assert set(unknown) <= set(range(15, 22))
    assert all(row["ejected"] for row in report["rows"] if row["part_seq"] in {*told, *unknown})
    assert "job 7" in alarms(plant, "plc.job")[0].text
    for code in ("plc.job", "bin.full"):
        assert came_and_went(plant, code)
        assert any(code in standing and not twin["permit"] for standing, twin in samples), f"{code} takes the permit"
    assert any(one.verdict.outcome is Outcome.PASS for number, one in book.items() if number > 22)
    assert sum(by_law(one) for one in book.values()) <= len(told) + len(unknown) + 4


@pytest.mark.timeout(300)
def test_a_wrong_part_a_turned_one_and_a_trigger_for_nothing_never_pass(tmp_path: Path) -> None:
    """One product, taught to the recipe: all parts are alike, so that what is not like them is another one."""
    wrong, turned, nothing = 3, 6, 10
    faults = [f"part-wrong@{wrong}", f"part-turned@{turned}:20", f"trigger-false@{nothing - 1}"]
    plant = small_plant(tmp_path, parts=14, pitch_ms=400.0)
    alike = {"faults": faults, "pool": 1, "defect_rate": 0.0}
    change(plant, twin=alike, optics={"frozen": False})
    settings = plant.config / "inspector.toml"
    content = tomlkit.parse(settings.read_text()).unwrap()
    recipes = shutil.copytree(content["paths"]["recipes_dir"], tmp_path / "recipes")
    content["paths"]["recipes_dir"] = str(recipes)
    settings.write_text(tomlkit.dumps(content))
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), render(1, SceneSettings(width=1024, height=768, defect_rate=0.0)).pixels)
    with Bench(plant) as bench:
        done = bench.command(
            "recipe", "fixture", str(recipes / "critical.toml"), "--frame", str(good), "--region", "4,4,1016,760"
        )
        assert done.returncode == 0, done.stderr
        begin(bench)
        report, _ = run(bench, plant)
    book = inspections(plant.journal)
    assert report["faults"] == {"part-wrong": 1, "part-turned": 1, "trigger-false": 1}
    assert (report["parts"], report["triggers"]) == (14, 15)
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)
    assert told_apart(report["rows"], book)[1] == [], "nothing passes without a PASS"
    rules = {number: rule(book[number]) for number in (wrong, turned, nothing)}
    assert all(by_law(book[number]) for number in rules), rules
    own = {wrong: {"law.wrong_part"}, turned: {"law.wrong_part", "law.no_part"}, nothing: {"law.no_part"}}
    seen = [number for number, laws in own.items() if rules[number] in laws]
    assert len(seen) >= 2, rules  # one may be in doubt for another reason, where this PC was late
    assert any(words in book[number].verdict.reason for number in seen for words in ("wrong part: ", "no part: "))
    assert {row["what"] for row in report["rows"] if row["ejected"]} >= {"part-wrong", "part-turned"}
    others = [one.verdict.outcome for number, one in book.items() if number not in {wrong, turned, nothing}]
    assert others.count(Outcome.PASS) >= len(others) // 2


@pytest.mark.timeout(300)
def test_what_the_cell_says_stops_the_belt_and_lets_it_go_on(tmp_path: Path) -> None:
    """Bin full and no air for as long as they last; a part that was not seen, or not ejected, until somebody came."""
    unseen, stuck = 8, (10, 11, 12)
    presses = [f"plc-clear-error@{second}s" for second in range(4, 120, 3)]
    faults = ["bin-full@3:1.5", "air-low@5:1.5", f"confirm-lost@{unseen}", *(f"ejector-stuck@{part}" for part in stuck)]
    plant = tracked_plant(
        tmp_path, tracking="encoder", parts=16, speed_mm_s=SLOW_MM_S, twin={"faults": [*faults, *presses]}
    )
    with Bench(plant) as bench:
        commission(bench)
        begin(bench)
        report, samples = run(bench, plant)
    book = inspections(plant.journal)
    for code in ("bin.full", "air.low", "ejector.confirm"):
        assert came_and_went(plant, code), code
        shown = [twin for standing, twin in samples if code in standing]
        stopped = [twin for twin in shown if twin["state"] == "standing"]
        assert stopped, f"{code} stops the belt"
        coils = stopped[-1]["coils"]
        assert (coils[Coil.RUN_PERMIT], coils[Coil.STOP_REQUEST], coils[Coil.RED]) == (0, 1, 1), code
        assert any(twin["coils"][Coil.HORN] for twin in shown), code
    wrong, missed = told_apart(report["rows"], book)
    assert unexplained(plant.journal, wrong) == []
    assert missed, "one of the parts for which the ejector was stuck was bad"
    assert set(missed) <= set(stuck)
    assert report["stuck"] >= len(missed)
    gone = {one.part.part_seq: one for one in disposals(plant.journal)}
    assert (gone[unseen].confirmed, gone[unseen].bin) == (False, "missing")
    for number in missed:
        assert (gone[number].commanded, gone[number].confirmed, gone[number].bin) == ("reject", False, "good")
    texts = [one.text for one in alarms(plant, "ejector.confirm") if one.action == "raised"]
    assert any(f"part {unseen} was sent to the" in text and "did not arrive" in text for text in texts)
    assert f"part {missed[0]} was sent to the reject lane, seen on the good lane" in texts
    assert report["parts"] == 16
    assert report["finished"]
    assert any(not by_law(one) for number, one in book.items() if number > max(stuck)), "it goes on judging"
