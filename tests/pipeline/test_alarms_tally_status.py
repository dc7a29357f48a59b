"""What the line says of itself: alarms once, figures right, a status file whole or not at all."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.errors import JournalError
from inspector.domain.frame import PartId
from inspector.domain.inspection import AlarmEvent, Timings
from inspector.domain.verdict import Decision, Outcome, Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.paper import draw
from inspector.pipeline.status import StatusFile
from inspector.pipeline.tally import Tally, percentiles


def test_an_alarm_is_written_once_when_it_is_raised_and_once_when_it_is_cleared() -> None:
    written: list[AlarmEvent] = []
    board = AlarmBoard(station="left", write=written.append)
    board.clear("camera.lost")
    for _ in range(3):
        board.raise_alarm("camera.lost", "no frame")
    assert board.standing() == {"camera.lost": "no frame"}
    for _ in range(3):
        board.clear("camera.lost")
    assert [(event.code, event.action) for event in written] == [("camera.lost", "raised"), ("camera.lost", "cleared")]
    assert board.standing() == {}


def test_an_alarm_stands_even_where_the_book_refuses_it() -> None:
    def refuse(_event: AlarmEvent) -> None:
        raise JournalError("the disk is full")

    board = AlarmBoard(station="left", write=refuse)
    board.raise_alarm("journal.refused", "the disk is full")
    assert board.standing() == {"journal.refused": "the disk is full"}


def test_what_another_thread_clears_is_written_after_it_was_raised() -> None:
    written: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(event: AlarmEvent) -> None:
        if event.action == "raised":
            begun.set()
            assert go_on.wait(20)
        written.append(event.action)

    board = AlarmBoard(station="left", write=slowly)
    raising = threading.Thread(target=board.raise_alarm, args=("camera.lost", "no frame"))
    clearing = threading.Thread(target=board.clear, args=("camera.lost",))
    raising.start()
    assert begun.wait(20)
    clearing.start()
    clearing.join(0.5)  # it must wait for its turn
    go_on.set()
    raising.join()
    clearing.join()
    assert written == ["raised", "cleared"]


def test_what_a_process_that_ended_left_standing_is_cleared_and_says_why() -> None:
    written: list[AlarmEvent] = []
    board = AlarmBoard(station="left", write=written.append)
    board.raise_alarm("plc.link", "no heartbeat")
    board.begin_anew({"plc.link": "no heartbeat", "camera.lost": "no frame"})
    assert [(event.code, event.action) for event in written] == [("plc.link", "raised"), ("camera.lost", "cleared")]
    assert written[1].text == "the line was started anew; before: no frame"
    assert written[1].details == {"reason": "the line was started anew"}
    assert board.standing() == {"plc.link": "no heartbeat"}


def test_the_tally_counts_every_part_and_times_only_those_that_were_told() -> None:
    tally = Tally()
    passed = Verdict(outcome=Outcome.PASS, reason="", decision=Decision(rule="r", measured=0, limit=0, unit=""))
    for seq in range(1, 31):
        tally.add(PartId(part_seq=seq), passed, Timings(infer=1.0, total=float(seq)))
    tally.add(PartId(part_seq=31), undecided("late", rule="law.late"), Timings(total=1e6))
    assert tally.counters() == {"pass": 30, "undecided": 1, "fail": 0}
    snapshot = tally.snapshot()
    assert snapshot["latency_ms"] == {"p50": 16.0, "p99": 30.0, "max": 30.0}
    assert snapshot["undecided_by_rule"] == {"law.late": 1}
    assert [part["partSeq"] for part in snapshot["last_parts"]] == list(range(12, 32))
    json.dumps(snapshot)


def test_parts_that_are_late_in_a_row_are_counted_until_one_is_in_time() -> None:
    tally = Tally()
    late, fast, missed = (undecided("", rule=rule) for rule in ("law.late", "law.overrun", "law.missed"))
    counted = []
    for seq, verdict in enumerate([late, fast, late, missed, late], start=1):
        tally.add(PartId(part_seq=seq), verdict, Timings())
        counted.append(tally.late_in_a_row)
    assert counted == [1, 2, 3, 0, 1]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_percentiles_are_values_that_were_measured_in_order(values: list[float]) -> None:
    found = percentiles(values)
    assert found["p50"] <= found["p99"] <= found["max"] == round(max(values), 3)
    assert {found["p50"], found["p99"]} <= {round(value, 3) for value in values}


def test_no_values_have_no_percentiles() -> None:
    assert percentiles([]) == {}


def test_the_status_file_is_replaced_whole(tmp_path: Path) -> None:
    status = StatusFile(tmp_path / "left")
    status.write({"alive": True})
    status.write({"alive": False})
    content = json.loads(status.path.read_text(encoding="utf-8"))
    assert content["alive"] is False
    assert {"pid", "written_utc", "monotonic"} <= content.keys()
    assert content["written_utc"].endswith("Z")
    assert [path.name for path in status.path.parent.iterdir()] == ["status.json"]


def test_a_status_file_that_cannot_be_written_does_not_stop_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = StatusFile(tmp_path / "left")
    (tmp_path / "left").rename(tmp_path / "gone")
    status.write({"alive": True})
    status.write({"alive": True})
    (tmp_path / "gone").rename(tmp_path / "left")
    status.write({"alive": True})
    assert status.path.is_file()
    said = capsys.readouterr().out
    assert (said.count("status.unwritten"), said.count("status.written_again")) == (1, 1)


def test_which_good_pictures_are_kept_can_be_replayed_and_is_fair() -> None:
    drawn = [draw("left", PartId(part_seq=seq)) for seq in range(1, 4001)]
    assert drawn == [draw("left", PartId(part_seq=seq)) for seq in range(1, 4001)]
    assert drawn != [draw("right", PartId(part_seq=seq)) for seq in range(1, 4001)]
    assert all(0 <= value < 1 for value in drawn)
    assert 150 < sum(value < 0.05 for value in drawn) < 250
