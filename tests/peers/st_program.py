"""FB_Inspector as the PLC program of the simulated line, in either role: what is printed for people moves its belt.

light gate ──edges──▶ one cycle each, at the count that was latched ─┐
telegram or status ──▶ one cycle at the encoder's count now ─────────┴─▶ decided, eject ──▶ the twin's ejector
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspector.twin.panel import Panel
from inspector.twin.plc import (
    STATUS_BIN_FULL,
    STATUS_CLEAR_ERROR,
    STATUS_ENABLE,
    PlcWiring,
    ScanInputs,
    ScanOutputs,
    text_words,
)
from inspector.twin.plc_polling import Poll, Polled
from inspector.twin.shift_register import Code, Decision
from tests.peers.st_block import Block

COUNTER = 1 << 32
_CODES = {code.value: code for code in Code}


class _StProgram:
    """What both roles have."""

    def __init__(self, library: Path, wiring: PlcWiring) -> None:
        self.panel = Panel(wiring.job, wiring.jobs)
        self.tally: Counter[str] = Counter()
        self._wiring = wiring
        self._block = Block(library)
        self._block.now.trigger_seq = wiring.first_trigger - 1

    def restart(self) -> tuple[Decision, ...]:
        """Power fails, and nothing is retained."""
        fb = self._block.now
        places = ((fb.head + place) % len(fb.place_seq) for place in range(fb.count))
        lost = tuple(Decision(part_seq=fb.place_seq[place], eject=True, code=Code.NONE) for place in places)
        self._block.power_on()
        return lost

    def _call(self, now: float, position: int, **inputs: Any) -> Iterator[Decision]:
        """One cycle; the part that it decided, if it did."""
        milliseconds = int(now * 1000) % COUNTER
        fb = self._block.call(now=milliseconds, position=position, decide_after=self._wiring.decide_after, **inputs)
        assert not fb.full, "the shift register is full"
        if fb.decided:
            code = _CODES.get(fb.decided_code, Code.NOT_DECIDABLE)
            yield Decision(part_seq=fb.decided_seq, eject=fb.eject, code=code)


class ServedBlock(_StProgram):
    """The block of the client role: the station writes into this PLC."""

    def scan(self, inputs: ScanInputs) -> ScanOutputs:
        """One cycle for each edge, and one for now."""
        status = STATUS_ENABLE | STATUS_BIN_FULL * self.panel.bin_full
        status |= STATUS_CLEAR_ERROR * self.panel.pressed(inputs.now)
        words = inputs.telegram.words
        decisions: list[Decision] = []
        counted: list[int] = []
        for edge in inputs.gate_edges:
            decisions += self._call(inputs.now, edge, trigger=1, to_plc=words, status=status)
            counted.append(self._block.now.trigger_seq)
            decisions += self._call(inputs.now, edge, trigger=0)
        job = self.panel.wished(max(self._block.now.trigger_seq, 1))
        decisions += self._call(inputs.now, inputs.encoder, trigger=0, to_plc=words, status=status, job=job)
        fb = self._block.now
        fb.from_plc[8:12] = text_words(f"P{fb.trigger_seq % 10_000_000:07d}")
        fb.from_plc[13:17] = text_words(self._wiring.lot)
        return ScanOutputs(
            words=tuple(fb.from_plc),
            counted=tuple(counted),
            decisions=tuple(decisions),
            link_alive=fb.line_alive,
            permit=fb.run_permit,
        )


class PollingBlock(_StProgram):
    """The block of the server role: this PLC polls the station."""

    def scan(self, poll: Poll) -> Polled:
        """One cycle for each edge, and one for now, with the status where it was read just before."""
        decisions: list[Decision] = []
        for edge in poll.gate_edges:
            decisions += self._call(poll.now, edge, trigger=1, fresh=0)
            decisions += self._call(poll.now, edge, trigger=0, fresh=0)
        read: dict[str, Any] = {} if poll.status is None else {"status": poll.status, "fresh": 1, "anew": poll.anew}
        fb = self._block.now
        decisions += self._call(
            poll.now,
            poll.encoder,
            trigger=0,
            enable=1,
            clear_error=self.panel.pressed(poll.now),
            bin_full=self.panel.bin_full,
            job=self.panel.wished(max(fb.announced_seq, 1)),
            **({"fresh": 0} | read),
        )
        fb.control[5:9] = text_words(f"P{fb.announced_seq % 10_000_000:07d}")
        fb.control[9:13] = text_words(self._wiring.lot)
        return Polled(
            words=tuple(fb.control), decisions=tuple(decisions), link_alive=fb.line_alive, permit=fb.run_permit
        )
