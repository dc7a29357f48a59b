"""The connection thread: alone on the wire, it polls, beats and tells, and reconnects after any error.

read words 0-16  ──▶ desk: trigger, echo, life       each poll_period_ms
write words 0-7  ◀── desk: the next result           at once, one in flight
write words 0-7  ◀── desk: the same with a new beat  each 250 ms
"""

import sys
import threading
import time
from types import TracebackType
from typing import Self

import structlog

from inspector.adapters.gate_modbus.desk import Desk
from inspector.adapters.gate_modbus.layout import (
    NO_RESULT,
    Command,
    Feedback,
    decode_feedback,
    encode_command,
)
from inspector.adapters.gate_modbus.life import BEAT_S
from inspector.adapters.gate_modbus.outbox import Job, JobState
from inspector.adapters.gate_modbus.wire import IO_S, RefusedError, Wire
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import GateTold
from inspector.ports.gate import LineState

log = structlog.get_logger(__name__)

_BACK_OFF_S = 0.05
_BACK_OFF_MAX_S = 1.0
_JOIN_S = 5.0
_MOST_READINGS = 4


class Client:
    """``with Client(desk): ...`` keeps the link up; on exit the PLC reads state 0 and no result."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._settings = desk.settings
        self._wire = Wire(desk.settings)
        self._poll_due = 0.0
        self._thread = threading.Thread(target=self._run, name="gate modbus", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._desk.work:
            self._desk.stopping = True
            self._desk.work.notify_all()
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            log.error("gate.thread_left", device=self._settings.device)

    def _run(self) -> None:
        delay = _BACK_OFF_S
        try:
            while not self._desk.stopping:  # read without the lock: it only ever turns True
                polls = self._desk.polls
                try:
                    self._converse()
                except DeviceError as error:
                    delay = _BACK_OFF_S if self._desk.polls > polls else min(2 * delay, _BACK_OFF_MAX_S)
                    self._lost(error, delay)
        finally:
            self._end()

    def _end(self) -> None:
        """Whatever ended the thread, everybody learns it; only a stop was asked for."""
        bug = sys.exception()
        with self._desk.work:
            self._desk.ended = not self._desk.stopping
            why = f": {type(bug).__name__}: {bug}" if bug else ""
            self._desk.lost(DeviceError(self._settings.device, f"the connection thread has ended{why}", retry=False))
        if self._desk.ended:
            log.critical("gate.thread_ended", device=self._settings.device, error=repr(bug))
        self._wire.close()

    def _lost(self, error: DeviceError, delay_s: float) -> None:
        """Close, tell everybody, and back off."""
        self._wire.close()
        until = time.monotonic() + delay_s
        with self._desk.work:
            self._desk.lost(error)
            while not self._desk.stopping and (left := until - time.monotonic()) > 0:
                self._desk.work.wait(left)

    def _converse(self) -> None:
        """One connection from its first poll to its end."""
        self._wire.connect()
        with self._desk.work:
            self._desk.connected()
        self._poll()
        while not self._desk.stopping:
            job = self._next_job()
            if job is not None:
                self._tell(job)
            elif time.monotonic() >= self._desk.beat_due:
                self._beat()
            else:
                self._poll()
        self._farewell()

    def _next_job(self) -> Job | None:
        """Wait for a result that may be written, or until a heartbeat or a poll is due (None)."""
        desk = self._desk
        with desk.work:
            while not desk.stopping:
                now = time.monotonic()
                desk.watch(now)
                if desk.life.alive(now) and (job := desk.outbox.take(now)) is not None:
                    return job
                due = min(desk.beat_due, self._poll_due)
                if now >= due:
                    return None
                desk.work.wait(due - now)
        return None

    def _poll(self) -> None:
        self._poll_due = time.monotonic() + self._settings.poll_period_ms / 1000
        feedback, seen_at, asked_at = self._believed()
        with self._desk.work:
            self._desk.take(feedback, time.monotonic(), seen_at, asked_at)

    def _believed(self) -> tuple[Feedback, float, float]:
        """The PLC's block, when it said so first and when it was asked last; anything new is read until said twice.

        One damaged word would be a part that nobody saw, or a million of them, and Modbus TCP has no checksum.

        Raises:
            DeviceError: no answer, or no two that agree.
        """
        asked_at = time.monotonic()
        feedback, before = self._read(), self._desk.feedback  # written by this thread alone
        seen_at = time.monotonic()
        if before is not None and feedback.says(before):
            return feedback, seen_at, asked_at
        for _ in range(_MOST_READINGS):
            asked_at = time.monotonic()
            again = self._read()
            if again.says(feedback):
                return again, seen_at, asked_at
            feedback, seen_at = again, time.monotonic()
        raise DeviceError(self._settings.device, "its words say something else at each reading; is it ill?")

    def _read(self) -> Feedback:
        return decode_feedback(self._wire.read(), self._settings.orders)

    def _beat(self) -> None:
        with self._desk.work:
            command = self._desk.command()
            self._desk.beat_due = time.monotonic() + BEAT_S
        self._write(command, IO_S)

    def _tell(self, job: Job) -> None:
        """Write one result; whatever comes of it, its caller learns it."""
        desk = self._desk
        with desk.work:
            now = time.monotonic()
            command = desk.command()
            desk.beat_due = now + BEAT_S
            told = command.result == job.result  # not where an error bit came between
            timeout_s = job.write_timeout_s(now)
            if not told or timeout_s <= 0:
                desk.outbox.refused(job)
                job.fail("the error bit is set, and never comes with an OK" if not told else "no time was left")
                desk.news.notify_all()
                return
        try:
            self._write(command, timeout_s)
        except DeviceError as error:
            with desk.work:
                job.fail(error.reason)
                if isinstance(error, RefusedError):
                    desk.outbox.refused(job)
                else:
                    desk.confirm(job.result.part_seq, GateTold.UNKNOWN, time.monotonic())
                desk.news.notify_all()
            raise
        with desk.work:
            job.state = JobState.TOLD
            desk.confirm(job.result.part_seq, GateTold.SENT, time.monotonic())
            desk.news.notify_all()

    def _write(self, command: Command, timeout_s: float) -> None:
        self._wire.write(encode_command(command, self._settings.orders), timeout_s)

    def _farewell(self) -> None:
        """Leave the last result to the PLC until its echo (at most 100 ms), then say that we are offline."""
        desk, until = self._desk, time.monotonic() + IO_S
        while desk.outbox.blocked_by(time.monotonic()) and time.monotonic() < until:
            self._poll()
        with desk.work:
            desk.outbox.clear("the gate is closing")
            desk.news.notify_all()
            offline = Command(heartbeat=desk.life.beat(), state=LineState.NONE, result=NO_RESULT)
        self._write(offline, IO_S)
