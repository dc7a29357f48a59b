"""A gate without a PLC: the line itself counts triggers and fires the ejector, through a remote I/O module.

module ──read──▶ Field.take ──write──▶ module          [this thread, each period_s, whatever else the line does]
                    ▲
capture: wait    inspect: signal    watch: announce    [theirs, under one lock, never waiting for the module]
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog

from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import Disposal, GateTold
from inspector.domain.verdict import Outcome, Verdict
from inspector.pipeline.balance import Departure
from inspector.pipeline.driven import Driven
from inspector.pipeline.field import Field, Way
from inspector.pipeline.tracking import Refusal
from inspector.ports.field_io import FieldIo, Output
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PassRefusedError, PlcWish
from inspector.ports.trigger import TriggerEvent, TriggerPosition

log = structlog.get_logger(__name__)

DEAD_S = 0.7
_BACK_OFF_S = 0.05
_JOIN_S = 5.0
_KEPT = 4096
_STALE_S = 0.03


class TrackedGate:
    """Gate, Annunciator, Trigger, Ejecting and Panel on one module.

    ``with``: the thread runs; on leaving, outputs are off. ``wired``: the outputs that the module has.
    """

    def __init__(
        self, io: FieldIo, way: Way, *, station: str, period_s: float, wired: Collection[Output] = frozenset()
    ) -> None:
        self._io = io
        self._station = station
        self._period_s = period_s
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._field = Field(way)
        self._parts: dict[int, PartId] = {}
        self._series = 1
        self._recounting = False  # numbers mean new parts, and none of them was announced yet
        self._confirmations: deque[Confirmation] = deque(maxlen=_KEPT)
        self._departures: deque[Departure] = deque(maxlen=_KEPT)
        self._troubles: deque[tuple[str, str]] = deque(maxlen=_KEPT)
        self._outputs: Mapping[Output, bool] = {}
        self._driven = Driven(wired)
        self._announced = LineState.NONE
        self._cycles = 0
        self._good_at: float | None = None
        self._trouble = "no cycle yet"
        self._re_arm = False
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="field", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._stopping = True
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            log.error("field.thread_left", device=self._io.device)

    # --- the thread

    def _run(self) -> None:
        try:
            while not self._stopping:  # read without the lock: it only ever turns True
                begun = time.monotonic()
                try:
                    self._cycle()
                except DeviceError as error:
                    self._lost(error)
                    time.sleep(_BACK_OFF_S)
                else:
                    time.sleep(max(0.0, begun + self._period_s - time.monotonic()))
        finally:
            self._end()

    def _cycle(self) -> None:
        inputs = self._io.read()
        with self._lock:
            events = len(self._field.events)
            outputs = self._driven.apply(self._field.take(inputs))
            self._departures.extend(self._field.departures())
            self._troubles.extend((one.code, one.text) for one in self._field.troubles())
            self._recounting |= self._field.restarted or any(event.restarted for event in self._field.events)
            if len(self._field.events) != events:
                self._news.notify_all()
        if time.monotonic() - inputs.at > _STALE_S:
            with self._lock:  # this PC stood still: what was decided is of the past, and the module's watchdog runs
                self._field.unwritten()
            return
        try:
            self._io.write(outputs, re_arm=inputs.tripped)
        except DeviceError:
            with self._lock:  # whether it was carried out nobody knows: no part is taken to have been ejected by it
                self._field.unwritten()
            raise
        with self._lock:
            self._field.written(time.monotonic())
            if self._trouble:
                log.info("field.alive", device=self._io.device)
            self._trouble = ""
            self._outputs = outputs
            self._good_at = time.monotonic()
            self._cycles += 1
            self._news.notify_all()

    def _lost(self, error: DeviceError) -> None:
        with self._lock:
            if self._trouble != error.reason:
                log.warning("field.lost", device=self._io.device, reason=error.reason)
            self._trouble = error.reason
            self._field.silent(error.reason)
            self._news.notify_all()

    def _end(self) -> None:
        bug = sys.exception()
        if bug is None:
            try:
                self._io.write({})
            except DeviceError as error:
                log.warning("field.outputs_left", device=self._io.device, reason=error.reason)
        with self._lock:
            self._ended = not self._stopping
            self._trouble = "the field thread has ended"
            self._news.notify_all()
        if self._ended:
            log.critical("field.thread_ended", device=self._io.device, error=repr(bug))

    # --- Trigger

    @property
    def counted_by(self) -> str:
        """The module counts the parts."""
        return "plc"

    def position(self, timeout_s: float) -> TriggerPosition:
        """The module's counter as the next good cycle finds it."""
        until = time.monotonic() + timeout_s
        with self._news:
            cycles = self._cycles
            while self._cycles == cycles:
                left = until - time.monotonic()
                if left <= 0:
                    raise self._silent()
                self._news.wait(left)
            self._field.events.clear()
            restarted, self._field.restarted = self._field.restarted, False
            self._recounting = False
            return TriggerPosition(part_seq=self._field.seq, restarted=restarted)

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """The next part."""
        until = time.monotonic() + timeout_s
        with self._news:
            while not self._field.events:
                now = time.monotonic()
                if now >= until:
                    if not self._alive(now):
                        raise self._silent()
                    return None
                self._news.wait(until - now)
            event = self._field.events.popleft()
            if event.restarted:
                self._parts.clear()
            return event

    # --- Gate

    def expect(self, part: PartId, *, deadline: float) -> None:  # noqa: ARG002 - a port's signature
        """Its reject was scheduled as it was counted; from here on its name is known."""
        with self._lock:
            self._remember(part)

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        """Cancel the reject, or say into which bin."""
        with self._lock:
            now = time.monotonic()
            if now >= deadline:
                raise PassRefusedError(self._io.device, "late", rule="law.late")
            if not self._alive(now):
                raise self._silent()
            if self._recounting or (part.part_seq in self._parts and part.series != self._series):
                raise PassRefusedError(self._io.device, "the trigger counter began anew behind it", rule="law.belt")
            refused = self._field.settle(part.part_seq, verdict.outcome)
            if refused is not None:
                refusal, why = refused
                rule = "law.late" if refusal is Refusal.LATE else "law.belt"
                raise PassRefusedError(self._io.device, why or "it is at the ejector already", rule=rule)
            self._confirmations.append(Confirmation(part_seq=part.part_seq, told=GateTold.ACKNOWLEDGED, at=now))
            self._news.notify_all()

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """ACKNOWLEDGED: the tracker holds it. Whether metal followed, the Disposal says."""
        until = time.monotonic() + timeout_s
        with self._news:
            while not self._confirmations and (left := until - time.monotonic()) > 0:
                self._news.wait(left)
            came = tuple(self._confirmations)
            self._confirmations.clear()
            return came

    # --- Annunciator

    def announce(self, state: LineState) -> None:
        """Show it on lights, horn and permit, with the next cycle."""
        with self._lock:
            self._announced = state
            self._field.announce(self._driven.shown(state))

    def link(self) -> LinkHealth:
        """Alive while cycles succeed."""
        with self._lock:
            alive = self._alive(time.monotonic())
            reason = "" if alive else f"{self._io.device}: {self._trouble or 'no cycle for 0.7 s'}"
            return LinkHealth(alive=alive, reason=reason, thread_alive=not self._ended)

    def plc_word(self) -> PlcWish:
        """What switches say: bin full, and the acknowledge button once for each press."""
        with self._lock:
            pressed, self._field.clear_error = self._field.clear_error, False
            inputs = self._field.inputs
            return PlcWish(clear_error=pressed, bin_full=inputs is not None and inputs.bin_full, enable=True)

    # --- beside a PLC that counts and fires

    def observe(self, part: PartId) -> None:
        """This part is at the light gate now."""
        with self._lock:
            self._remember(part)
            self._field.expect(part.part_seq)

    def observed(self, part_seq: int, outcome: Outcome) -> None:
        """The PLC was told this of it."""
        with self._lock:
            self._field.settle(part_seq, outcome)

    # --- Ejecting

    def disposals(self) -> Sequence[Disposal]:
        """What became of parts since the last call."""
        with self._lock:
            came = [self._disposal(departure) for departure in self._departures]
            self._departures.clear()
            return came

    def occurrences(self) -> Sequence[tuple[str, str]]:
        """Code and text of what a person must look into, since the last call."""
        with self._lock:
            came = tuple(self._troubles)
            self._troubles.clear()
            return came

    def conditions(self) -> Mapping[str, str]:
        """Code and text of what stands now."""
        with self._lock:
            inputs = self._field.inputs
            standing = {}
            if not self._alive(time.monotonic()):
                standing["io.lost"] = f"{self._io.device}: {self._trouble or 'no cycle for 0.7 s'}"
            if inputs is not None and inputs.air_low:
                standing["air.low"] = "the air pressure is low: the ejector may not move"
            return standing

    def balance(self) -> Mapping[str, int]:
        """Entries, good, rejected, removed, unexpected, on the way."""
        with self._lock:
            book = self._field.balance
            return {
                "entries": book.entries,
                "good": book.good,
                "rejected": book.rejected,
                "removed": book.removed,
                "unexpected": book.unexpected,
                "flushed": book.flushed,
                "on_the_way": book.on_the_way,
                "in_flight": self._field.in_flight,
            }

    # --- Wired

    def module(self) -> str:
        """Which module."""
        return self._io.device

    def module_link(self) -> LinkHealth:
        """Alive while cycles succeed."""
        return self.link()

    def module_words(self) -> Mapping[str, int]:
        """As the last cycle read and wrote them."""
        with self._lock:
            inputs, outputs = self._field.inputs, self._outputs
        if inputs is None:
            return {}
        seen = {
            "trigger": inputs.trigger_seq,
            "trigger_encoder": inputs.trigger_encoder,
            "encoder": inputs.encoder,
            "good_count": inputs.good_count,
            "reject_count": inputs.reject_count,
            "belt_at_speed": inputs.belt_at_speed,
            "bin_full": inputs.bin_full,
            "air_low": inputs.air_low,
            "acknowledge": inputs.acknowledge,
            "tripped": inputs.tripped,
            **{output.value: on for output, on in outputs.items()},
        }
        return {name: int(value) for name, value in seen.items() if value is not None}

    # --- Panel

    def words(self) -> Mapping[str, int]:
        """None: there is no PLC here, and ``module_words`` tells the module's."""
        return {}

    def outputs(self) -> Sequence[str]:
        """The wired outputs but those that move parts."""
        return self._driven.outputs()

    def force(self, outputs: Mapping[str, bool]) -> None:
        """Drive these with the next cycle; the permit goes with it."""
        with self._lock:
            self._driven.drive(outputs)
            self._field.announce(self._driven.shown(self._announced))

    # --- lock held

    def _remember(self, part: PartId) -> None:
        self._recounting &= part.series == self._series
        self._parts[part.part_seq], self._series = part, part.series
        while len(self._parts) > _KEPT:
            del self._parts[next(iter(self._parts))]

    def _disposal(self, departure: Departure) -> Disposal:
        left = departure.left
        known = self._parts.pop(left.part_seq, None)
        return Disposal(
            part=known or PartId(part_seq=left.part_seq, series=self._series),
            station=self._station,
            commanded="reject" if left.ejected else "pass",
            confirmed=departure.confirmed,
            bin=_bin(departure),
            at_utc=datetime.now(UTC),
        )

    def _alive(self, now: float) -> bool:
        return not self._ended and self._good_at is not None and now - self._good_at <= DEAD_S

    def _silent(self) -> DeviceError:
        return DeviceError(self._io.device, self._trouble or "no cycle for 0.7 s")


def _bin(departure: Departure) -> str:
    """Where it lies: "good", "reject", "undecided", or "missing" where sensors saw it nowhere."""
    if departure.confirmed is False and departure.seen is None:
        return "missing"
    good = departure.seen.value == "good" if departure.seen is not None else not departure.left.ejected
    if good:
        return "good"
    return "reject" if departure.left.outcome is Outcome.FAIL else "undecided"
