"""A record says what the gate made of a part, and waiting for that holds up nothing else."""

import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from inspector.domain.inspection import AlarmEvent, GateTold, Timings
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.echoes import LINK_BACK_S, Echoes
from inspector.pipeline.handshake import Handshake
from inspector.pipeline.paper import MOST_PATIENT
from inspector.pipeline.ticket import Judged, Ticket
from inspector.ports.trigger import TriggerPosition
from tests import fakes
from tests.fakes import FakeArchive, FakeFetchedGate, FakeGate, Shot, wait_until
from tests.pipeline.plant import Plant, opened

PASS, FAIL, UNDECIDED = Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED


def shots(last: int, bad: tuple[int, ...] = ()) -> list[Shot]:
    return [Shot(part_seq=n, frame_no=n, bad=n in bad) for n in range(1, last + 1)]


def test_an_echo_that_is_waited_for_holds_up_no_other_parts_picture(tmp_path: Path) -> None:
    parts = range(1, 6)
    plant = Plant(tmp_path, events=parts, shots=shots(5, bad=tuple(parts)), paced=False)
    plant.station = replace(plant.station, echo_timeout_s=2.0)
    plant.gate._echoes = False
    plant.trigger.before = lambda part: wait_until(lambda: len(plant.evidence.kept) >= part - 1)
    plant.gate.after = lambda part: part != parts[-1] or [plant.gate.confirm(n, GateTold.ACKNOWLEDGED) for n in parts]
    assert plant.run() == 0
    plant.law_holds(parts)
    assert {i.gate_told for i in plant.recorder.closed} == {GateTold.ACKNOWLEDGED}
    assert [i.part.part_seq for i in plant.recorder.closed] == list(parts)


def test_a_gate_that_never_echoes_lets_no_more_parts_wait_for_their_records_than_a_few(tmp_path: Path) -> None:
    parts = range(1, 2 * MOST_PATIENT + 1)
    plant = Plant(tmp_path, events=parts, shots=shots(parts[-1]), paced=False)
    plant.station = replace(plant.station, echo_timeout_s=3600.0)
    plant.gate._echoes = False
    written: list[bool] = []
    plant.trigger.before = lambda part: written.append(
        wait_until(lambda: len(plant.recorder.closed) >= part - 1 - MOST_PATIENT, 5.0)
    )
    plant.gate.after = lambda part: part != parts[-1] or plant.stop.set()
    assert plant.run() == 0
    assert all(written)
    plant.law_holds(parts)
    assert {i.gate_told for i in plant.recorder.closed} == {GateTold.SENT}


def test_many_parts_that_wait_for_their_records_are_an_alarm_until_they_are_written(tmp_path: Path) -> None:
    parts = range(1, 1102)
    plant = Plant(tmp_path, events=parts, shots=shots(parts[-1], bad=(1,)), paced=False)
    actions = lambda: [  # noqa: E731 - asked again and again
        note.action for note in plant.recorder.notes if isinstance(note, AlarmEvent) and note.code == "journal.behind"
    ]
    plant.evidence.before = lambda frame: frame.part.part_seq > 1 or wait_until(lambda: actions() == ["raised"])
    plant.trigger.before = lambda part: part != parts[-1] or wait_until(lambda: actions() == ["raised", "cleared"])
    assert plant.run() == 0
    assert actions() == ["raised", "cleared"]
    plant.law_holds(parts)


def test_the_interrupted_parts_of_a_long_outage_are_written_in_chunks_that_the_book_can_take(tmp_path: Path) -> None:
    left = [opened(part_seq) for part_seq in range(1, 1201)]
    archive = FakeArchive(last_seq=1200, unfinished=left)
    plant = Plant(tmp_path, events=[1201], shots=[Shot(part_seq=1201)], archive=archive)
    plant.trigger._position = TriggerPosition(part_seq=1200)
    closed = [0]
    plant.flush = lambda _: closed.append(len(plant.recorder.closed)) is None
    plant.run()
    assert max(after - before for before, after in pairwise(closed)) == 500
    assert len(plant.recorder.closed) == 1201


def test_what_the_plc_reads_in_time_is_told_and_what_it_does_not_read_is_no_pass(tmp_path: Path) -> None:
    """Read and acknowledged, read, never read (a good one, a bad one), withdrawn, acknowledged after its deadline."""
    plant = Plant(tmp_path, events=range(1, 7), shots=shots(6, bad=(4,)), deadline_s=1.0)
    plant.gate = FakeFetchedGate()
    words = {
        1: [GateTold.SENT, GateTold.ACKNOWLEDGED],
        2: [GateTold.SENT],
        5: [GateTold.NOTHING],
        6: [GateTold.SENT, GateTold.UNKNOWN],
    }
    plant.gate.after = lambda part: [plant.gate.confirm(part, told) for told in words.get(part, [])]
    assert plant.run() == 0
    assert sorted(plant.records) == list(range(1, 7))
    assert plant.outcomes() == {1: PASS, 2: PASS, 3: UNDECIDED, 4: FAIL, 5: UNDECIDED, 6: UNDECIDED}
    told = {part_seq: inspection.gate_told for part_seq, inspection in plant.records.items()}
    assert told == {
        1: GateTold.ACKNOWLEDGED,
        2: GateTold.SENT,
        3: GateTold.NOTHING,
        4: GateTold.NOTHING,
        5: GateTold.NOTHING,
        6: GateTold.UNKNOWN,
    }
    assert (plant.rule(3), plant.rule(5), plant.rule(6)) == ("law.late", "law.gate", "law.gate")
    assert "had not read it" in plant.records[3].verdict.reason
    assert all(plant.records[part_seq].evidence_note for part_seq in (3, 5, 6))


def test_people_see_a_result_as_told_once_the_plc_has_read_it(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(2), deadline_s=1.0)
    plant.gate = FakeFetchedGate()
    plant.gate.after = lambda part: plant.gate.confirm(part, GateTold.SENT) if part == 2 else None
    plant.run()
    newest = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))["handshake"]
    assert [(one["part_seq"], one["told"], one["told_ms"] is None) for one in newest] == [
        (2, "sent", False),
        (1, "nothing", True),
    ]


def test_what_the_plc_reads_shortly_before_the_deadline_is_told(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(2), deadline_s=2.0, paced=False)
    plant.gate = FakeFetchedGate()
    plant.station = replace(plant.station, echo_timeout_s=0.01)

    def read_late(part: int) -> None:
        if part == 2:
            at = plant.trigger.counted_at[1] + 1.0
            assert wait_until(lambda: time.monotonic() >= at)
            plant.gate.confirm(1, GateTold.SENT)

    plant.trigger.before = read_late
    plant.run()
    assert plant.outcomes()[1] is PASS
    assert plant.recorder.of(1).gate_told is GateTold.SENT


@pytest.mark.parametrize("told", [GateTold.SENT, GateTold.UNKNOWN])
def test_a_line_that_ends_waits_a_moment_for_the_last_parts_and_writes_what_is_known(
    tmp_path: Path, told: GateTold
) -> None:
    plant = Plant(tmp_path, events=[1, 2], shots=shots(2), deadline_s=3600.0, paced=False)
    plant.gate = FakeFetchedGate()
    plant.gate.after = lambda part: plant.gate.confirm(part, told) if part == 1 else None
    plant.trigger.idle_until = lambda: plant.stop.set() is None
    begun = time.monotonic()
    assert plant.run() == 0
    assert time.monotonic() - begun < 3600
    assert plant.records[1].gate_told is told
    assert plant.outcomes()[1] is (PASS if told is GateTold.SENT else UNDECIDED)


def test_an_echo_is_of_the_series_in_which_it_came() -> None:
    gate = FakeFetchedGate()
    echoes = Echoes(gate=gate, handshake=Handshake(), echo_timeout_s=1.0)
    old, new = told_part(1, series=1), told_part(1, series=2)
    assert echoes.begins_anew(old)
    echoes.set_aside(old)
    echoes.begin(old)
    gate.confirm(1, GateTold.ACKNOWLEDGED)  # of the new part: the old one was not read
    assert not echoes.begins_anew(old)
    assert echoes.begins_anew(new)
    echoes.set_aside(new)
    assert echoes.fate(old)[1] is GateTold.UNKNOWN
    echoes.begin(new)
    assert echoes.fate(new) == (new.verdict, GateTold.ACKNOWLEDGED)


def test_a_result_whose_answer_was_lost_with_the_link_is_written_as_the_plc_took_it(tmp_path: Path) -> None:
    """The PLC took the PASS of part 1, and let it go by: a record without a verdict would be of no part that was."""
    plant = Plant(tmp_path, events=[1, 2, 3], shots=shots(3), deadline_s=0.3, paced=False)
    plant.station = replace(plant.station, echo_timeout_s=0.05)
    plant.gate.lose_answer = {1}
    plant.gate._echoes = False

    def first_poll_after_the_outage(part: int) -> None:
        if part == 3:
            at = plant.trigger.counted_at[1] + 0.9
            assert wait_until(lambda: time.monotonic() >= at)
            plant.gate.confirm(1, GateTold.ACKNOWLEDGED)

    plant.trigger.before = first_poll_after_the_outage
    plant.run()
    assert (plant.outcomes()[1], plant.recorder.of(1).gate_told) == (PASS, GateTold.ACKNOWLEDGED)


def test_a_result_whose_answer_was_lost_is_waited_for_until_a_link_would_have_been_found_again() -> None:
    sent = told_part(1, series=1)
    lost = replace(sent, told=GateTold.UNKNOWN, wanted=sent.verdict)
    echoes = Echoes(gate=FakeGate(echoes=False), handshake=Handshake(), echo_timeout_s=0.25)
    now = time.monotonic()
    assert echoes.patience_s(sent, now) <= 0.25 < LINK_BACK_S / 2 < echoes.patience_s(lost, now) <= LINK_BACK_S
    assert echoes.patience_s(lost, now - LINK_BACK_S) == 0.0


def told_part(part_seq: int, *, series: int) -> Judged:
    now = time.monotonic()
    verdict = Verdict(outcome=PASS, reason="", decision=Decision(rule="r", measured=0, limit=0, unit=""))
    ticket = Ticket(
        opened=replace(opened(part_seq, series), opened_at=now),
        recipe=fakes.station().recipes[0],
        deadline=now + 60.0,
        epoch=1,
    )
    return Judged(ticket=ticket, verdict=verdict, detections=(), timings=Timings(), told=GateTold.SENT)
