"""One part in, one Inspection out, always; and no fault ever becomes a PASS."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.domain.frame import Pixels
from inspector.domain.inspection import AlarmEvent, GateTold, Timings
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.desk import Desk
from inspector.pipeline.tally import Tally
from inspector.pipeline.ticket import Ticket
from inspector.ports.gate import LineState, PlcWish
from inspector.ports.journal import JournalHealth
from inspector.ports.model import TileOutput
from inspector.ports.trigger import TriggerEvent, TriggerPosition
from tests import fakes
from tests.fakes import FakeArchive, FakeCamera, Shot, part_in, wait_until
from tests.pipeline.plant import Plant, opened

PASS, FAIL, UNDECIDED = Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED
LOST = DeviceError("camera fake", "no frame within 0.3 s")


def shots(*parts: int, bad: tuple[int, ...] = ()) -> list[Shot]:
    return [Shot(part_seq=n, frame_no=n, bad=n in bad) for n in parts]


def surely(condition: Callable[[], bool]) -> bool:
    """Wait for it, and fail where it never comes: a scenario that did not happen proves nothing."""
    assert wait_until(condition)
    return True


def test_good_parts_pass_and_bad_ones_fail_each_told_and_recorded_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 9), shots=shots(*range(1, 9), bad=(3, 6)))
    assert plant.run() == 0
    plant.law_holds(range(1, 9))
    assert plant.outcomes() == {n: FAIL if n in {3, 6} else PASS for n in range(1, 9)}
    assert [n for n, _ in plant.gate.told] == plant.gate.expected == list(range(1, 9))
    assert {i.gate_told for i in plant.recorder.closed} == {GateTold.ACKNOWLEDGED}
    assert plant.evidence.kept == {3: 3, 6: 6}
    assert {n: heat.max() for n, heat in plant.evidence.heats.items() if heat is not None} == {3: 230, 6: 230}
    assert plant.recorder.alarms() == set()


def test_the_record_says_who_judged_by_what(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=shots(1, bad=(1,)))
    plant.run()
    record = plant.recorder.of(1)
    assert (record.model, record.recipe) == (plant.station.model, plant.station.recipes[0].stamp)
    assert record.detections == tuple(defect.detection for defect in record.verdict.defects)
    assert record.evidence is not None
    assert record.kept_probability == 1.0
    assert record.simulated
    assert record.timings.total >= record.timings.infer


def test_parts_that_come_faster_than_they_are_judged_are_undecided_here_and_now(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 7), shots=shots(*range(1, 7)), paced=False, handoff_depth=2)
    all_answered = threading.Event()
    plant.runtime.before = lambda _part: all_answered.wait(20)  # the model takes its time
    plant.camera.during_grab = lambda shot: shot.part_seq != 2 or surely(lambda: plant.runtime.looked_at == [1])

    plant.gate.after = lambda part: part == 6 and all_answered.set()
    plant.run()
    plant.law_holds(range(1, 7))
    assert plant.outcomes() == {1: PASS, 2: PASS, 3: PASS, 4: UNDECIDED, 5: UNDECIDED, 6: UNDECIDED}
    assert {plant.rule(n) for n in (4, 5, 6)} == {"law.overrun"}
    assert plant.gate.told[0] == (4, UNDECIDED)


def test_a_torn_frame_is_undecided_and_still_recorded(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=[*shots(1), FrameError("torn: 3 packets missing"), *shots(3)])
    plant.run()
    plant.law_holds(range(1, 4))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: PASS}
    assert plant.rule(2) == "law.frame"
    assert "3 packets" in plant.recorder.of(2).verdict.reason
    assert plant.recorder.of(2).evidence_note == "no frame of this part exists"


def test_a_lost_camera_makes_parts_undecided_until_it_is_back(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 6), shots=[*shots(1), LOST, LOST, *shots(4, 5)])
    plant.run()
    plant.law_holds(range(1, 6))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS, 5: PASS}
    assert {plant.rule(2), plant.rule(3)} == {"law.camera"}
    assert [n.action for n in plant.recorder.notes if n.code == "camera.lost"] == ["raised", "cleared"]


def test_a_late_result_is_undecided_and_not_told(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(1, 2), deadline_s=1.0)

    def slow(part: int) -> None:
        if part == 1:
            assert wait_until(lambda: time.monotonic() > plant.trigger.counted_at[1] + 1.0)

    plant.runtime.before = slow
    plant.run()
    plant.law_holds([1, 2])
    assert plant.outcomes() == {1: UNDECIDED, 2: PASS}
    late = plant.recorder.of(1)
    assert late.verdict.reason.startswith("late: ")
    assert late.gate_told is GateTold.NOTHING
    assert late.verdict.decision.measured > late.verdict.decision.limit == pytest.approx(1000)
    assert [n for n, _ in plant.gate.told] == [2]


def test_a_frame_that_waited_past_its_deadline_is_not_looked_at(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(1, 2), paced=False, deadline_s=0.2)

    def slow(part: int) -> None:
        assert wait_until(lambda: 2 in plant.trigger.counted_at)
        assert wait_until(lambda: time.monotonic() > plant.trigger.counted_at[2] + 0.2)

    plant.runtime.before = slow
    plant.run()
    plant.law_holds([1, 2])
    assert plant.runtime.looked_at == [1]
    assert plant.rule(2) == "law.late"
    assert plant.gate.told == []


def test_a_gate_that_refuses_leaves_the_default_reject_and_an_undecided_record(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=shots(1, 2, 3, bad=(3,)))
    plant.gate.refuse = {2, 3}
    plant.run()
    plant.law_holds(range(1, 4))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED}
    assert {plant.recorder.of(n).gate_told for n in (2, 3)} == {GateTold.UNKNOWN}
    assert plant.rule(2) == "law.gate"
    assert plant.recorder.of(3).verdict.defects
    assert "gate.lost" in plant.recorder.alarms()


def test_over_a_dead_link_nothing_is_told_and_nothing_passes(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=shots(1, 2, 3))
    plant.trigger.before = lambda part: setattr(plant.gate, "alive", part != 2)
    plant.run()
    plant.law_holds(range(1, 4))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: PASS}
    assert plant.recorder.of(2).gate_told is GateTold.NOTHING
    assert "no heartbeat" in plant.recorder.of(2).verdict.reason


def test_a_gate_without_echo_is_recorded_as_sent_not_as_acknowledged(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=shots(1))
    plant.gate._echoes = False
    plant.run()
    assert plant.recorder.of(1).gate_told is GateTold.SENT


def test_a_part_that_is_opened_and_not_yet_told_is_shown_as_busy_also_as_nothing_waits(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(1, 2))
    states = plant.gate.states
    plant.runtime.before = lambda part: part != 1 or surely(lambda: LineState.BUSY in states[-1])
    plant.trigger.before = lambda part: part != 2 or surely(lambda: LineState.BUSY not in states[-1])
    assert plant.run() == 0
    plant.law_holds([1, 2])


def test_a_failing_model_makes_the_part_undecided_and_an_error_towards_the_plc(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 5), shots=shots(1, 2, 3, 4))

    def fails(part: int) -> None:
        if part in {2, 3}:
            raise DeviceError("model fake", "inference failed: out of memory")

    plant.runtime.before = fails
    plant.trigger.before = lambda part: part != 4 or surely(lambda: LineState.ERROR in plant.gate.states[-1])
    plant.run()
    plant.law_holds(range(1, 5))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS}
    assert plant.rule(2) == "law.model"
    assert plant.evidence.kept == {2: 2, 3: 3}
    assert [n.action for n in plant.recorder.notes if n.code == "model.failed"] == ["raised", "cleared"]


def test_a_scene_of_too_many_candidates_is_undecided(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=shots(1, 2, 3))
    decode = plant.decoder.decode

    class Covered:
        def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
            if part_in(pixels) == 2:
                raise FrameError("too many candidates: 5000 components")
            return decode(outputs, pixels)

    plant.decoder = Covered()
    plant.run()
    plant.law_holds(range(1, 4))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: PASS}
    assert plant.recorder.of(2).verdict.reason.startswith("too many candidates")
    assert plant.evidence.kept == {2: 2}


def test_an_error_is_never_shown_with_a_run_permit(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 3), shots=[LOST, *shots(2)])
    told = set[str]()

    def both_say_so() -> bool:
        if plant.status.path.exists():
            told.add(json.loads(plant.status.path.read_text())["state"])
        return LineState.ERROR in plant.gate.states[-1] and "Error" in told

    plant.trigger.before = lambda part: part != 2 or surely(both_say_so)
    plant.run()
    assert plant.gate.states[0] == LineState.ONLINE
    assert plant.gate.states[-1] == LineState.NONE
    in_error = [state for state in plant.gate.states if LineState.ERROR in state]
    assert in_error
    assert not any(LineState.RUN_PERMIT in state for state in in_error)


def test_numbers_that_the_source_counted_and_we_never_saw_are_missed_without_an_image(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 5, 6], shots=shots(1, 2, 5, 6))
    plant.run()
    plant.law_holds(range(1, 7))
    assert plant.outcomes() == {1: PASS, 2: PASS, 3: UNDECIDED, 4: UNDECIDED, 5: PASS, 6: PASS}
    assert {plant.rule(n) for n in (3, 4)} == {"law.missed"}
    assert plant.recorder.of(4).gate_told is GateTold.NOTHING
    assert [o.part.part_seq for o in plant.recorder.opened] == [1, 2, 3, 4, 5, 6]


def test_the_counter_wraps_past_its_32_bits_without_a_gap(tmp_path: Path) -> None:
    last = 2**32 - 1
    archive = FakeArchive(last_seq=last - 2)
    position = TriggerPosition(part_seq=last - 2)
    plant = Plant(
        tmp_path,
        events=[last - 1, 2],
        shots=[Shot(part_seq=last - 1, frame_no=10), Shot(part_seq=2, frame_no=13)],
        archive=archive,
        position=position,
    )
    plant.run()
    plant.law_holds([last - 1, last, 1, 2])
    assert plant.outcomes() == {last - 1: PASS, last: UNDECIDED, 1: UNDECIDED, 2: PASS}


def test_a_counter_that_restarts_begins_a_new_series_in_which_every_number_is_accounted_for(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[7, 8, 2, 3], shots=shots(7, 8, 2, 3), position=TriggerPosition(part_seq=6))
    plant.trigger.before = lambda part: part == 2 and plant.archive.reached(8)
    plant.run()
    found = {(i.part.series, i.part.part_seq): i.verdict.outcome for i in plant.recorder.closed}
    assert found == {(1, 7): PASS, (1, 8): PASS, (2, 1): UNDECIDED, (2, 2): PASS, (2, 3): PASS}
    plant.gate_agrees()


def test_parts_in_flight_when_the_counter_restarts_are_undecided(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[7, 1], shots=shots(7, 1), position=TriggerPosition(part_seq=6), paced=False)
    restarted = threading.Event()
    plant.runtime.before = lambda part: part != 7 or restarted.wait(20)
    plant.trigger.before = lambda part: (
        part == 1 and (surely(lambda: plant.runtime.looked_at == [7]) and plant.archive.reached(7))
    )
    plant.camera.during_grab = lambda shot: shot.part_seq == 1 and restarted.set()
    plant.run()
    assert plant.recorder.of(7).verdict.decision.rule == "law.resync"
    assert plant.recorder.of(1, series=2).verdict.outcome is PASS
    plant.gate_agrees()


def test_the_same_number_twice_is_no_second_part(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 2, 3], shots=shots(1, 2, 3))
    plant.run()
    plant.law_holds([1, 2, 3])
    assert set(plant.outcomes().values()) == {PASS}


def test_a_lost_trigger_link_is_an_alarm_and_the_parts_counted_meanwhile_are_missed(tmp_path: Path) -> None:
    events = [1, DeviceError("plc", "no answer"), DeviceError("plc", "no answer"), 4]
    plant = Plant(tmp_path, events=events, shots=shots(1, 4))
    plant.run()
    plant.law_holds(range(1, 5))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS}
    assert [n.action for n in plant.recorder.notes if n.code == "trigger.lost"] == ["raised", "cleared"]


@pytest.mark.parametrize("lost", [2, 3, 5])
def test_a_lost_frame_never_shifts_a_verdict_to_the_next_part(tmp_path: Path, lost: int) -> None:
    parts = range(1, 8)
    taken = [Shot(part_seq=n, frame_no=n, bad=n in {3, 4}) for n in parts if n != lost]
    plant = Plant(tmp_path, events=parts, shots=taken, pitch_s=0.5)
    plant.run()
    plant.law_holds(parts)
    assert plant.rule(lost) == "law.frame_lost"
    truth = {n: FAIL if n in {3, 4} else PASS for n in parts}
    assert plant.outcomes() == {**truth, lost: UNDECIDED}
    assert all(part == shown for part, shown in plant.evidence.kept.items())


@pytest.mark.parametrize("blind", [(3,), (3, 4), (3, 4, 5)])
def test_a_camera_that_does_not_count_what_it_did_not_take_costs_those_parts_and_no_other(
    tmp_path: Path, blind: tuple[int, ...]
) -> None:
    parts = range(1, 9)
    seen = [n for n in parts if n not in blind]
    taken = [Shot(part_seq=n, frame_no=number, bad=n == 7) for number, n in enumerate(seen)]
    plant = Plant(tmp_path, events=parts, shots=taken, pitch_s=0.5)
    plant.run()
    plant.law_holds(parts)
    assert plant.outcomes() == {n: UNDECIDED if n in blind else FAIL if n == 7 else PASS for n in parts}


def test_a_trigger_that_may_be_older_than_its_neighbours_picture_is_not_matched_by_time(tmp_path: Path) -> None:
    late = TriggerEvent(part_seq=1, at=(begun := time.monotonic() + 2.0), since=begun - 0.2)
    plant = Plant(tmp_path, events=[late], shots=[Shot(part_seq=1, frame_no=1)])
    plant.run()
    assert plant.rule(1) == "law.resync"
    assert "learnt of up to 200 ms late" in plant.recorder.of(1).verdict.reason


def test_the_part_after_a_trigger_of_unknown_moment_is_not_given_that_ones_picture(tmp_path: Path) -> None:
    """Both came as the source was not looked at: the first is told late, the second right behind it."""
    begun = time.monotonic() + 2.0
    events = [
        TriggerEvent(part_seq=1, at=begun),
        TriggerEvent(part_seq=2, at=begun + 0.5, since=begun + 0.5, by=begun + 1.0),
        TriggerEvent(part_seq=3, at=begun + 1.03, since=begun + 1.02),
    ]
    plant = Plant(tmp_path, events=events, shots=[], pitch_s=0.5)
    plant.camera = FakeCamera([Shot(part_seq=n, frame_no=n) for n in (1, 2, 3)])
    plant.camera.taken_at = lambda shot: begun + {1: 0.0, 2: 0.99, 3: 1.02}[shot.part_seq]
    plant.run()
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED}


def test_a_lost_trigger_never_shifts_a_verdict_to_the_next_part(tmp_path: Path) -> None:
    """Between parts 3 and 4 the PLC missed one: its picture comes while nobody waits for it."""
    taken = [Shot(part_seq=n, frame_no=n if n < 4 else n + 1) for n in range(1, 8)]
    taken.insert(3, Shot(part_seq=99, frame_no=4, bad=True, at=3.5))
    plant = Plant(tmp_path, events=range(1, 8), shots=taken, pitch_s=0.5)
    plant.run()
    plant.law_holds(range(1, 8))
    assert 99 not in plant.runtime.looked_at
    assert plant.outcomes() == {n: UNDECIDED if n == 4 else PASS for n in range(1, 8)}
    assert plant.rule(4) == "law.resync"


def test_a_doubled_frame_is_no_other_parts_picture(tmp_path: Path) -> None:
    taken = [Shot(part_seq=1, frame_no=1), Shot(part_seq=1, frame_no=1), Shot(part_seq=2, frame_no=2, bad=True)]
    plant = Plant(tmp_path, events=[1, 2], shots=taken, pitch_s=0.5)
    plant.run()
    plant.law_holds([1, 2])
    assert plant.outcomes() == {1: PASS, 2: FAIL}


def test_a_book_that_refuses_rejects_the_part_where_it_is_set_so(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=shots(1, 2, 3), paced=False)
    plant.recorder.refuse_open = plant.recorder.refuse_close = {2}
    plant.run()
    assert plant.outcomes() == {1: PASS, 3: PASS}
    assert dict(plant.gate.told)[2] is UNDECIDED
    assert 2 not in plant.runtime.looked_at
    assert "journal.refused" in plant.recorder.alarms()


def alarm_events(plant: Plant, code: str) -> list[str]:
    return [note.action for note in plant.recorder.notes if isinstance(note, AlarmEvent) and note.code == code]


def test_a_book_that_refuses_many_parts_is_one_alarm_until_it_takes_one(tmp_path: Path) -> None:
    """With ``on_failure = "reject"`` the opening of a part is refused, and its closing is taken all the same."""
    plant = Plant(tmp_path, events=range(1, 6), shots=shots(*range(1, 6)), paced=False)
    plant.recorder.refuse_open = {1, 2, 3, 4}
    plant.journal_health = lambda: JournalHealth(waiting=9, lost=0, error="the disk is full")
    plant.run()
    assert alarm_events(plant, "journal.refused") == ["raised", "cleared"]


def test_a_pass_that_was_told_as_the_counters_parted_is_an_alarm_until_it_is_acknowledged(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 3], shots=shots(1, 2, 3))
    line = plant.line()
    plant.gate.after = lambda part: part == 1 and line._desk.new_epoch()

    def before(part: int) -> None:
        if part == 3:
            assert alarm_events(plant, "sync.race") == ["raised"]
            plant.gate.wish = PlcWish(clear_error=True)
            surely(lambda: alarm_events(plant, "sync.race") == ["raised", "cleared"])

    plant.trigger.before = before
    line.run(notify=lambda _line: None)
    assert alarm_events(plant, "sync.race") == ["raised", "cleared"]


def test_an_alarm_of_a_line_that_died_is_cleared_by_the_next_one(tmp_path: Path) -> None:
    left = {"camera.lost": "no frame", "journal.lost": "3 rows"}
    plant = Plant(tmp_path, events=[1], shots=shots(1), archive=FakeArchive(alarms=left))
    plant.run()
    assert [alarm_events(plant, code) for code in left] == [["cleared"], ["cleared"]]


def test_a_folder_that_refuses_pictures_keeps_the_record_and_says_why(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(1, 2, bad=(1,)))
    plant.evidence.refuse = True
    plant.run()
    plant.law_holds([1, 2])
    record = plant.recorder.of(1)
    assert (record.verdict.outcome, record.evidence, record.kept_probability) == (FAIL, None, 0.0)
    assert record.evidence_note == "the picture was not kept: the disk is full"
    assert plant.recorder.alarms() == {"evidence.refused"}


def test_with_every_buffer_in_use_a_waiting_picture_is_given_up_and_its_record_kept(tmp_path: Path) -> None:
    parts = range(1, 15)
    plant = Plant(
        tmp_path, events=parts, shots=shots(*parts, bad=tuple(parts)), paced=False, handoff_depth=1, pictures_waiting=1
    )
    all_told = threading.Event()
    plant.evidence.before = lambda _frame: all_told.wait(20)  # the disk is slower than the line
    plant.trigger.before = lambda part: surely(lambda: len(plant.gate.told) == part - 1)
    plant.camera.during_grab = lambda shot: shot.part_seq == parts[-1] and all_told.set()
    plant.run()
    plant.law_holds(parts)
    assert set(plant.outcomes().values()) == {FAIL}
    noted = {n for n, i in plant.records.items() if i.evidence is None}
    assert noted
    assert noted | plant.evidence.kept.keys() == set(parts)
    assert all("given up" in plant.recorder.of(n).evidence_note for n in noted)
    assert all(part == shown for part, shown in plant.evidence.kept.items())
    assert len(plant.camera.buffers) <= 1 + 1 + 3


def test_an_unknown_job_is_undecided_and_a_known_one_is_judged(tmp_path: Path) -> None:
    events = [TriggerEvent(part_seq=n, at=time.monotonic() + n * 0.01, job=job) for n, job in ((1, 0), (2, 9), (3, 4))]
    plant = Plant(tmp_path, events=events, shots=shots(1, 3), jobs=[4])
    plant.run()
    plant.law_holds([1, 2, 3])
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: PASS}
    assert "job 9" in plant.recorder.of(2).verdict.reason


def alive(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


def test_a_stop_while_a_picture_is_taken_still_judges_and_records_that_part(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 100), shots=shots(*range(1, 100)))

    def stop_now(shot: Shot) -> None:
        if shot.part_seq == 3:
            plant.stop.set()
            wait_until(lambda: not alive("inspect"), 0.4)  # it must not have gone home already

    plant.camera.during_grab = stop_now
    assert plant.run() == 0
    plant.law_holds(range(1, 4))
    assert plant.outcomes() == dict.fromkeys(range(1, 4), PASS)


def test_a_stop_while_the_model_looks_still_tells_and_records_that_part(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 100), shots=shots(*range(1, 100)))

    def stop_now(part: int) -> None:
        if part == 3:
            plant.stop.set()
            wait_until(lambda: not alive("paper"), 0.4)

    plant.runtime.before = stop_now
    assert plant.run() == 0
    plant.law_holds(range(1, 4))


def test_a_crashing_loop_makes_the_gate_safe_and_exits_70(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 100), shots=shots(*range(1, 100)))

    def bug(part: int) -> None:
        if part == 3:
            raise ZeroDivisionError("a bug")

    plant.runtime.before = bug
    assert plant.run() == 70
    assert plant.gate.states[-1] == LineState.ERROR
    assert [n for n, _ in plant.gate.told] == [1, 2]
    assert [o.part.part_seq for o in plant.recorder.opened] == [1, 2, 3]
    plant.gate_agrees()


def test_what_a_crash_left_open_and_what_was_counted_meanwhile_is_accounted_for_before_the_first_part(
    tmp_path: Path,
) -> None:
    archive = FakeArchive(last_seq=42, unfinished=[opened(41, serial="S1"), opened(42)])
    plant = Plant(
        tmp_path,
        events=[46],
        shots=shots(46),
        archive=archive,
        position=TriggerPosition(part_seq=45, echo_seq=42),
    )
    plant.attempts = lambda serial: 3 if serial == "S1" else 1
    plant.run()
    assert [plant.recorder.of(n).attempt for n in (41, 42)] == [3, 1]
    assert {n: plant.rule(n) for n in range(41, 46)} == {
        41: "law.interrupted",
        42: "law.interrupted",
        43: "law.missed",
        44: "law.missed",
        45: "law.missed",
    }
    assert plant.recorder.of(41).gate_told is GateTold.UNKNOWN
    assert plant.recorder.of(42).gate_told is GateTold.ACKNOWLEDGED
    assert plant.recorder.of(45).gate_told is GateTold.NOTHING
    assert plant.outcomes()[46] is PASS
    assert sorted(plant.records) == list(range(41, 47))


def test_the_status_file_tells_the_run_and_ends_as_not_alive(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 4), shots=[*shots(1, 2, bad=(2,)), FrameError("torn")])
    plant.run()
    status = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    assert status["alive"] is False
    assert status["counters"] == {"pass": 1, "undecided": 1, "fail": 1}
    assert status["undecided_by_rule"] == {"law.frame": 1}
    assert [part["partSeq"] for part in status["last_parts"]] == [1, 2, 3]
    assert list(tmp_path.iterdir()) == [tmp_path / "status.json"]


def test_a_verdict_whose_answer_was_lost_but_whose_echo_came_is_recorded_as_it_acted(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 3], shots=shots(1, 2, 3, bad=(3,)))
    plant.gate.lose_answer = {1, 3}
    plant.run()
    plant.law_holds([1, 2, 3])
    assert plant.outcomes() == {1: PASS, 2: PASS, 3: FAIL}
    assert {i.gate_told for i in plant.recorder.closed} == {GateTold.ACKNOWLEDGED}
    assert plant.gate.told == [(1, PASS), (2, PASS), (3, FAIL)]


def test_a_picture_that_shows_nothing_is_undecided(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 3, 4], shots=shots(1, 2, 3, 4))
    plant.camera.light = {2: 0, 3: 255}.get
    plant.run()
    plant.law_holds([1, 2, 3, 4])
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS}
    assert {plant.rule(n) for n in (2, 3)} == {"law.optics"}
    assert plant.runtime.looked_at == [1, 4]


def test_parts_closer_than_the_window_are_undecided_and_an_alarm_names_the_setting(tmp_path: Path) -> None:
    soon = time.monotonic() + 5.0
    events = [TriggerEvent(part_seq=n, at=soon + n * fakes.WINDOW_S / 2) for n in (1, 2, 3)]
    plant = Plant(tmp_path, events=events, shots=shots(1, 2, 3))
    plant.run()
    plant.law_holds([1, 2, 3])
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED}
    assert {plant.rule(n) for n in (2, 3)} == {"law.resync"}
    assert any("sync_window_ms" in note.text for note in plant.recorder.notes if note.code == "sync.window")


def test_a_part_that_comes_as_we_begin_to_listen_is_not_given_a_neighbours_picture(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=[Shot(part_seq=0, frame_no=10), *shots(1, 2)])
    plant.trigger.first_after = -3 * fakes.WINDOW_S
    plant.camera.taken_at = lambda shot: plant.trigger.counted_at.get(max(shot.part_seq, 1), time.monotonic())
    plant.run()
    plant.law_holds([1, 2])
    assert plant.outcomes()[1] is UNDECIDED
    assert plant.rule(1) == "law.resync"


def test_a_camera_that_is_read_on_demand_is_refused_where_a_plc_counts(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=shots(1))
    plant.camera._paced = False
    plant.station = replace(plant.station, simulated=False)
    with pytest.raises(ConfigError, match="read on demand"):
        plant.run()
    plant.stop.set()


def test_in_free_run_a_jump_of_the_cameras_counter_is_that_many_missed_parts(tmp_path: Path) -> None:
    counted = [Shot(part_seq=n, frame_no=n) for n in (1, 2, 5)]
    plant = Plant(tmp_path, events=[1, 2, 3, 4, 5], shots=counted)
    plant.trigger.counted_by = "line"
    plant.camera._paced = False
    plant.run()
    assert plant.outcomes() == {1: PASS, 2: PASS, 3: UNDECIDED, 4: UNDECIDED, 5: PASS}
    assert {plant.rule(n) for n in (3, 4)} == {"law.missed"}


@pytest.mark.parametrize("jump", [25_536, 10**9])
def test_in_free_run_a_camera_whose_count_began_anew_is_an_alarm_and_no_parts(tmp_path: Path, jump: int) -> None:
    """16-bit ids of a restarted camera, and a glitch of 64 bits; 150 frames in order end the alarm."""
    parts = range(1, 151)
    counted = [Shot(part_seq=n, frame_no=n if n < 3 else n + jump) for n in parts]
    plant = Plant(tmp_path, events=parts, shots=counted)
    plant.trigger.counted_by = "line"
    plant.camera._paced = False
    plant.run()
    plant.law_holds(parts)
    assert set(plant.outcomes().values()) == {PASS}
    assert alarm_events(plant, "camera.count") == ["raised", "cleared"]


def test_in_free_run_many_lost_frames_are_written_in_chunks_that_the_book_can_take(tmp_path: Path) -> None:
    parts = range(1, 1402)
    counted = [Shot(part_seq=n, frame_no=n) for n in (1, 1401)]
    plant = Plant(tmp_path, events=parts, shots=counted, paced=False)
    plant.trigger.counted_by = "line"
    plant.camera._paced = False
    opened = [0]
    plant.flush = lambda _: opened.append(len(plant.recorder.opened)) is None
    plant.run()
    plant.law_holds(parts)
    assert [after - before for before, after in itertools.pairwise(opened)] == [0, 501, 500]


def test_in_free_run_a_torn_frame_is_one_part_and_those_lost_before_it_are_missed(tmp_path: Path) -> None:
    counted = [Shot(part_seq=1, frame_no=1), FrameError("torn", frame_no=3), Shot(part_seq=4, frame_no=4)]
    plant = Plant(tmp_path, events=[1, 2, 3, 4], shots=counted)
    plant.trigger.counted_by = "line"
    plant.camera._paced = False
    plant.run()
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS}
    assert (plant.rule(2), plant.rule(3)) == ("law.missed", "law.frame")


def test_a_camera_that_was_lost_and_counts_anew_costs_no_part_that_it_saw(tmp_path: Path) -> None:
    again = [Shot(part_seq=3, frame_no=1), Shot(part_seq=4, frame_no=2)]
    plant = Plant(tmp_path, events=[1, 2, 3, 4], shots=[Shot(part_seq=1, frame_no=700), LOST, *again])
    plant.run()
    plant.law_holds([1, 2, 3, 4])
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: PASS, 4: PASS}
    assert plant.rule(2) == "law.camera"


def test_a_camera_that_is_well_again_gives_the_run_permit_back_without_a_part(tmp_path: Path) -> None:
    quiet = DeviceError("camera fake", "no frame yet", lost=False)
    plant = Plant(tmp_path, events=[1, 2], shots=[LOST, quiet, *shots(2)])
    states = plant.gate.states
    plant.trigger.idle_until = lambda: LineState.RUN_PERMIT in states[-1] and any(LineState.ERROR in s for s in states)
    plant.run()
    plant.law_holds([1, 2])
    assert plant.outcomes() == {1: UNDECIDED, 2: PASS}


def test_a_job_that_no_recipe_has_withdraws_the_run_permit_and_names_the_job(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(1, 2), jobs=[4])
    plant.gate.wish = PlcWish(job=9)
    states = plant.gate.states
    plant.trigger.idle_until = lambda: bool(states) and states[-1] not in {LineState.NONE, LineState.ONLINE}
    plant.run()
    assert not any(LineState.RUN_PERMIT in state for state in states)
    assert ["job 9" in note.text for note in plant.recorder.notes if note.code == "plc.job"] == [True]


def test_a_line_whose_journal_thread_has_died_ends_to_be_started_anew(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=shots(1))
    plant.trigger.idle_until = lambda: False
    plant.trigger.given = 1
    plant.journal_health = lambda: JournalHealth(waiting=0, lost=0, error="a bug", thread_alive=False)
    assert plant.run() == 70
    assert plant.gate.states[-1] == LineState.ERROR


def test_a_disk_that_is_slower_than_a_stuck_loop_would_be_is_no_stop(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2, 3], shots=shots(1, 2, 3, bad=(1,)))
    plant.tuning = replace(plant.tuning, hang_limit_s=1.0)
    begun: list[float] = []

    def stalls(part: int) -> None:
        begun.append(time.monotonic())
        surely(lambda: time.monotonic() > begun[0] + 2.0)

    plant.evidence.before = stalls
    assert plant.run() == 0
    assert begun
    plant.law_holds([1, 2, 3])
    assert plant.outcomes() == {1: FAIL, 2: PASS, 3: PASS}


def test_two_triggers_closer_than_the_pitch_are_one_part_counted_twice_and_neither_is_judged(tmp_path: Path) -> None:
    at = time.monotonic()
    events = [TriggerEvent(part_seq=n, at=at + when) for n, when in ((1, 1.0), (2, 2.0), (3, 2.03), (4, 3.0), (5, 4.0))]
    plant = Plant(tmp_path, events=events, shots=shots(1, 2, 4, 5), handoff_depth=8)
    plant.station = replace(plant.station, min_pitch_s=0.2)
    plant.runtime.before = lambda part: part != 2 or surely(lambda: 3 in plant.gate.expected)
    plant.trigger._paced = False
    plant.run()
    plant.law_holds(range(1, 6))
    assert plant.rule(3) == "law.double_trigger"
    assert plant.records[3].verdict.reason == "double trigger: 30 ms after the part before"
    assert plant.outcomes()[2] is UNDECIDED
    assert plant.outcomes()[5] is PASS, plant.records[5].verdict.reason


def test_too_many_rejects_in_a_row_ask_the_belt_to_stop_until_somebody_has_seen_to_it(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 6), shots=shots(*range(1, 6), bad=(1, 2, 3, 4, 5)))
    plant.station = replace(plant.station, stop_after_rejects=3)

    def stopped() -> bool:
        return LineState.READY in plant.gate.states[-1] and LineState.RUN_PERMIT not in plant.gate.states[-1]

    def before(part: int) -> None:
        if part == 4:
            surely(stopped)
            plant.gate.wish = PlcWish(clear_error=True)
            surely(lambda: LineState.RUN_PERMIT in plant.gate.states[-1])

    plant.trigger.before = before
    plant.run()
    plant.law_holds(range(1, 6))
    events = [(note.code, note.action) for note in plant.recorder.notes if isinstance(note, AlarmEvent)]
    assert events == [("rejects.in_a_row", "raised"), ("rejects.in_a_row", "cleared")]


def test_three_parts_in_a_row_that_come_too_fast_are_an_alarm_until_one_is_judged_again(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 7), shots=shots(*range(1, 7)), paced=False, handoff_depth=2)
    plant.camera.during_grab = lambda shot: shot.part_seq != 2 or surely(lambda: plant.runtime.looked_at == [1])
    plant.runtime.before = lambda _part: surely(lambda: "verdict.late" in plant.recorder.alarms())
    plant.run()
    plant.law_holds(range(1, 7))
    assert {plant.rule(n) for n in (4, 5, 6)} == {"law.overrun"}
    events = [(note.code, note.action) for note in plant.recorder.notes if isinstance(note, AlarmEvent)]
    assert events[0] == ("verdict.late", "raised")


def test_a_full_reject_bin_withdraws_the_permit_while_it_lasts(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 3), shots=shots(1, 2))

    def before(part: int) -> None:
        if part == 2:
            surely(lambda: LineState.RUN_PERMIT in plant.gate.states[-1])
            plant.gate.wish = PlcWish(bin_full=True)
            surely(lambda: LineState.RUN_PERMIT not in plant.gate.states[-1])
            plant.gate.wish = PlcWish()
            surely(lambda: LineState.RUN_PERMIT in plant.gate.states[-1])

    plant.trigger.before = before
    plant.run()
    assert plant.outcomes() == {1: PASS, 2: PASS}
    assert "bin.full" in plant.recorder.alarms()


def test_a_pass_that_the_ejector_no_longer_takes_is_undecided_by_its_law_and_no_fault_of_the_gate(
    tmp_path: Path,
) -> None:
    plant = Plant(tmp_path, events=range(1, 5), shots=shots(1, 2, 3, 4, bad=(3,)))
    plant.gate.condemn = {2: "law.late", 3: "law.belt", 4: "law.belt"}
    plant.run()
    plant.law_holds(range(1, 5))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: FAIL, 4: UNDECIDED}
    assert (plant.rule(2), plant.rule(4)) == ("law.late", "law.belt")
    assert plant.records[2].verdict.reason.startswith("late: ")
    assert plant.records[4].verdict.reason == "belt: the belt stopped"
    assert plant.records[2].gate_told is GateTold.NOTHING
    assert plant.recorder.alarms() == set()


def test_a_pass_that_a_resync_overruled_is_never_recorded_as_passed_by_its_echo(tmp_path: Path) -> None:
    """Told UNDECIDED, its answer lost, its echo there: the echo is of UNDECIDED."""
    plant = Plant(tmp_path, events=[], shots=[])
    plant.gate.lose_answer = {2}
    alarms = AlarmBoard(station="s", write=plant.recorder.note)
    desk = Desk(equipment=plant.equipment(), alarms=alarms, tally=Tally())
    now = time.monotonic()
    recipe = plant.station.recipes[0]
    ticket = Ticket(opened=replace(opened(2), opened_at=now), recipe=recipe, deadline=now + 60, epoch=desk.epoch)
    desk.new_epoch()
    decision = Decision(rule="limit.length", measured=0, limit=0, unit="mm")
    desk.tell_and_record(ticket, Verdict(outcome=PASS, reason="", decision=decision), timings=Timings())
    judged = desk.next(0.0)
    assert judged is not None
    assert plant.gate.told == [(2, UNDECIDED)]
    assert (judged.told, judged.verdict.decision.rule) == (GateTold.UNKNOWN, "law.resync")
    assert judged.wanted is not None
    assert judged.wanted.outcome is UNDECIDED
