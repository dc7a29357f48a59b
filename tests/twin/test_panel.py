"""What goes wrong with part ids is told by the simulated PLC in either role."""

import pytest

from inspector.twin.panel import Panel
from inspector.twin.plc_polling import Control, Shown
from tests.twin.test_plc_polling import Bench


def test_ids_follow_the_parts_and_go_wrong_where_they_are_asked_to() -> None:
    panel = Panel()
    panel.mislead(3, {"plc-id-repeated": 0.0})
    panel.mislead(6, {"plc-id-skipped": 0.0})
    told = [panel.part_id(part_seq, float(part_seq)) for part_seq in range(1, 9)]
    numbers = (1, 2, 2, 4, 5, 7, 8, 9)
    assert told == [f"P{number:07d}" for number in numbers]


def test_an_id_changes_so_long_after_its_trigger() -> None:
    panel = Panel()
    panel.mislead(1, {"plc-id-changed": 20.0})
    assert [panel.part_id(1, now) for now in (5.0, 5.01, 5.03)] == ["P0000001", "P0000001", "X0000001"]
    assert panel.part_id(2, 6.0) == "P0000002"


def text(words: tuple[int, ...]) -> str:
    return b"".join(word.to_bytes(2, "big") for word in words[5:9]).decode()


@pytest.mark.parametrize("changes", [True, False])
def test_a_plc_that_polls_holds_its_trigger_while_its_id_changes(*, changes: bool) -> None:
    bench = Bench()
    bench.plc.panel.mislead(1, {"plc-id-changed": 20.0} if changes else {})
    bench.read(0, edges=(0,))
    seen = []
    for at in range(5, 200, 5):
        bench.read(at, Shown.TRIGGER_ACK, acquisition=1)
        seen.append((Control.TRIGGER in bench.bits, text(bench.answer.words)))
    assert ((True, "X0000001") in seen) == changes
    assert seen[-1][0] is False
