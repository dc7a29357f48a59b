"""Forcing an output: what may be driven, how it is shown, and that nothing stays driven."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from inspector.adapters.gate_modbus.forced import Forced
from inspector.domain.request import FORCE, RequestState
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.force import FORCE_ALARM, ForceDesk
from inspector.ports.gate import LineState
from tests.fakes import FakeRecorder, request, wait_until

RUNNING = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT


class FakePanel:
    def __init__(self) -> None:
        self.forced = Forced("to_plc.state", {})
        self.driven: Mapping[str, bool] = {}

    def words(self) -> Mapping[str, int]:
        return {}

    def outputs(self) -> Sequence[str]:
        return self.forced.outputs()

    def force(self, outputs: Mapping[str, bool]) -> None:
        self.driven = outputs
        self.forced.drive(outputs)


@pytest.fixture
def panel() -> FakePanel:
    return FakePanel()


@pytest.fixture
def desk(panel: FakePanel) -> ForceDesk:
    recorder = FakeRecorder()
    return ForceDesk(panel=panel, alarms=AlarmBoard(station="s", write=recorder.note))


def wish(number: int = 1, **changed: Any) -> Any:
    content = {"output": "to_plc.state.bypass", "high": True, "seconds": 30, **changed}
    return request(number, FORCE, content)


def test_a_forced_output_is_shown_and_takes_the_permit(desk: ForceDesk, panel: FakePanel) -> None:
    assert desk.begin(wish()).state is RequestState.RUNNING
    assert panel.driven == {"to_plc.state.bypass": True}
    assert panel.forced.apply(RUNNING) == LineState.ONLINE | LineState.BYPASS
    assert "to_plc.state.bypass = 1" in desk._alarms.standing()[FORCE_ALARM]
    (over,) = desk.finish(RequestState.WITHDRAWN, "as it was asked for", request=1)
    assert over.state is RequestState.WITHDRAWN
    assert panel.driven == {}
    assert panel.forced.apply(RUNNING) == RUNNING
    assert FORCE_ALARM not in desk._alarms.standing()


def test_it_is_released_when_its_time_is_over(desk: ForceDesk, panel: FakePanel) -> None:
    desk.begin(wish(seconds=1))
    assert desk.look() == []
    over: list[Any] = []
    assert wait_until(lambda: bool(over.extend(desk.look()) or over))
    assert over[0].state is RequestState.DONE
    assert panel.driven == {}


def test_the_lines_end_releases_all(desk: ForceDesk, panel: FakePanel) -> None:
    desk.begin(wish(1))
    desk.begin(wish(2, output="to_plc.state.run_permit", high=False))
    assert len(panel.driven) == 2
    assert len(desk.finish(RequestState.ENDED, "the line stopped")) == 2
    assert panel.driven == {}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"output": "to_plc.result_code"}, "cannot be forced; there are: to_plc.state.online"),
        ({"output": "to_plc.state.run_permit"}, "can be forced low only"),
        ({"high": 1}, "true or false is right"),
        ({"seconds": 601}, "1 to 600 is right"),
        ({"seconds": None}, "1 to 600 is right"),
    ],
)
def test_what_must_not_be_forced_is_refused(
    desk: ForceDesk, panel: FakePanel, wrong: dict[str, Any], says: str
) -> None:
    answer = desk.begin(wish(**wrong))
    assert answer.state is RequestState.REFUSED
    assert says in answer.text
    assert panel.driven == {}


def test_an_output_is_driven_by_one_request_and_only_where_there_are_outputs(desk: ForceDesk) -> None:
    desk.begin(wish(1))
    assert "is forced by request 1" in desk.begin(wish(2)).text
    dry = ForceDesk(panel=None, alarms=desk._alarms)
    assert "no outputs to force" in dry.begin(wish(3)).text
