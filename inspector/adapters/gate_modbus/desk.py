"""What the connection thread and those who call the gate share, under one lock."""

import threading
import time
from collections import deque
from dataclasses import replace

import structlog

from inspector.adapters.gate_modbus.forced import Forced
from inspector.adapters.gate_modbus.ids import IdWatch
from inspector.adapters.gate_modbus.layout import Command, Feedback, PlcStatus
from inspector.adapters.gate_modbus.life import Life
from inspector.adapters.gate_modbus.outbox import Outbox
from inspector.adapters.gate_modbus.settings import ModbusGateSettings
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import GateTold
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PlcWish
from inspector.ports.trigger import TriggerEvent

log = structlog.get_logger(__name__)

TRIGGERS = 64
CONFIRMATIONS = 1024
RECOUNTING = "the PLC has started its counter anew: this number may now mean another part"
_FRESH_S = 0.2
_STAGED_S = 0.05
"""A PLC may fill in the next part's words so long before it counts that part."""


class Desk:
    """Methods and changes need the lock of the three conditions, which are one."""

    def __init__(self, settings: ModbusGateSettings) -> None:
        lock = threading.Lock()
        self.work = threading.Condition(lock)  # something to do for the connection thread
        self.news = threading.Condition(lock)  # a trigger, a confirmation or the fate of a result
        self.polled = threading.Condition(lock)  # a poll was answered, or the link was lost
        self.settings = settings
        self.life = Life(settings.heartbeat_timeout_ms / 1000)
        self.outbox = Outbox()
        self.ids = IdWatch(staged_s=_STAGED_S)
        self.forced = Forced("to_plc.state", {})
        self.announced = LineState.NONE
        self.written: Command | None = None  # the last block that was made to be written
        self.beat_due = 0.0
        self.triggers: deque[TriggerEvent] = deque()
        self.confirmations: deque[Confirmation] = deque()
        self.feedback: Feedback | None = None
        self.polls = 0
        self.trouble: DeviceError | None = DeviceError(settings.device, "not connected yet")
        self.refused = 0
        self.stopping = False
        self.ended = False  # the connection thread has ended unasked
        self.restarted = False  # the counter began anew, and no event has said so yet
        self.recounting = False  # ... nor has an event that says so been taken: old parts share numbers with new ones
        self.clear_error = False
        self._polled_at = 0.0
        self._was_alive = False
        self._followed = False  # somebody takes the triggers: where another source counts, nobody does

    @property
    def state(self) -> LineState:
        """What is shown: what the line announced, unless a technician drives it."""
        return self.forced.apply(self.announced)

    # --- the connection thread's side

    def connected(self) -> None:
        """A new connection: nothing of an old one proves life or is repeated."""
        self.life.forget()
        self.outbox.clear("the connection is new")
        self.beat_due = 0.0

    def command(self) -> Command:
        """The next block to write, with the next heartbeat."""
        state = self.state
        self.written = Command(heartbeat=self.life.beat(), state=state, result=self.outbox.repeated(state))
        return self.written

    def take(self, feedback: Feedback, now: float, seen_at: float | None = None, asked_at: float | None = None) -> None:
        """Take the answer of a poll: life, echo, trigger.

        ``seen_at``: when it said so first. ``asked_at``: when it was asked; what it does not tell yet came later, and
        this thread may sleep long between an answer and its taking. None: now.
        """
        before = self.feedback
        self.feedback = feedback
        self.trouble = None
        self.polls += 1
        self.life.heard(feedback.heartbeat_echo, now)
        self.ids.acknowledge(feedback.echo_seq)
        self.ids.look(feedback.trigger_seq, feedback.part_id, now)
        if self.outbox.echoed(feedback.echo_seq):
            self.confirm(feedback.echo_seq, GateTold.ACKNOWLEDGED, now)
        if before is not None:
            if feedback.anew_after(before):
                self._count_anew(before, feedback)
            if feedback.trigger_seq and (self.restarted or feedback.trigger_seq != before.trigger_seq):
                self._trigger(feedback, now if seen_at is None else seen_at)
            if feedback.status != before.status:
                log.info("gate.plc_status", device=self.settings.device, status=str(feedback.status))
            self.clear_error |= PlcStatus.CLEAR_ERROR in feedback.status & ~before.status
        self._polled_at = now if asked_at is None else asked_at
        self.polled.notify_all()

    def _count_anew(self, before: Feedback, feedback: Feedback) -> None:
        """The old numbers now mean other parts: no result of an old part may reach the PLC any more."""
        if not self.restarted:
            log.warning(
                "gate.counter_restarted",
                device=self.settings.device,
                last=before.trigger_seq,
                now=feedback.trigger_seq,
            )
        self.restarted = True
        self.recounting = self._followed
        self.outbox.forget(RECOUNTING)
        self.ids.forget()
        self.news.notify_all()

    def _trigger(self, feedback: Feedback, now: float) -> None:
        """Report the newest number; found after an outage, it may be as old as the last poll before."""
        fresh = now - self._polled_at <= self.settings.poll_period_ms / 1000 + _FRESH_S
        event = TriggerEvent(
            part_seq=feedback.trigger_seq,
            at=now if fresh else self._polled_at,
            encoder=feedback.encoder if self.settings.encoder else None,
            part_id=feedback.part_id,
            lot=feedback.lot,
            job=feedback.job,
            restarted=self.restarted,
            since=self._polled_at,
            by=now,
        )
        self.ids.begin(feedback.trigger_seq, feedback.part_id)
        if len(self.triggers) < TRIGGERS:
            self.triggers.append(event)
            self.restarted = False
        else:
            self._refuse("triggers")
            if not self.restarted:  # else tried again at the next poll: the old counter's last number must be told too
                self.triggers[-1] = replace(event, restarted=self.triggers[-1].restarted)
        self.news.notify_all()

    def next_trigger(self) -> TriggerEvent:
        """Take the oldest event. From one that tells of a restart on, numbers mean new parts only."""
        event = self.triggers.popleft()
        self.recounting = self.restarted or any(later.restarted for later in self.triggers)
        return event

    def baseline(self) -> bool:
        """Forget the events so far: the caller reads the counter as it stands. Gives whether it began anew before."""
        anew = self.restarted or any(event.restarted for event in self.triggers)
        self._followed = True
        self.triggers.clear()
        self.restarted = self.recounting = False
        return anew

    def confirm(self, part_seq: int, told: GateTold, now: float) -> None:
        """Report what is known of a part."""
        if len(self.confirmations) >= CONFIRMATIONS:
            self._refuse("confirmations")
            return
        self.confirmations.append(Confirmation(part_seq=part_seq, told=told, at=now))
        self.news.notify_all()

    def _refuse(self, what: str) -> None:
        """A full queue is counted each time, and logged the first time."""
        self.refused += 1
        if self.refused == 1:
            log.error("gate.queue_full", device=self.settings.device, queue=what)

    def lost(self, error: DeviceError) -> None:
        """The connection ended: nothing that waits is told any more."""
        if not self.stopping and (self.trouble is None or self.trouble.reason != error.reason):
            log.warning("gate.link_lost", device=self.settings.device, reason=error.reason)
        self.trouble = error
        self._was_alive = False
        self.life.forget()
        self.outbox.clear(error.reason)
        self.news.notify_all()
        self.polled.notify_all()

    def watch(self, now: float) -> None:
        """Act once when the echo comes or stays away: a dead link withdraws all results."""
        alive = self.life.alive(now)
        if alive == self._was_alive:
            return
        self._was_alive = alive
        if alive:
            log.info("gate.link_alive", device=self.settings.device)
        else:
            reason = self.health(now).reason
            log.warning("gate.link_dead", device=self.settings.device, reason=reason)
            self.outbox.clear(reason)
        self.news.notify_all()
        self.polled.notify_all()

    # --- the callers' side

    def health(self, now: float) -> LinkHealth:
        """Alive only while the PLC echoes our heartbeat."""
        if self.trouble is not None:
            return LinkHealth(alive=False, reason=self.trouble.reason, thread_alive=not self.ended)
        if self.life.alive(now):
            return LinkHealth(alive=True, reason="")
        silence = self.life.silence_s(now)
        echoed = "is not echoed yet" if silence is None else f"was not echoed for {silence:.1f} s"
        return LinkHealth(
            alive=False,
            reason=f"the heartbeat {echoed}; right would be a PLC in RUN that checks our block (CRC, byte_order, "
            f"word_order) and copies its word 1 to word 0 of its own",
        )

    def wish(self, now: float) -> PlcWish:
        """What the PLC asks; a dead one asks nothing, and a rise of "clear error" waits until it is heard."""
        if self.feedback is None or not self.health(now).alive:
            return PlcWish()
        status, clear_error = self.feedback.status, self.clear_error
        self.clear_error = False
        return PlcWish(
            job=self.feedback.job,
            clear_error=clear_error,
            stop=PlcStatus.STOP in status,
            bin_full=PlcStatus.BIN_FULL in status,
            bypass=PlcStatus.BYPASS in status,
            enable=PlcStatus.ENABLE in status,
        )

    def silent(self) -> DeviceError:
        """Why there is nothing to report."""
        return DeviceError(self.settings.device, self.health(time.monotonic()).reason or "no poll was answered in time")
