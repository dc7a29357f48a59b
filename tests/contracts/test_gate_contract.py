"""What every gate promises, with or without somebody at the other end."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from inspector.app import plugins
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.field import Axis, Way
from inspector.pipeline.tracked import TrackedGate
from inspector.ports.gate import LineState
from inspector.ports.plugin import Context

CONTEXT = Context(station="s", data_dir="", run_dir="")
NOBODY: dict[str, dict[str, Any]] = {
    "modbus": {"host": "127.0.0.1", "port": 1},
    "modbus_server": {"listen": "127.0.0.1", "port": 0},
    "remote_io": {"host": "127.0.0.1", "port": 1, "trigger": "input:0", "ejector": "coil:0"},
}
"""Settings with which nobody answers."""
PASSED = Verdict(
    outcome=Outcome.PASS, reason="no defect", decision=Decision(rule="defects.none", measured=0, limit=0, unit="count")
)
WAY = Way(axis=Axis.TIME, distance_mm=500.0, before_mm=50.0, after_mm=50.0, confirm_mm=100.0, speed_mm_s=500.0)
PATIENCE_S = 2.0
"""Far above the 100 ms of the port: a busy machine is no broken gate."""


@pytest.fixture(params=plugins.names("gate"))
def gate(request: pytest.FixtureRequest) -> Iterator[Any]:
    kind = request.param
    plugin = plugins.find("gate", kind, where="here", key="gate")
    with plugin.open(plugin.settings_model(**NOBODY.get(kind, {})), CONTEXT) as opened:
        if not plugin.tracks:
            yield opened
            return
        with TrackedGate(opened, WAY, station="s", period_s=0.01) as gate:  # of a module the line makes a gate
            yield gate


def test_it_tells_within_its_time_or_raises(gate: Any) -> None:
    part = PartId(part_seq=7)
    begun = time.monotonic()
    gate.expect(part, deadline=begun + 5)
    try:
        gate.signal(part, PASSED, deadline=begun + 5)
    except DeviceError:
        assert not gate.link().alive
    assert time.monotonic() - begun < PATIENCE_S


def test_it_never_claims_more_than_it_did(gate: Any) -> None:
    part, now = PartId(part_seq=7), time.monotonic()
    gate.expect(part, deadline=now + 5)
    told = True
    try:
        gate.signal(part, PASSED, deadline=now + 5)
    except DeviceError:
        told = False
    confirmed = {c.told for c in gate.confirmations(0.05) if c.part_seq == 7}
    assert GateTold.ACKNOWLEDGED not in confirmed  # nobody is there to acknowledge
    assert told or GateTold.SENT not in confirmed


def test_confirmations_come_back_empty_when_there_are_none(gate: Any) -> None:
    begun = time.monotonic()
    assert list(gate.confirmations(0.02)) == []
    assert 0.015 < time.monotonic() - begun < PATIENCE_S


def test_a_dead_link_says_why(gate: Any) -> None:
    health = gate.link()
    assert health.alive or health.reason


def test_announcing_never_blocks(gate: Any) -> None:
    begun = time.monotonic()
    for state in (LineState.ONLINE, LineState.ONLINE | LineState.READY, LineState.ERROR, LineState.NONE):
        gate.announce(state)
    assert time.monotonic() - begun < PATIENCE_S
