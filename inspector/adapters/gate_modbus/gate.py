"""The PLC as the line sees it: Gate, Annunciator and Trigger in one object."""

import time
from collections.abc import Mapping, Sequence

from inspector.adapters.gate_modbus import symbols
from inspector.adapters.gate_modbus.desk import RECOUNTING, Desk
from inspector.adapters.gate_modbus.layout import (
    Orders,
    Result,
    ResultCode,
    encode_command,
    encode_feedback,
    severity_word,
)
from inspector.adapters.gate_modbus.outbox import BLOCK_S, Job, JobState
from inspector.adapters.gate_modbus.refusals import why_not
from inspector.adapters.gate_modbus.wire import RefusedError
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Outcome, Verdict
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PlcWish
from inspector.ports.trigger import ChangedId, TriggerEvent, TriggerPosition

BOOKED = 1024
_CODES = {Outcome.PASS: ResultCode.OK, Outcome.FAIL: ResultCode.NG, Outcome.UNDECIDED: ResultCode.NOT_DECIDABLE}


def _lay(registers: dict[tuple[str, int], int], table: str, base: int, words: Sequence[int]) -> None:
    registers.update({(table, base + place): word for place, word in enumerate(words)})


class ModbusGate:
    """What the ports ask, answered from the desk that the connection thread serves."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._booked: dict[tuple[int, int], float] = {}

    # --- Trigger

    @property
    def counted_by(self) -> str:
        """The PLC counts the parts."""
        return "plc"

    def position(self, timeout_s: float) -> TriggerPosition:
        """The counter and the echo of the next good poll; ``wait`` reports what comes after it."""
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.polled:
            polls = desk.polls
            while desk.polls == polls or desk.feedback is None:
                left = until - time.monotonic()
                if left <= 0:
                    raise desk.silent()
                desk.polled.wait(left)
            return TriggerPosition(
                part_seq=desk.feedback.trigger_seq, echo_seq=desk.feedback.echo_seq, restarted=desk.baseline()
            )

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """The next part. After an outage ``at`` is the last moment before it: the part may be that old."""
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.news:
            while not desk.triggers:
                now = time.monotonic()
                if now >= until:
                    if not desk.health(now).alive:
                        raise desk.silent()
                    return None
                desk.news.wait(until - now)
            event = desk.next_trigger()
            if event.restarted:
                self._booked.clear()  # parts of the old counter are told no more
            return event

    def changed_ids(self) -> Sequence[ChangedId]:
        """Words 8-11 said another id before the part was echoed, or its deadline had passed."""
        with self._desk.work:
            return self._desk.ids.take()

    # --- Gate

    def expect(self, part: PartId, *, deadline: float) -> None:
        """Book the deadline; the PLC itself rejects by default from the trigger on."""
        with self._desk.work:
            self._booked[part.series, part.part_seq] = deadline
            self._desk.ids.until(part.part_seq, deadline)
            while len(self._booked) > BOOKED:
                del self._booked[next(iter(self._booked))]

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        """Write the result and wait for the PLC's answer, at most min(75 ms, deadline)."""
        severity = severity_word(verdict.severity_score)
        result = Result(part_seq=part.part_seq, code=_CODES[verdict.outcome], severity=severity)
        desk = self._desk
        with desk.news:
            now = time.monotonic()
            booked = self._booked.pop((part.series, part.part_seq), None)
            if booked is None or desk.recounting:
                raise self._not_told(result, RECOUNTING if desk.recounting else "it was not announced by expect")
            deadline = min(deadline, booked)
            self._check(result, now=now, deadline=deadline)
            job = Job(result=result, deadline=deadline, give_up=min(now + BLOCK_S, deadline))
            if not desk.outbox.put(job):
                raise self._not_told(result, "too many results wait for the PLC")
            desk.work.notify_all()
            while job.state in {JobState.WAITING, JobState.ON_THE_WIRE}:
                now = time.monotonic()
                if now >= job.give_up:
                    raise self._given_up(job, now)
                desk.news.wait(job.give_up - now)
            if job.state is JobState.FAILED:
                raise self._not_told(result, job.reason)

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """SENT: the write was answered; ACKNOWLEDGED: echoed; UNKNOWN: sent, not answered (an echo may follow).

        NOTHING: it was withdrawn before it was written.
        """
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.news:
            while not desk.confirmations and (left := until - time.monotonic()) > 0:
                desk.news.wait(left)
            came = tuple(desk.confirmations)
            desk.confirmations.clear()
            return came

    # --- Annunciator

    def announce(self, state: LineState) -> None:
        """Show this state; every change but BUSY brings the next heartbeat forward."""
        desk = self._desk
        with desk.work:
            if (desk.announced ^ state) & ~LineState.BUSY:
                desk.beat_due = 0.0
                desk.work.notify_all()
            desk.announced = state

    def link(self) -> LinkHealth:
        """Alive only while the PLC echoes our heartbeat."""
        with self._desk.work:
            return self._desk.health(time.monotonic())

    def plc_word(self) -> PlcWish:
        """Word 5 and word 12 of the last poll; ``clear_error`` once for each rise of its bit."""
        with self._desk.work:
            return self._desk.wish(time.monotonic())

    # --- Panel

    def words(self) -> Mapping[str, int]:
        """Both blocks as they were written and read last."""
        desk, settings = self._desk, self._desk.settings
        orders = Orders(word=settings.word_order)
        with desk.work:
            command, feedback = desk.written, desk.feedback
        registers: dict[tuple[str, int], int] = {}
        if command is not None:
            _lay(registers, "holding", settings.to_address, encode_command(command, orders))
        if feedback is not None:
            _lay(registers, settings.from_table, settings.from_address, encode_feedback(feedback, orders))
        return symbols.values(symbols.rows(settings), registers)

    def outputs(self) -> Sequence[str]:
        """The state bits but ready, which follows run_permit."""
        return self._desk.forced.outputs()

    def force(self, outputs: Mapping[str, bool]) -> None:
        """Drive state bits, with the next heartbeat, which is brought forward."""
        with self._desk.work:
            self._desk.forced.drive(outputs)
            self._desk.beat_due = 0.0
            self._desk.work.notify_all()

    def wait_alive(self, timeout_s: float) -> None:
        """Wait for the first echoed heartbeat.

        Raises:
            ConfigError: the PLC answers, and refuses the words as they are set.
            DeviceError: it does not answer, or does not echo.
        """
        desk, until = self._desk, time.monotonic() + timeout_s
        with desk.polled:
            while not desk.life.alive(now := time.monotonic()):
                if isinstance(desk.trouble, RefusedError) and desk.trouble.mend:
                    raise ConfigError(f'gate.kind = "modbus": {desk.trouble}')
                if now >= until:
                    raise desk.silent()
                desk.polled.wait(until - now)

    # --- lock held

    def _not_told(self, result: Result, reason: str) -> DeviceError:
        return DeviceError(self._desk.settings.device, f"part {result.part_seq} was not told: {reason}")

    def _check(self, result: Result, *, now: float, deadline: float) -> None:
        """Refuse what must not be written."""
        desk = self._desk
        reason = why_not(
            result.part_seq,
            ok=result.code is ResultCode.OK,
            error=LineState.ERROR in desk.state,
            stopping=desk.stopping,
            health=desk.health(now),
            now=now,
            deadline=deadline,
        )
        if reason:
            raise self._not_told(result, reason)

    def _given_up(self, job: Job, now: float) -> DeviceError:
        if not self._desk.outbox.withdraw(job):
            return self._not_told(job.result, "its write was not answered in time; its effect is unknown")
        self._desk.confirm(job.result.part_seq, GateTold.NOTHING, now)  # nobody need wait for an echo
        blocker = self._desk.outbox.blocked_by(now)
        why = f"the PLC has not echoed part {blocker}" if blocker else "the connection was busy"
        return self._not_told(job.result, f"{why}; withdrawn")
