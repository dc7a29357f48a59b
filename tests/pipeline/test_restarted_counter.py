"""A source whose counter began anew and says so: every part of both counts gets its own Inspection."""

import time
from pathlib import Path

import pytest

from inspector.domain.verdict import Outcome
from inspector.ports.trigger import TriggerEvent, TriggerPosition
from tests.fakes import FakeArchive, Shot
from tests.pipeline.plant import Plant

PASS, UNDECIDED = Outcome.PASS, Outcome.UNDECIDED


@pytest.mark.parametrize("stands_at", [1, 2, 3, 5])
def test_every_part_of_the_new_count_is_a_new_part_wherever_it_stands(tmp_path: Path, stands_at: int) -> None:
    restart = TriggerEvent(part_seq=stands_at, at=time.monotonic() + 2.0, restarted=True)  # the line runs by then
    shown = [Shot(part_seq=n, frame_no=place) for place, n in enumerate([1, 2, 3, stands_at, stands_at + 1])]
    plant = Plant(tmp_path, events=[1, 2, 3, restart, stands_at + 1], shots=shown)
    plant.run()
    found = [((i.part.series, i.part.part_seq), i.verdict.outcome) for i in plant.recorder.closed]
    assert len(dict(found)) == len(found), "one part, one Inspection"
    old = {(1, number): PASS for number in (1, 2, 3)}
    unseen = {(2, number): UNDECIDED for number in range(1, stands_at)}
    assert dict(found) == old | unseen | {(2, stands_at): PASS, (2, stands_at + 1): PASS}
    assert [part_seq for part_seq, _ in plant.gate.told] == [1, 2, 3, stands_at, stands_at + 1]


def test_a_restart_that_is_seen_at_the_start_is_no_part_of_the_old_series(tmp_path: Path) -> None:
    plant = Plant(
        tmp_path,
        events=[4],
        shots=[Shot(part_seq=4, frame_no=4)],
        archive=FakeArchive(last_seq=3),
        position=TriggerPosition(part_seq=3, restarted=True),
    )
    plant.run()
    found = {(i.part.series, i.part.part_seq): i.verdict.outcome for i in plant.recorder.closed}
    assert found == {(2, 1): UNDECIDED, (2, 2): UNDECIDED, (2, 3): UNDECIDED, (2, 4): PASS}


def test_a_counter_that_jumped_by_millions_begins_a_new_series_and_nobody_waits_for_the_parts_it_skipped(
    tmp_path: Path,
) -> None:
    far = 400_000_000
    shown = [Shot(part_seq=n, frame_no=place) for place, n in enumerate([1, 2, far, far + 1])]
    plant = Plant(tmp_path, events=[1, 2, far, far + 1], shots=shown)
    plant.run()
    assert [(i.part.series, i.part.part_seq) for i in plant.recorder.closed] == [(1, 1), (1, 2), (2, far), (2, far + 1)]
