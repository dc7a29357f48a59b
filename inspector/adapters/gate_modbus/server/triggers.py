"""Which edges of Trigger are parts, and which numbers no edge came for. Pure: times are given.

Not thread-safe: its owner holds a lock around every call.
"""

from collections import deque
from dataclasses import replace
from enum import Enum, auto

from inspector.adapters.gate_modbus.server.image import Control
from inspector.adapters.gate_modbus.server.settings import ModbusServerSettings
from inspector.adapters.gate_modbus.server.table import ControlBit, ErrorCode
from inspector.domain.frame import seq_after, seq_distance
from inspector.ports.trigger import TriggerEvent

QUEUE = 64
UNCLAIMED_S = 1.0


class Edge(Enum):
    """What became of one write's Trigger bit."""

    NONE = auto()
    TAKEN = auto()
    BOUNCE = auto()
    MISSED = auto()


class Triggers:
    """``last``: the newest number that was reported or stood at the start. ``ack``: what Trigger Ack shows."""

    def __init__(self, settings: ModbusServerSettings) -> None:
        self._settings = settings
        self._queue: deque[TriggerEvent] = deque()
        self._level: bool | None = None
        self._taken_at: float | None = None
        self._followed = False
        self._unclaimed: tuple[int, float] | None = None
        self._restarted = False
        self._idle_s = 0.0
        self.last = 0
        self.acquisition_id = 0
        self.ack = False
        self.error = ErrorCode.NONE
        self.missed_acq = False
        self.missed = 0
        self.suppressed = 0
        self.restarts = 0
        self.recounting = False

    # --- the PLC's side

    def surprising(self, control: Control) -> bool:
        """Whether the PLC's counter is neither where it stood nor one part further; 0 is a new count's own sign."""
        if not self._settings.plc_counts or control.trigger_seq == 0:
            return False
        return control.trigger_seq not in {self.last, seq_after(self.last) if self.last else 1}

    def new_session(self) -> None:
        """Another connection writes: its first level of Trigger is no edge."""
        self._level = None
        self.ack = False

    def take(self, control: Control, now: float, *, bits: bool, idle_s: float = 0.0) -> Edge:
        """Look at one write of the control block. ``bits``: whether it wrote its bits.

        ``idle_s``: how long nothing was taken from the network before: so old it may be.
        """
        self._idle_s = idle_s
        if self._settings.plc_counts:
            self._watch_the_counter(control, now)
        if not bits:
            return Edge.NONE
        level = ControlBit.TRIGGER in control.bits
        rising = level and self._level is False
        self._level = level
        if not level:
            self.ack = False
        edge = self._rise(control, now) if rising else Edge.NONE
        if edge is Edge.MISSED:
            self.missed_acq = True
            self.missed += not self._settings.plc_counts  # a number that is skipped is counted when it is reported
        return edge

    def _rise(self, control: Control, now: float) -> Edge:
        if error := self._refusal(control):
            self.error = error
            return Edge.MISSED
        if self._bounces(control, now):
            self.suppressed += 1
            self.acquisition_id, self.ack = self.last, True
            return Edge.BOUNCE
        number = control.trigger_seq if self._settings.plc_counts else seq_after(self.last) if self.last else 1
        if not self._followed or len(self._queue) >= QUEUE:
            return Edge.MISSED  # nobody judges yet, or no longer: the number is accounted for later
        self._report(number, control, now)
        self.acquisition_id, self.ack, self._taken_at = number, True, now
        return Edge.TAKEN

    def _refusal(self, control: Control) -> ErrorCode:
        if ControlBit.SET_OFFLINE in control.bits:
            return ErrorCode.TRIGGER_OFFLINE
        if ControlBit.TRIGGER_ENABLE not in control.bits:
            return ErrorCode.TRIGGER_NOT_ENABLED
        if self._settings.plc_counts and control.trigger_seq == 0:
            return ErrorCode.TRIGGER_SEQ_ZERO
        return ErrorCode.NONE

    def _bounces(self, control: Control, now: float) -> bool:
        if self._settings.plc_counts:
            return control.trigger_seq == self.last and not self._restarted
        pitch_s = self._settings.minimum_pitch_ms / 1000
        return self._taken_at is not None and now - self._taken_at < pitch_s

    def _report(self, number: int, control: Control, at: float) -> None:
        if self.last and not self._restarted:
            self.missed += max(0, seq_distance(number, self.last) - 1)
        self._queue.append(
            TriggerEvent(
                part_seq=number,
                at=at,
                encoder=control.encoder if self._settings.encoder else None,
                part_id=control.part_id,
                lot=control.lot,
                job=control.job,
                restarted=self._restarted,
                since=at - self._idle_s,
            )
        )
        self.last = number
        self._restarted = False
        self._unclaimed = None

    # --- the PLC's counter

    def _watch_the_counter(self, control: Control, now: float) -> None:
        """See it begin anew, and note a number that no edge has claimed yet."""
        number = control.trigger_seq
        if self._began_anew(number):
            self._restarted = True
            self.restarts += 1
            self.recounting = self._followed
            self.last = 0
        if number in {0, self.last}:
            self._unclaimed = None
        elif self._unclaimed is None or self._unclaimed[0] != number:
            self._unclaimed = (number, now)

    def _began_anew(self, number: int) -> bool:
        if not self.last:
            return False
        return number == 0 or seq_distance(number, self.last) < 0

    def claim(self, control: Control, now: float) -> bool:
        """Report a number that no edge came for in time, as old as it is; True if one was."""
        if self._unclaimed is None or not self._followed or len(self._queue) >= QUEUE:
            return False
        number, since = self._unclaimed
        if now - since < UNCLAIMED_S:
            return False
        self.missed += 1
        self._report(number, replace(control, part_id="", lot=""), since)
        return True

    # --- the line's side

    def __bool__(self) -> bool:
        return bool(self._queue)

    def next(self) -> TriggerEvent:
        """Take the oldest event. From one that tells of a restart on, numbers mean new parts only."""
        event = self._queue.popleft()
        self.recounting = self._restarted or any(later.restarted for later in self._queue)
        return event

    def baseline(self, control: Control) -> bool:
        """Forget the events so far: the caller reads the counter as it stands. Gives whether it began anew before."""
        anew = self._restarted or any(event.restarted for event in self._queue)
        self._followed = True
        self._queue.clear()
        self._restarted = self.recounting = False
        self._unclaimed = None
        if self._settings.plc_counts:
            self.last = control.trigger_seq
        return anew
