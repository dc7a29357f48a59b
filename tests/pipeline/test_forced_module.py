"""Forcing an output of a remote I/O module: what may be driven, and that the belt has no permit meanwhile."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from inspector.adapters.gate_modbus.forced import Forced
from inspector.domain.request import FORCE, RequestState
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.beside import PlcAndField
from inspector.pipeline.driven import Driven
from inspector.pipeline.force import FORCE_ALARM, ForceDesk
from inspector.pipeline.tracked import TrackedGate
from inspector.ports.field_io import Output
from inspector.ports.gate import LineState, Panel
from tests.fakes import FakeGate, FakeRecorder, request, wait_until
from tests.pipeline.test_tracked import READY, WAY, Module

WIRED = frozenset({Output.EJECTOR, Output.UNDECIDED_BIN, Output.RUN_PERMIT, Output.STOP_REQUEST, Output.HORN})


@contextmanager
def gate(*, fires: bool = True) -> Iterator[tuple[TrackedGate, Module]]:
    module = Module()
    with TrackedGate(module, replace(WAY, fires=fires), station="left", period_s=0.001, wired=WIRED) as opened:
        opened.announce(READY)
        assert wait_until(lambda: module.written.get(Output.RUN_PERMIT) is True)
        yield opened, module


def desk(panel: Panel) -> ForceDesk:
    return ForceDesk(panel=panel, alarms=AlarmBoard(station="s", write=FakeRecorder().note))


def wish(number: int = 1, **changed: Any) -> Any:
    return request(number, FORCE, {"output": "horn", "high": True, "seconds": 30, **changed})


def test_a_forced_output_is_written_and_shown_and_the_belt_loses_its_permit() -> None:
    with gate() as (opened, module):
        forcing = desk(opened)
        assert forcing.begin(wish()).state is RequestState.RUNNING
        assert wait_until(lambda: module.written.get(Output.HORN) is True)
        assert wait_until(lambda: module.written[Output.RUN_PERMIT] is False)
        assert module.written[Output.STOP_REQUEST] is True
        assert wait_until(lambda: opened.module_words()["horn"] == 1)
        assert forcing.told()["driven"][0]["output"] == "horn"
        assert "horn = 1" in forcing._alarms.standing()[FORCE_ALARM]
        opened.announce(READY)  # the line goes on saying that it is ready, four times a second
        before = opened._cycles
        assert wait_until(lambda: opened._cycles > before + 2)
        assert module.written[Output.RUN_PERMIT] is False
        forcing.finish(RequestState.WITHDRAWN, "as it was asked for", request=1)
        assert wait_until(lambda: module.written[Output.RUN_PERMIT] is True)
        assert FORCE_ALARM not in forcing._alarms.standing()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"output": "ejector"}, "cannot be forced; there are: run_permit, stop_request, horn"),
        ({"output": "undecided_bin"}, "cannot be forced"),
        ({"output": "marker"}, "cannot be forced"),  # not wired
        ({"output": "run_permit", "high": True}, "can be forced low only"),
        ({"output": "stop_request", "high": False}, "can be forced high only"),
    ],
)
def test_what_a_verdict_moves_and_what_lets_the_belt_run_is_not_forced(wrong: dict[str, Any], says: str) -> None:
    with gate() as (opened, module):
        answer = desk(opened).begin(wish(**wrong))
        assert answer.state is RequestState.REFUSED
        assert says in answer.text
        assert module.written[Output.RUN_PERMIT] is True


def test_the_ejector_goes_on_by_its_verdicts_while_a_lamp_is_forced() -> None:
    driven = Driven(WIRED)
    driven.drive({"horn": True})
    for ejects in (True, False):
        assert driven.apply({Output.EJECTOR: ejects, Output.HORN: False}) == {
            Output.EJECTOR: ejects,
            Output.HORN: True,
        }


class FakePlc(FakeGate):
    """A PLC with words, as the one who is told the state."""

    def __init__(self) -> None:
        super().__init__()
        self.forced = Forced("to_plc.state", {})

    def words(self) -> Mapping[str, int]:
        return {"to_plc.state.run_permit": int(LineState.RUN_PERMIT in self.forced.apply(self.states[-1]))}

    def outputs(self) -> Sequence[str]:
        return self.forced.outputs()

    def force(self, outputs: Mapping[str, bool]) -> None:
        self.forced.drive(outputs)


def test_beside_a_plc_neither_of_them_has_the_permit_whichever_output_is_forced() -> None:
    with gate(fires=False) as (field, module):
        both = PlcAndField(FakePlc(), field)
        both.announce(READY)
        assert {"horn", "to_plc.state.bypass"} <= set(both.outputs())
        for forced in ({"horn": True}, {"to_plc.state.bypass": True}):
            assert both.words() == {"to_plc.state.run_permit": 1}
            both.force(forced)
            both.announce(READY)
            assert both.words() == {"to_plc.state.run_permit": 0}
            assert wait_until(lambda: module.written[Output.RUN_PERMIT] is False)
            both.force({})
            assert both.words() == {"to_plc.state.run_permit": 1}
            assert wait_until(lambda: module.written[Output.RUN_PERMIT] is True)


def test_beside_a_plc_without_words_the_module_is_forced_all_the_same() -> None:
    plc = FakeGate()
    with gate(fires=False) as (field, module):
        both = PlcAndField(plc, field)
        both.announce(READY)
        assert (both.words(), set(both.outputs())) == ({}, {"run_permit", "stop_request", "horn"})
        both.force({"horn": True})
        assert plc.states[-1] == LineState.ONLINE
        assert wait_until(lambda: module.written[Output.HORN] is True)
