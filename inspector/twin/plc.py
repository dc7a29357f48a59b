"""The logic of the simulated PLC: counts triggers, rejects by default, and decides each part before the ejector.

Written from the published layout (client role, version 1) alone, so that it is a second opinion on the gate
adapter, never a copy of it. Pure: one call is one scan; time, encoder and inputs are arguments.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inspector.twin.panel import Panel
from inspector.twin.shift_register import Code, Decision, ShiftRegister

LAYOUT = 1
WORDS_IN = 8
WORDS_OUT = 17
STATE_ERROR = 8
STATE_RUN_PERMIT = 64
STATUS_ENABLE = 1
STATUS_BIN_FULL = 4
STATUS_CLEAR_ERROR = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """Words 0-7 as last written by the line. ``encoder``: the belt's count when they arrived."""

    words: tuple[int, ...]
    encoder: int
    number: int = 0
    """How many telegrams had come by then; 0: the registers are as the PLC started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanInputs:
    """What the PLC sees in one scan. ``gate_edges``: encoder counts latched at the light gate since the last."""

    now: float
    encoder: int
    gate_edges: Sequence[int] = ()
    telegram: Telegram


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutputs:
    """Words 0-16 for the line, the numbers given to new parts, and the parts decided in this scan."""

    words: tuple[int, ...]
    counted: tuple[int, ...]
    decisions: tuple[Decision, ...]
    link_alive: bool
    permit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcWiring:
    """What a PLC programmer sets once. ``decide_after``: counts from the light gate to the decision.

    ``jobs``: asked for in turn, part by part; none: always ``job``.
    """

    decide_after: int
    first_trigger: int = 1
    heartbeat_timeout_s: float = 1.0
    job: int = 0
    jobs: tuple[int, ...] = ()
    lot: str = ""


class PlcProgram(Protocol):
    """What a PLC runs that serves its words: this module's own, or another hand's. Owned by the PLC's thread."""

    @property
    def panel(self) -> Panel:
        """What people and the bin tell it."""
        ...

    @property
    def tally(self) -> Counter[str]:
        """What it refused, by reason."""
        ...

    def scan(self, inputs: ScanInputs) -> ScanOutputs:
        """One cycle."""
        ...

    def restart(self) -> tuple[Decision, ...]:
        """Power fails and comes back; what was on its way is rejected."""
        ...


@dataclass(slots=True)
class PlcLogic:
    """The program. Its memory is what a PLC would retain; ``tally`` counts what it refused."""

    wiring: PlcWiring
    panel: Panel = field(init=False)
    tally: Counter[str] = field(default_factory=Counter)
    _register: ShiftRegister = field(init=False)
    _echo_seq: int = 0
    _echo_heartbeat: int = 0
    _last_life: float | None = None
    _seen: int = 0
    _result_seen: tuple[int, int] = (0, 0)
    _permit: bool = False

    def __post_init__(self) -> None:
        self.panel = Panel(self.wiring.job, self.wiring.jobs)
        self._register = ShiftRegister(self.wiring.decide_after, self.wiring.first_trigger, self.tally)

    def restart(self) -> tuple[Decision, ...]:
        """Power fails and comes back: nothing is remembered, and what was on its way is rejected by default."""
        self._echo_seq = self._echo_heartbeat = self._seen = 0
        self._last_life, self._result_seen, self._permit = None, (0, 0), False
        return self._register.forget()

    def scan(self, inputs: ScanInputs) -> ScanOutputs:
        """One cycle: count parts, read the line's telegram, decide parts that are due, answer."""
        counted = tuple(self._register.count(edge) for edge in inputs.gate_edges)
        if inputs.telegram.number != self._seen:
            self._seen = inputs.telegram.number
            self._read(inputs.telegram, inputs.now)
        decisions = self._register.decide(inputs.encoder)
        alive = self._last_life is not None and inputs.now - self._last_life <= self.wiring.heartbeat_timeout_s
        return ScanOutputs(
            words=self._answer(inputs.now, pressed=self.panel.pressed(inputs.now)),
            counted=counted,
            decisions=decisions,
            link_alive=alive,
            permit=alive and self._permit,
        )

    def _read(self, telegram: Telegram, now: float) -> None:
        words = telegram.words
        if crc16(words[:7]) != words[7]:
            self.tally["bad_crc"] += 1
            return
        if words[0] != LAYOUT:
            self.tally["bad_layout"] += 1
            return
        if self._last_life is None or words[1] != self._echo_heartbeat:
            self._last_life = now
        self._echo_heartbeat = words[1]
        self._permit = bool(words[2] & STATE_RUN_PERMIT) and not words[2] & STATE_ERROR
        result = (words[3] << 16 | words[4], words[5])
        if result != self._result_seen:
            self._result_seen = result
            part_seq, number = result
            self._take(part_seq, number, error=bool(words[2] & STATE_ERROR), arrived=telegram.encoder)

    def _take(self, part_seq: int, number: int, *, error: bool, arrived: int) -> None:
        """Accept the first result for a part that is still on its way; what is late or stale is not echoed."""
        if part_seq == 0 or number == Code.NONE.value:
            return
        if self._register.accept(part_seq, self._meaning(number, error=error), arrived):
            self._echo_seq = part_seq

    def _meaning(self, number: int, *, error: bool) -> Code:
        """What a result code says. An OK beside the error bit, or a number nobody defined, rejects."""
        if number > Code.NOT_DECIDABLE.value:
            self.tally["bad_code"] += 1
            return Code.NOT_DECIDABLE
        if error and number == Code.OK.value:
            self.tally["ok_with_error"] += 1
            return Code.NOT_DECIDABLE
        return Code(number)

    def _answer(self, now: float, *, pressed: bool) -> tuple[int, ...]:
        status = STATUS_ENABLE | STATUS_BIN_FULL * self.panel.bin_full | STATUS_CLEAR_ERROR * pressed
        last_seq = self._register.last_seq
        return (
            self._echo_heartbeat,
            *halves(last_seq),
            *halves(self._echo_seq),
            status,
            *halves(self._register.last_edge),
            *text_words(self.panel.part_id(last_seq, now)),
            self.panel.wished(last_seq),
            *text_words(self.wiring.lot),
        )


def crc16(words: Sequence[int]) -> int:
    """CRC-16/MODBUS (polynomial 0x8005 reflected, start 0xFFFF) over the words, each high byte first."""
    remainder = 0xFFFF
    for word in words:
        for byte in (word >> 8 & 0xFF, word & 0xFF):
            remainder ^= byte
            for _ in range(8):
                carry = remainder & 1
                remainder >>= 1
                if carry:
                    remainder ^= 0xA001
    return remainder


def halves(number: int) -> tuple[int, int]:
    """A 32-bit number in two words, the high one first."""
    return number >> 16 & 0xFFFF, number & 0xFFFF


def text_words(text: str) -> tuple[int, ...]:
    """Eight ASCII characters in four words, high byte first, ended by zeros."""
    raw = text.encode("ascii", "replace")[:8].ljust(8, b"\0")
    return tuple(int.from_bytes(raw[place : place + 2], "big") for place in range(0, 8, 2))
