"""The gate that tells nobody."""

import time
import tomllib
from pathlib import Path

from inspector.adapters.gate_dry import CONFIRMATIONS, PLUGIN
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.ports.gate import LineState
from inspector.ports.plugin import Context

CONTEXT = Context(station="test", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "gate_dry.toml"
PASS = Verdict(outcome=Outcome.PASS, reason="", decision=Decision(rule="t", measured=0, limit=0, unit=""))


def test_the_sample_loads() -> None:
    table = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))["gate"]
    assert table.pop("kind") == "dry"
    assert PLUGIN.settings_model(**table) == PLUGIN.settings_model()


def test_every_part_is_confirmed_as_told_nothing() -> None:
    with PLUGIN.open(PLUGIN.settings_model(), CONTEXT) as gate:
        for part_seq in (1, 2):
            gate.expect(PartId(part_seq=part_seq), deadline=time.monotonic() + 1)
            gate.signal(PartId(part_seq=part_seq), PASS, deadline=time.monotonic() + 1)
        assert [(c.part_seq, c.told) for c in gate.confirmations(1)] == [(1, GateTold.NOTHING), (2, GateTold.NOTHING)]
        assert gate.confirmations(0) == ()


def test_it_is_alive_and_never_online() -> None:
    with PLUGIN.open(PLUGIN.settings_model(), CONTEXT) as gate:
        gate.announce(LineState.ONLINE | LineState.READY)
        assert gate.state == LineState.READY
        assert gate.link().alive


def test_confirmations_nobody_reads_are_bounded_and_counted() -> None:
    with PLUGIN.open(PLUGIN.settings_model(), CONTEXT) as gate:
        for part_seq in range(1, CONFIRMATIONS + 4):
            gate.signal(PartId(part_seq=part_seq), PASS, deadline=0)
        assert gate.refused == 3
        assert len(gate.confirmations(0)) == CONFIRMATIONS
