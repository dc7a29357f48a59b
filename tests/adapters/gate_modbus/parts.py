"""Verdicts and parts for the tests of the PLC gate."""

import time

from inspector.adapters.gate_modbus import ModbusGate
from inspector.domain.frame import PartId
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.ports.trigger import TriggerEvent

PATIENCE_S = 10.0


def verdict(outcome: Outcome, score: float = 0.0) -> Verdict:
    decision = Decision(rule="test", measured=0.0, limit=0.0, unit="")
    return Verdict(outcome=outcome, reason="test", decision=decision, severity_score=score)


def tell(gate: ModbusGate, part_seq: int, outcome: Outcome, *, within_s: float = 5.0, score: float = 0.0) -> None:
    deadline = time.monotonic() + within_s
    part = PartId(part_seq=part_seq)
    gate.expect(part, deadline=deadline)
    gate.signal(part, verdict(outcome, score), deadline=deadline)


def next_part(gate: ModbusGate) -> TriggerEvent:
    event = gate.wait(PATIENCE_S)
    assert event is not None, "no trigger came"
    return event
