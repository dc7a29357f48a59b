"""The PLC that polls us as the line sees it: Gate, Annunciator and Trigger in one object."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspector.adapters.gate_modbus.layout import WORD_MAX, Orders, ResultCode, severity_word, travel
from inspector.adapters.gate_modbus.refusals import why_not
from inspector.adapters.gate_modbus.server import symbols
from inspector.adapters.gate_modbus.server.desk import Desk
from inspector.adapters.gate_modbus.server.image import encode_status
from inspector.adapters.gate_modbus.server.results import Result
from inspector.adapters.gate_modbus.symbols import values
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.verdict import Outcome, Verdict, worst
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PlcWish
from inspector.ports.trigger import ChangedId, TriggerEvent, TriggerPosition

BOOKED = 1024
RECOUNTING = "the PLC has started its counter anew: this number may now mean another part"
_CODES = {Outcome.PASS: ResultCode.OK, Outcome.FAIL: ResultCode.NG, Outcome.UNDECIDED: ResultCode.NOT_DECIDABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booking:
    """A part that was announced. ``session``: the PLC's connection at that time."""

    deadline: float
    begun: float
    session: int


class ModbusServerGate:
    """What the ports ask, answered from the desk that the server's thread serves. ``port``: where it listens."""

    def __init__(self, desk: Desk, *, port: int) -> None:
        self.port = port
        self._desk = desk
        self._booked: dict[tuple[int, int], _Booking] = {}

    # --- Trigger

    @property
    def counted_by(self) -> str:
        """``"plc"``, or ``"gate"`` where the PLC does not count."""
        return "plc" if self._desk.settings.plc_counts else "gate"

    def position(self, timeout_s: float) -> TriggerPosition:
        """The counter as the PLC's next write tells it; our own count needs no PLC."""
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.news:
            if not desk.settings.plc_counts:
                anew = desk.triggers.baseline(desk.control)
                return TriggerPosition(part_seq=desk.triggers.last, restarted=anew)
            writes = desk.writes
            while desk.writes == writes:
                left = until - time.monotonic()
                if left <= 0:
                    raise desk.silent()
                desk.news.wait(left)
            anew = desk.triggers.baseline(desk.control)
            return TriggerPosition(
                part_seq=desk.control.trigger_seq, echo_seq=desk.control.echo_seq or None, restarted=anew
            )

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """The next part. A number that no Trigger came for is reported 1 s later, as old as it is."""
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.news:
            while not desk.triggers:
                now = time.monotonic()
                if now >= until:
                    if not desk.health(now).alive:
                        raise desk.silent()
                    return None
                desk.news.wait(until - now)
            event = desk.triggers.next()
            if event.restarted:
                self._booked.clear()  # parts of the old counter are told no more
            return event

    def changed_ids(self) -> Sequence[ChangedId]:
        """part_id was another one while Trigger was held."""
        with self._desk.news:
            return self._desk.ids.take()

    # --- Gate

    def configured(self, checksum: int) -> None:
        """Show the PLC the checksum of what is judged by from now on."""
        with self._desk.news:
            self._desk.figures.checksum = checksum

    def expect(self, part: PartId, *, deadline: float) -> None:
        """Book the deadline; the PLC itself rejects by default from the trigger on."""
        with self._desk.news:
            booking = _Booking(deadline=deadline, begun=time.monotonic(), session=self._desk.session)
            self._booked[part.series, part.part_seq] = booking
            while len(self._booked) > BOOKED:
                del self._booked[next(iter(self._booked))]

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        """Put the result where the PLC reads it; never waits. An OK is readable until its deadline only."""
        desk = self._desk
        with desk.news:
            now = time.monotonic()
            booked = self._booked.pop((part.series, part.part_seq), None)
            if booked is None or desk.triggers.recounting:
                raise self._not_told(part, RECOUNTING if booked else "it was not announced by expect")
            if booked.session != desk.session:
                raise self._not_told(part, "the PLC's connection changed since its trigger")
            deadline = min(deadline, booked.deadline)
            code = _CODES[verdict.outcome]
            self._check(part, code, now=now, deadline=deadline)
            result = Result(
                part_seq=part.part_seq, code=code, deadline=deadline, words=self._words(verdict, now - booked.begun)
            )
            if not desk.put(result):
                raise self._not_told(
                    part, f"{desk.results.room} results wait for the PLC's Inspection Results Ack: overrun"
                )

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """SENT: the PLC has read it; ACKNOWLEDGED: it acknowledged; UNKNOWN, NOTHING: the link ended before that."""
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.news:
            while not desk.confirmations and (left := until - time.monotonic()) > 0:
                desk.news.wait(left)
            came = tuple(desk.confirmations)
            desk.confirmations.clear()
            return came

    def fetched(self) -> bool:
        """The PLC reads each result when it likes to."""
        return True

    # --- Annunciator

    def announce(self, state: LineState) -> None:
        """Show this state from the next read on."""
        with self._desk.news:
            self._desk.announced = state
            self._desk.jobs.announced(ready=LineState.READY in state)

    def link(self) -> LinkHealth:
        """Alive only while the PLC echoes our heartbeat."""
        with self._desk.news:
            return self._desk.health(time.monotonic())

    def plc_word(self) -> PlcWish:
        """What the control block asks; ``clear_error`` once for each rise of its bit."""
        with self._desk.news:
            return self._desk.wish(time.monotonic())

    # --- Panel

    def words(self) -> Mapping[str, int]:
        """The control block as it was written last, and the status block as it stands."""
        desk, settings = self._desk, self._desk.settings
        with desk.news:
            control = travel(desk.registers, pairs=(), orders=Orders(byte=settings.byte_order))
            status = encode_status(desk.status(time.monotonic()), Orders(word=settings.word_order))
        registers = {("holding", settings.control_address + i): word for i, word in enumerate(control)}
        registers |= {("input", settings.status_address + i): word for i, word in enumerate(status)}
        listed = (row for row in symbols.rows(settings) if not row.name.startswith("mirror."))
        return values(listed, registers)

    def outputs(self) -> Sequence[str]:
        """The bits that the line's state shows, but Trigger Ready, which follows run_permit."""
        return self._desk.forced.outputs()

    def force(self, outputs: Mapping[str, bool]) -> None:
        """Drive status bits from the next read on."""
        with self._desk.news:
            self._desk.forced.drive(outputs)

    # --- lock held

    def _words(self, verdict: Verdict, took_s: float) -> dict[str, int]:
        gravest = worst(verdict.defects)
        classes = self._desk.settings.classes
        label = gravest.detection.label if gravest else ""
        number = classes.index(label) + 1 if label in classes else WORD_MAX
        return {
            "severity": severity_word(verdict.severity_score),
            "defect_count": min(len(verdict.defects), WORD_MAX),
            "worst_class": number if gravest else 0,
            "inspection_time_ms": min(round(took_s * 1000), WORD_MAX),
        }

    def _not_told(self, part: PartId, reason: str) -> DeviceError:
        return DeviceError(self._desk.settings.device, f"part {part.part_seq} was not told: {reason}")

    def _check(self, part: PartId, code: ResultCode, *, now: float, deadline: float) -> None:
        """Refuse what must not be shown."""
        desk = self._desk
        reason = why_not(
            part.part_seq,
            ok=code is ResultCode.OK,
            error=desk.error,
            stopping=desk.stopping,
            health=desk.health(now),
            now=now,
            deadline=deadline,
        )
        if reason:
            raise self._not_told(part, reason)
