"""What faults do to a whole simulated line, with a stand-in for ours on the other side of the wire."""

import json
import threading
import time
from pathlib import Path

from inspector.adapters.camera_twin import PLUGIN, CameraTwinSettings
from inspector.ports.plugin import Context
from inspector.twin.report import TwinReport
from tests.twin.test_run import StandIn, port_of, running, settings_for

CONTEXT = Context(station="s", data_dir="", run_dir="")


def run(tmp_path: Path, *faults: str, parts: int = 12, triggers: int | None = None, **more: object) -> TwinReport:
    settings = settings_for(tmp_path, parts=parts, faults=faults, **more)
    with running(settings, tmp_path) as (ended, _):
        StandIn(port_of(tmp_path), lambda _: 1).work(parts if triggers is None else triggers)
        return ended()


def test_lost_doubled_and_unseen_parts_have_the_numbers_they_were_given(tmp_path: Path) -> None:
    report = run(tmp_path, "trigger-lost@3", "trigger-doubled@6:8", "gate-blind@9", triggers=11)
    assert (report.parts, report.triggers, report.passed + report.ejected) == (12, 11, 12)
    numbers = [row.numbers for row in report.rows]
    assert numbers[2] == numbers[8] == ()
    assert len(numbers[5]) == 2
    assert sorted(number for row in numbers for number in row) == list(range(1, 12))
    frames = [row.frames for row in report.rows]
    assert frames[8] == ()
    assert [frame for row in frames for frame in row] == list(range(1, 12))
    assert [report.rows[place].ejected for place in (2, 8)] == [True, True]
    assert (report.wrong_ejections, report.missed_ejections) == (0, 0)
    assert report.faults == {"trigger-lost": 1, "trigger-doubled": 1, "gate-blind": 1}


def test_parts_are_removed_laid_on_and_missing(tmp_path: Path) -> None:
    report = run(tmp_path, "part-removed@3", "part-inserted@6", "part-missing@9")
    assert (report.parts, report.triggers, report.removed) == (12, 12, 1)
    assert report.passed + report.ejected + report.removed == report.parts
    (inserted,) = [row for row in report.rows if row.what == "part-inserted"]
    assert (inserted.numbers, inserted.ejected) == ((), True)
    assert report.missed_ejections == 0


def test_the_belt_stops_changes_its_speed_and_runs_back(tmp_path: Path) -> None:
    begun = time.monotonic()
    report = run(tmp_path, "belt-stop@3:0.3", "belt-speed@5:1000", "belt-reverse@7:30", "belt-speed@9:2000")
    assert time.monotonic() - begun > 12 * 0.05 + 0.3
    assert report.finished
    assert (report.parts, report.wrong_ejections, report.missed_ejections) == (12, 0, 0)


def test_an_ejector_that_is_stuck_lets_a_reject_pass_and_that_is_not_the_gates_fault(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=6, faults=("ejector-stuck@4",))
    with running(settings, tmp_path) as (ended, _):
        StandIn(port_of(tmp_path), lambda _: 2).work(6)
        report = ended()
    assert (report.passed, report.ejected, report.stuck, report.missed_ejections) == (1, 5, 1, 0)


def test_a_plc_that_restarts_counts_from_one_and_rejects_what_it_forgot(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=10, faults=("plc-restart@5",), wait_for_permit=False)
    with running(settings, tmp_path) as (ended, _):
        report = ended()
    assert report.triggers == 10
    numbers = [row.numbers[0] for row in report.rows]
    assert numbers[:5] == [1, 2, 3, 4, 5]
    assert numbers[5:] == [1, 2, 3, 4, 5]
    assert report.ejected == 10


def test_a_stalled_plc_answers_later_a_reset_one_closes_and_noise_is_refused(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path, parts=0, wait_for_permit=False, faults=("plc-stall@0.5s:0.6", "plc-reset@2s", "plc-noise@2.5s:1")
    )
    with running(settings, tmp_path) as (_, stop):
        port = port_of(tmp_path)

        def committed() -> dict[str, int]:
            return json.loads((tmp_path / "twin.json").read_text())["faults"]

        for wanted in ("plc-stall", "plc-reset", "plc-noise"):
            until = time.monotonic() + 10
            while wanted not in committed():
                assert time.monotonic() < until
                threading.Event().wait(0.01)
        line = StandIn(port, lambda _: 1)
        assert line.client.connect()
        line.client.write_registers(0, [1] * 8)
        stop.set()
        line.client.close()


def test_a_camera_that_is_unplugged_comes_back_and_counts_from_one(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, parts=0, wait_for_permit=False, faults=("camera-gone@4:0.2",))
    with running(settings, tmp_path) as (_, stop):
        port_of(tmp_path)
        until = time.monotonic() + 10
        while True:
            status = json.loads((tmp_path / "twin.json").read_text())
            if status.get("triggers", 0) >= 12 and 0 < status["frame_no"] < status["triggers"] - 3:
                break
            assert time.monotonic() < until
            threading.Event().wait(0.01)
        with PLUGIN.open(CameraTwinSettings(ring=settings.ring), CONTEXT) as camera:
            assert camera.describe().width == settings.width
        stop.set()
