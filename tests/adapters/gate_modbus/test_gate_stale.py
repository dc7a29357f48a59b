"""A write that a stopped PLC carries out late: it was sent, nobody answered, and it must never pass a part."""

import threading
import time
from collections.abc import Callable

import pytest

from inspector.adapters.gate_modbus import ModbusGate
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Outcome
from tests.adapters.gate_modbus.parts import next_part, tell
from tests.peers.plc_peer import Plc

pytestmark = pytest.mark.peer("libmodbus")

Pair = Callable[..., tuple[ModbusGate, Plc]]
Until = Callable[..., None]
WINDOW_S = 0.15


class _Line:
    """One PLC and one gate, and what came of the writes."""

    def __init__(self, pair: Pair, until: Until) -> None:
        self.gate, self.plc = pair("--window", "150", poll_period_ms=100)
        self._until = until
        self.sent = 0
        self.trouble: BaseException | None = None

    def run(self, writes: int) -> None:
        try:
            while self.sent < writes:
                self._one()
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.trouble = error

    def _one(self) -> None:
        """Stop the PLC, send it an OK, let the part's window end, and let the PLC go on."""
        self.plc.say("trigger")
        part_seq = next_part(self.gate).part_seq
        self.plc.pause()
        with pytest.raises(DeviceError, match="was not told"):
            tell(self.gate, part_seq, Outcome.PASS, within_s=WINDOW_S - 0.01)
        sent = [one.part_seq for one in self.gate.confirmations(0) if one.told is GateTold.UNKNOWN]
        self.sent += part_seq in sent
        time.sleep(WINDOW_S)  # the fault itself: the PLC stands until the window is over
        self.plc.resume()
        assert self.plc.fate(part_seq).startswith("reject")
        self._until(lambda: self.gate.link().alive, why="life after SIGCONT")


def _stale(pair: Pair, until: Until, *, lines: int, writes: int) -> None:
    many = [_Line(pair, until) for _ in range(lines)]
    threads = [threading.Thread(target=line.run, args=(writes // lines,)) for line in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in many:
        if line.trouble is not None:
            raise line.trouble
    summaries = [line.plc.stop() for line in many]
    sent, late = sum(line.sent for line in many), sum(one["late"] for one in summaries)
    accepted = sum(one["passed"] for one in summaries)
    print(f"\n{sent} OK sent to a stopped PLC, {late} of them carried out late: {accepted} accepted")
    assert sent >= writes
    assert accepted == 0
    assert late > 0, "the fault did not bite: no late write reached the PLC"


def test_thirty_stale_writes_pass_no_part(gate_and_plc: Pair, until: Until) -> None:
    _stale(gate_and_plc, until, lines=3, writes=30)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_thousand_stale_writes_pass_no_part(gate_and_plc: Pair, until: Until) -> None:
    _stale(gate_and_plc, until, lines=4, writes=1000)
