"""An id that cannot be the part's own makes everything in flight UNDECIDED, and is told with both ids."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inspector.domain.inspection import AlarmEvent
from inspector.domain.verdict import Outcome
from inspector.pipeline.part_ids import AGREED, PART_ID_ALARM, IdLaw, PartIds
from inspector.ports.gate import PlcWish
from inspector.ports.trigger import ChangedId, IdsWatched, TriggerEvent
from tests.fakes import FakeTrigger, Shot, wait_until
from tests.pipeline.plant import Plant

PITCH_S = 0.5


def event(part_seq: int, part_id: str, *, lot: str = "", restarted: bool = False) -> TriggerEvent:
    return TriggerEvent(part_seq=part_seq, at=float(part_seq), part_id=part_id, lot=lot, restarted=restarted)


def why(law: IdLaw, *events: TriggerEvent) -> list[str]:
    ids = PartIds(law)
    return [ids.why_not(one) for one in events]


def test_the_same_id_twice_in_a_row_is_told_with_both_parts() -> None:
    told = why(IdLaw.UNIQUE, event(4, "A7"), event(5, "A7"), event(6, "A8"))
    assert told == ["", "part id 'A7' came twice in a row, for parts 4 and 5", ""]


@pytest.mark.parametrize("law", IdLaw)
def test_an_id_that_is_never_filled_in_is_no_mismatch(law: IdLaw) -> None:
    assert why(law, *(event(number, "") for number in range(1, 6))) == [""] * 5


def test_a_part_without_an_id_does_not_hide_that_the_one_before_comes_again() -> None:
    assert why(IdLaw.UNIQUE, event(1, "A"), event(2, ""), event(3, "A"))[2].endswith("for parts 1 and 3")


@pytest.mark.parametrize("law", [IdLaw.REPEATED, IdLaw.UNCHECKED])
def test_ids_of_pallets_may_come_again(law: IdLaw) -> None:
    assert why(law, event(1, "A"), event(2, "A"), event(3, "A")) == ["", "", ""]


def test_another_lot_or_a_counter_begun_anew_has_ids_of_its_own() -> None:
    assert why(IdLaw.UNIQUE, event(1, "A", lot="L1"), event(2, "A", lot="L2")) == ["", ""]
    assert why(IdLaw.UNIQUE, event(9, "A"), event(1, "A", restarted=True)) == ["", ""]


@pytest.mark.parametrize(
    ("before", "after", "well"),
    [
        ((4, "P0004"), (5, "P0005"), True),
        ((4, "P0004"), (7, "P0007"), True),  # two parts were counted that nobody saw
        ((4, "P9999"), (5, "P0000"), True),
        ((4, "99"), (5, "100"), True),
        ((4, "P0004"), (5, "P0006"), False),
        ((4, "P0004"), (5, "P0003"), False),
        ((4, "P0004"), (5, "P0004"), False),
        ((4, "P0004"), (5, "Q0005"), False),
        ((4, "P0004"), (5, "PXYZ"), False),
        ((0xFFFFFFFF, "P0004"), (1, "P0005"), True),  # 0 is no part
    ],
)
def test_a_counter_that_skips_or_goes_back_is_a_mismatch(
    before: tuple[int, str], after: tuple[int, str], *, well: bool
) -> None:
    told = why(IdLaw.COUNTER, event(*before), event(*after))[1]
    assert (told == "") == well
    assert well or (before[1] in told and after[1] in told)


def plant_with_ids(folder: Path, ids: Sequence[str], law: IdLaw = IdLaw.UNIQUE) -> Plant:
    """Parts from 1 on with these ids, and a good picture of each."""
    parts = range(1, len(ids) + 1)
    plant = Plant(folder, events=parts, shots=[Shot(part_seq=n, frame_no=n) for n in parts], pitch_s=PITCH_S)
    plant.station = replace(plant.station, part_ids=law)
    given = plant.trigger.wait

    def wait(timeout_s: float) -> TriggerEvent | None:
        came = given(timeout_s)
        return None if came is None else replace(came, part_id=ids[came.part_seq - 1])

    plant.trigger.wait = wait  # type: ignore[method-assign]
    return plant


def alarms(plant: Plant) -> list[tuple[str, str]]:
    return [
        (note.action, note.text)
        for note in plant.recorder.notes
        if isinstance(note, AlarmEvent) and note.code == PART_ID_ALARM
    ]


def test_a_part_with_the_id_of_the_one_before_is_undecided_and_the_next_ones_are_judged(tmp_path: Path) -> None:
    plant = plant_with_ids(tmp_path, ["A", "B", "B", "C", "D"])
    plant.run()
    plant.law_holds(range(1, 6))
    assert [plant.outcomes()[n] is Outcome.PASS for n in range(1, 6)] == [True, True, False, True, True]
    assert plant.records[3].verdict.reason == "resync: part id 'B' came twice in a row, for parts 2 and 3"
    assert [action for action, _ in alarms(plant)] == ["raised"]
    assert "'B' came twice in a row" in alarms(plant)[0][1]


def test_the_alarm_ends_once_enough_ids_are_right(tmp_path: Path) -> None:
    plant = plant_with_ids(tmp_path, ["A", "A", *(f"B{n}" for n in range(AGREED + 1))])
    plant.run()
    assert [action for action, _ in alarms(plant)] == ["raised", "cleared"]


def test_a_person_may_end_the_alarm(tmp_path: Path) -> None:
    plant = plant_with_ids(tmp_path, ["A", "A", "B"])

    def before(part: int) -> None:
        if part == 3:
            plant.gate.wish = PlcWish(clear_error=True)
            assert wait_until(lambda: [action for action, _ in alarms(plant)] == ["raised", "cleared"])

    plant.trigger.before = before
    plant.run()


class WatchedTrigger(FakeTrigger):
    """Also says which ids changed."""

    changes: Sequence[ChangedId] = ()

    def changed_ids(self) -> Sequence[ChangedId]:
        told, self.changes = self.changes, ()
        return told


@pytest.mark.parametrize("law", [IdLaw.REPEATED, IdLaw.UNIQUE, IdLaw.UNCHECKED])
def test_an_id_that_changes_while_its_part_is_judged_lets_nothing_in_flight_pass(tmp_path: Path, law: IdLaw) -> None:
    plant = Plant(tmp_path, events=[1, 2, 3], shots=[Shot(part_seq=n, frame_no=n) for n in (1, 2, 3)])
    plant.station = replace(plant.station, part_ids=law)
    trigger = WatchedTrigger([1, 2, 3], stop=plant.stop, recorder=plant.recorder)
    assert isinstance(trigger, IdsWatched)
    plant.trigger = trigger
    plant.camera.taken_at = lambda shot: trigger.counted_at[shot.part_seq]
    judging = threading.Event()

    def change(part: int) -> None:
        if part == 2 and not judging.is_set():
            judging.set()
            trigger.changes = [ChangedId(part_seq=2, told="B", now="C")]

    plant.runtime.before = change
    plant.run()
    plant.law_holds([1, 2, 3])
    if law is IdLaw.UNCHECKED:
        assert set(plant.outcomes().values()) == {Outcome.PASS}
        return
    assert [plant.outcomes()[n] is Outcome.PASS for n in (1, 2, 3)] == [True, False, True]
    told = plant.records[2].verdict
    assert (told.decision.rule, told.reason) == (
        "law.resync",
        "resync: the part id changed before it was acknowledged while it was in flight",
    )
    assert "part id of part 2 changed from 'B' to 'C'" in alarms(plant)[0][1]
