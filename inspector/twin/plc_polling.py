"""The logic of the simulated PLC that polls the station, as it polls a smart camera, and drives the handshake.

Written from the published tables (server role, docs/plc-server.md) alone, so that it is a second opinion on the gate
adapter. Pure: one call is one scan; time, encoder, edges and what was read are arguments.

    edge ─▶ number waits ─▶ trigger_seq, Trigger = 1 ─▶ Trigger Ack: Trigger = 0 ─▶ Ack gone: the next number
    Results Valid ─▶ in flight and in time? OK alone? ─▶ Inspection Results Ack = 1 ─▶ Valid gone: Ack = 0
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

from inspector.twin.panel import Panel
from inspector.twin.plc import PlcWiring, halves, text_words
from inspector.twin.shift_register import Code, Decision, ShiftRegister

CONTROL_WORDS = 18
STATUS_WORDS = 26
LAYOUT = 1
_GIVE_UP_S = 0.25
"""A Trigger that is not acknowledged is taken back: the next part must not wait for it."""
_FRESH_S = 0.1
"""A part is announced while its picture is new. Later its number is shown without an edge: nobody saw it."""


class Control(IntFlag):
    """Bits of control words 0 and 1, as published."""

    TRIGGER_ENABLE = 1 << 0
    TRIGGER = 1 << 1
    BUFFER_RESULTS_ENABLE = 1 << 2
    INSPECTION_RESULTS_ACK = 1 << 3
    CLEAR_ERROR = 1 << 18
    BIN_FULL = 1 << 25


class Shown(IntFlag):
    """Bits of status words 0 and 1, as published."""

    TRIGGER_ACK = 1 << 1
    RESULTS_VALID = 1 << 11
    ERROR = 1 << 15
    RESULTS_OK = 1 << 24
    RESULTS_NG = 1 << 25
    RUN_PERMIT = 1 << 29


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What the PLC sees in one scan. ``status``: the 26 words if they were read just now, else None.

    ``anew``: over a connection that has just been opened; ``gate_edges``: latched since the last scan.
    """

    now: float
    encoder: int
    gate_edges: Sequence[int] = ()
    status: tuple[int, ...] | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The 18 words to write, and the parts decided in this scan."""

    words: tuple[int, ...]
    decisions: tuple[Decision, ...]
    link_alive: bool
    permit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The result words as they stand, read as the contract reads them. ``valid``: Results Valid is set."""

    valid: bool
    part_seq: int
    code: Code

    @classmethod
    def read(cls, status: Sequence[int]) -> "Said":
        """Only OK alone, without Error, with code 1, is an OK."""
        bits = Shown(status[0] | status[1] << 16)
        alone = Shown.RESULTS_OK in bits and Shown.RESULTS_NG not in bits and Shown.ERROR not in bits
        ok = alone and status[8] == Code.OK.value
        code = Code.OK if ok else Code.NG if status[8] == Code.NG.value else Code.NOT_DECIDABLE
        return cls(valid=Shown.RESULTS_VALID in bits, part_seq=status[6] << 16 | status[7], code=code)


class PollingProgram(Protocol):
    """What a PLC runs that polls the station: this module's own, or another hand's. Owned by the PLC's thread."""

    @property
    def panel(self) -> Panel:
        """What people and the bin tell it."""
        ...

    @property
    def tally(self) -> Counter[str]:
        """What it refused, by reason."""
        ...

    def scan(self, poll: Poll) -> Polled:
        """One cycle."""
        ...

    def restart(self) -> tuple[Decision, ...]:
        """Power fails and comes back; what was on its way is rejected."""
        ...


@dataclass(slots=True)
class PollingLogic:
    """The program. Its memory is what a PLC would retain; ``tally`` counts what it refused."""

    wiring: PlcWiring
    panel: Panel = field(init=False)
    tally: Counter[str] = field(default_factory=Counter)
    _register: ShiftRegister = field(init=False)
    _waiting: deque[tuple[int, int, float]] = field(default_factory=deque)
    _announced: tuple[int, int] = (0, 0)
    _trigger: bool = False
    _raised_at: float = 0.0
    _acking: bool = False
    _echo_seq: int = 0
    _heartbeat: int = 0
    _last_life: float | None = None
    _permit: bool = False
    _zero_due: bool = False

    def __post_init__(self) -> None:
        self.panel = Panel(self.wiring.job, self.wiring.jobs)
        self._register = ShiftRegister(self.wiring.decide_after, self.wiring.first_trigger, self.tally)

    def restart(self) -> tuple[Decision, ...]:
        """Power fails and comes back: it counts anew, and says so by a 0 before the first part."""
        self._waiting.clear()
        self._announced, self._trigger, self._acking, self._zero_due = (0, 0), False, False, True
        self._echo_seq = self._heartbeat = 0
        self._last_life, self._permit = None, False
        return self._register.forget()

    def scan(self, poll: Poll) -> Polled:
        """One cycle: count parts, read the status, decide parts that are due, answer."""
        self._waiting.extend((self._register.count(edge), edge, poll.now) for edge in poll.gate_edges)
        if poll.anew:  # Trigger low, Ack low, then the cycle begins anew; whom no edge announced is rejected
            self._trigger = self._acking = False
            self._last_life = None
        if poll.status is not None:
            self._read(poll.status, poll)
        decisions = self._register.decide(poll.encoder)
        alive = self._alive(poll.now)
        return Polled(
            words=self._answer(poll.now), decisions=decisions, link_alive=alive, permit=alive and self._permit
        )

    def _alive(self, now: float) -> bool:
        return self._last_life is not None and now - self._last_life <= self.wiring.heartbeat_timeout_s

    def _read(self, status: Sequence[int], poll: Poll) -> None:
        if status[25] != LAYOUT:
            self.tally["bad_layout"] += 1
            return
        if status[9] != self._heartbeat:
            self._heartbeat, self._last_life = status[9], poll.now
        bits = Shown(status[0] | status[1] << 16)
        self._permit = Shown.RUN_PERMIT in bits and Shown.ERROR not in bits
        self._take(Said.read(status), poll)
        self._announce(acknowledged=Shown.TRIGGER_ACK in bits, status=status, now=poll.now)

    def _take(self, said: Said, poll: Poll) -> None:
        if not said.valid:
            self._acking = False
        elif not self._acking:
            self._acking = True
            took = self._alive(poll.now) and self._register.accept(said.part_seq, said.code, poll.encoder)
            self._echo_seq = said.part_seq if took else 0

    def _announce(self, *, acknowledged: bool, status: Sequence[int], now: float) -> None:
        """One step of the trigger's handshake: raise, wait for the mirror, lower, wait until that is gone."""
        if self._trigger:
            if acknowledged and not self.panel.restless(self._announced[0], now):
                self.tally["other_part"] += (status[4] << 16 | status[5]) != self._announced[0]
                self._trigger = False
            elif not acknowledged and now - self._raised_at > _GIVE_UP_S:
                self.tally["not_taken"] += 1
                self._trigger = False
        elif self._zero_due:
            self._zero_due = False  # it went out with the answer before: this status was read after it
        elif self._waiting and not acknowledged:
            part_seq, edge, counted_at = self._waiting.popleft()
            self._announced, self._raised_at = (part_seq, edge), now
            self._trigger = now - counted_at <= _FRESH_S
            self.tally["not_announced"] += not self._trigger

    def _answer(self, now: float) -> tuple[int, ...]:
        bits = Control.TRIGGER_ENABLE | Control.BUFFER_RESULTS_ENABLE
        bits |= Control.TRIGGER * self._trigger
        bits |= Control.INSPECTION_RESULTS_ACK * self._acking
        bits |= Control.CLEAR_ERROR * self.panel.pressed(now)
        bits |= Control.BIN_FULL * self.panel.bin_full
        part_seq, edge = self._announced
        return (
            bits & 0xFFFF,
            bits >> 16,
            *halves(part_seq),
            self.panel.wished(max(part_seq, 1)),
            *text_words(self.panel.part_id(part_seq, now)),
            *text_words(self.wiring.lot),
            self._heartbeat,
            *halves(self._echo_seq),
            *halves(edge),
        )
