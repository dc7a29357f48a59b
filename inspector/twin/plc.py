"""The logic of the simulated PLC: counts triggers, rejects by default, and decides each part before the ejector.

Written from the published layout (client role, version 1) alone, so that it is a second opinion on the gate
adapter, never a copy of it. Pure: one call is one scan; time, encoder and inputs are arguments.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from inspector.twin.belt import COUNTER, counts_between

LAYOUT = 1
WORDS_IN = 8
WORDS_OUT = 17
STATE_ERROR = 8
STATE_RUN_PERMIT = 64
STATUS_ENABLE = 1
STATUS_BIN_FULL = 4
STATUS_CLEAR_ERROR = 16
SERIAL_NUMBERS = (1 << 32) - 1
"""0 is not used: the number after 2**32 - 1 is 1."""
_REMEMBERED = 1000
_BUTTON_S = 1.0


class Code(Enum):
    """A result code on the wire. Only OK lets a part pass."""

    NONE = 0
    OK = 1
    NG = 2
    NOT_DECIDABLE = 3


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
class Decision:
    """What the PLC does with one part. ``code``: the result it accepted in time, NONE if there was none."""

    part_seq: int
    eject: bool
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOutputs:
    """Words 0-16 for the line, the numbers given to new parts, and the parts decided in this scan."""

    words: tuple[int, ...]
    counted: tuple[int, ...]
    decisions: tuple[Decision, ...]
    link_alive: bool
    permit: bool


@dataclass(slots=True, kw_only=True)
class _Place:
    """One place of the shift register."""

    part_seq: int
    decide_at: int
    code: Code = Code.NONE


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


@dataclass(slots=True)
class PlcLogic:
    """The program. Its memory is what a PLC would retain; ``tally`` counts what it refused."""

    wiring: PlcWiring
    tally: Counter[str] = field(default_factory=Counter)
    _shift_register: deque[_Place] = field(default_factory=deque)
    _next_seq: int = 0
    _last_seq: int = 0
    _last_edge: int = 0
    _echo_seq: int = 0
    _echo_heartbeat: int = 0
    _last_life: float | None = None
    _seen: int = 0
    _result_seen: tuple[int, int] = (0, 0)
    _permit: bool = False
    _decided: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _pressed: bool = False
    _released_at: float = 0.0
    _job_asked: int | None = None
    bin_full: bool = False

    def __post_init__(self) -> None:
        self._next_seq = self.wiring.first_trigger
        self._last_seq = self.wiring.first_trigger - 1

    def press_clear_error(self) -> None:
        """A person presses the button: its bit is set for a second from the next scan on."""
        self._pressed = True

    def ask_for(self, job: int) -> None:
        """Ask for this job from now on, whatever is wired."""
        self._job_asked = job

    def restart(self) -> tuple[Decision, ...]:
        """Power fails and comes back: nothing is remembered, and what was on its way is rejected by default."""
        lost = tuple(Decision(part_seq=place.part_seq, eject=True, code=Code.NONE) for place in self._shift_register)
        self._shift_register.clear()
        self._decided.clear()
        self._next_seq, self._last_seq, self._last_edge = 1, 0, 0
        self._echo_seq = self._echo_heartbeat = self._seen = 0
        self._last_life, self._result_seen, self._permit = None, (0, 0), False
        return lost

    def scan(self, inputs: ScanInputs) -> ScanOutputs:
        """One cycle: count parts, read the line's telegram, decide parts that are due, answer."""
        counted = tuple(self._count(edge) for edge in inputs.gate_edges)
        if inputs.telegram.number != self._seen:
            self._seen = inputs.telegram.number
            self._read(inputs.telegram, inputs.now)
        decisions = self._decide(inputs.encoder)
        if self._pressed:
            self._pressed, self._released_at = False, inputs.now + _BUTTON_S
        alive = self._last_life is not None and inputs.now - self._last_life <= self.wiring.heartbeat_timeout_s
        return ScanOutputs(
            words=self._answer(pressed=inputs.now < self._released_at),
            counted=counted,
            decisions=decisions,
            link_alive=alive,
            permit=alive and self._permit,
        )

    def _count(self, edge: int) -> int:
        part_seq = self._next_seq
        self._last_seq = part_seq
        self._last_edge = edge
        self._next_seq = part_seq % SERIAL_NUMBERS + 1
        self._shift_register.append(_Place(part_seq=part_seq, decide_at=(edge + self.wiring.decide_after) % COUNTER))
        return part_seq

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
        place = next((place for place in self._shift_register if place.part_seq == part_seq), None)
        if place is None:
            self.tally["late" if part_seq in self._decided else "stale"] += 1
        elif counts_between(place.decide_at, arrived) <= 0:
            self.tally["late"] += 1
        elif place.code is not Code.NONE:
            self.tally["duplicates"] += 1
        else:
            place.code = self._meaning(number, error=error)
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

    def _decide(self, encoder: int) -> tuple[Decision, ...]:
        decisions = []
        while self._shift_register and counts_between(encoder, self._shift_register[0].decide_at) >= 0:
            place = self._shift_register.popleft()
            self._decided.append(place.part_seq)
            decisions.append(Decision(part_seq=place.part_seq, eject=place.code is not Code.OK, code=place.code))
        return tuple(decisions)

    def _job(self) -> int:
        if self._job_asked is not None:
            return self._job_asked
        jobs = self.wiring.jobs
        return jobs[(self._last_seq - 1) % len(jobs)] if jobs else self.wiring.job

    def _answer(self, *, pressed: bool) -> tuple[int, ...]:
        status = STATUS_ENABLE | STATUS_BIN_FULL * self.bin_full | STATUS_CLEAR_ERROR * pressed
        part_id = f"P{self._last_seq % 10_000_000:07d}"
        return (
            self._echo_heartbeat,
            *_halves(self._last_seq),
            *_halves(self._echo_seq),
            status,
            *_halves(self._last_edge),
            *_text(part_id),
            self._job(),
            *_text(self.wiring.lot),
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


def _halves(number: int) -> tuple[int, int]:
    return number >> 16 & 0xFFFF, number & 0xFFFF


def _text(text: str) -> tuple[int, ...]:
    """Eight ASCII characters in four words, high byte first, ended by zeros."""
    raw = text.encode("ascii", "replace")[:8].ljust(8, b"\0")
    return tuple(int.from_bytes(raw[place : place + 2], "big") for place in range(0, 8, 2))
