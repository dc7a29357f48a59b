"""What the server's thread and those who call the gate share, under one lock."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence

import structlog

from inspector.adapters.gate_modbus.forced import Forced
from inspector.adapters.gate_modbus.ids import IdWatch
from inspector.adapters.gate_modbus.layout import ResultCode
from inspector.adapters.gate_modbus.life import BEAT_S, Life
from inspector.adapters.gate_modbus.server.command import JobDesk
from inspector.adapters.gate_modbus.server.image import Control, Status, blank_control
from inspector.adapters.gate_modbus.server.results import BUFFER, Fate, Result, Results
from inspector.adapters.gate_modbus.server.settings import ModbusServerSettings
from inspector.adapters.gate_modbus.server.status import Figures, status_of
from inspector.adapters.gate_modbus.server.table import ControlBit, ErrorCode
from inspector.adapters.gate_modbus.server.triggers import Edge, Triggers
from inspector.domain.errors import DeviceError
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PlcWish

log = structlog.get_logger(__name__)

CONFIRMATIONS = 1024
_HUNG_UP = "the PLC closed its connection"
_UNWRITTEN = (
    "nobody has written the control block yet; right would be a PLC that writes it with FC16 in every cycle "
    "(addresses: inspector plc symbols)"
)


class Desk:
    """Methods and changes need the lock of the conditions, which are one."""

    def __init__(self, settings: ModbusServerSettings, *, checksum: int) -> None:
        lock = threading.Lock()
        self.news = threading.Condition(lock)  # a trigger, a confirmation, a write, or the link's end
        self.settings = settings
        self.triggers = Triggers(settings)
        self.results = Results()
        self.jobs = JobDesk()
        self.ids = IdWatch(staged_s=0.0)
        self.life = Life(settings.heartbeat_timeout_ms / 1000)
        self.figures = Figures(checksum=checksum)
        self.control = Control()
        self.forced = Forced("status", {"busy": "system_busy"})
        self.announced = LineState.NONE
        self.writes = 0
        self.session = 0  # grows with every connection that begins to write
        self.stopping = False
        self.ended = False  # the server's thread has ended unasked
        self.trouble = _UNWRITTEN
        self.confirmations: deque[Confirmation] = deque()
        self.refused = 0
        self._clear_error = False
        self._doubted: int | None = None
        self._writer: object | None = None
        self.registers: Sequence[int] = blank_control()
        self._heard_at = 0.0
        self._ticked_at = self._served_at = 0.0  # the loop's last look at the clock, and the one before
        self._beat_due = 0.0
        self._heartbeat = 0
        self._was_alive = False
        self._told_trouble = ""

    # --- the server thread's side

    def is_writer(self, who: object) -> bool:
        """Whether this connection is the PLC's."""
        return who is self._writer

    def may_write(self, who: object, now: float) -> bool:
        """Whether this connection may write: the one that does, or a new one after its silence."""
        return self._writer in {None, who} or now - self._heard_at > self.settings.heartbeat_timeout_ms / 1000

    def written(self, who: object, control: Control, now: float, *, bits: bool) -> None:
        """Take one write of the control block. ``bits``: whether words 0 and 1 were written."""
        if who is not self._writer:
            self._new_session(who, control)
        self._heard_at = now
        if self._doubts(control):
            return
        before, self.control = self.control, control
        self.writes += 1
        self.trouble = ""
        self.life.heard(control.heartbeat_echo, now)
        self._take_trigger(control, now, bits=bits)
        if bits:
            self._take_bits(control, control.bits & ~before.bits, now)
        self.watch(now)
        self.news.notify_all()

    def _doubts(self, control: Control) -> bool:
        """A counter that is neither where it was nor one further must say so twice: Modbus TCP has no checksum."""
        number = control.trigger_seq
        doubted, self._doubted = self._doubted, number if self.triggers.surprising(control) else None
        return self._doubted is not None and doubted != number

    def _take_trigger(self, control: Control, now: float, *, bits: bool) -> None:
        restarts = self.triggers.restarts
        edge = self.triggers.take(control, now, bits=bits, idle_s=now - self._served_at)
        if self.triggers.restarts != restarts:
            log.warning("gate.counter_restarted", device=self.settings.device, now=control.trigger_seq)
            self.drop_results()
            self.ids.forget()
        if bits:
            self._watch_the_id(control, now, taken=edge is Edge.TAKEN)
        if edge is Edge.MISSED:
            log.warning("gate.trigger_missed", device=self.settings.device, error_code=int(self.triggers.error))
        elif edge is Edge.TAKEN:
            self.figures.exposure_complete = False

    def _watch_the_id(self, control: Control, now: float, *, taken: bool) -> None:
        """From the Trigger that was taken until it is low again, part_id is that part's."""
        last = self.triggers.last
        if taken:
            self.ids.begin(last, control.part_id)
        elif ControlBit.TRIGGER not in control.bits:
            self.ids.acknowledge(last)
        elif not self.settings.plc_counts or control.trigger_seq == last:
            self.ids.look(last, control.part_id, now)

    def _take_bits(self, control: Control, rises: ControlBit, now: float) -> None:
        bits = control.bits
        self.results.room = BUFFER if ControlBit.BUFFER_RESULTS_ENABLE in bits else 1
        acked = self.results.ack(level=ControlBit.INSPECTION_RESULTS_ACK in bits, echo_seq=control.echo_seq)
        self._confirm([acked] if acked else [], now)
        self.jobs.take(control)
        if ControlBit.CLEAR_EXPOSURE_COMPLETE in rises:
            self.figures.exposure_complete = False
        if ControlBit.CLEAR_ERROR in rises:
            self._clear_errors()

    def _clear_errors(self) -> None:
        self._clear_error = True
        self.triggers.error = ErrorCode.NONE
        self.triggers.missed_acq = False
        self.results.overrun = False

    def _new_session(self, who: object, control: Control) -> None:
        """Another connection writes: nothing of an old one proves life, is an edge, or is shown."""
        self._writer = who
        self.session += 1
        self.control = control
        self.life.forget()
        self._beat_due = 0.0
        self.triggers.new_session()
        self.ids.forget()
        self.jobs.new_session()
        self.drop_results()

    def hung_up(self, who: object, now: float) -> None:
        """A connection was closed."""
        if who is self._writer:
            self._writer = None
            self.life.forget()
            self.trouble = _HUNG_UP
            self.watch(now)
            self.news.notify_all()

    def read(self, who: object, now: float) -> None:
        """This connection is about to read the status words; only the PLC's reading counts."""
        if who is self._writer:
            self.watch(now)
            fate = self.results.read(now, error=self.error)
            self._confirm([fate] if fate else [], now)

    def tick(self, now: float) -> None:
        """Beat, look at the link, and report numbers that no edge came for."""
        self._served_at, self._ticked_at = self._ticked_at, now
        if now >= self._beat_due:
            self._beat_due = now + BEAT_S
            self._heartbeat = self.life.beat()
        self.watch(now)
        if self.triggers.claim(self.control, now):
            self.news.notify_all()

    def watch(self, now: float) -> None:
        """Act once when the echo comes or stays away: a dead link withdraws all results."""
        alive = self.life.alive(now)
        if alive == self._was_alive:
            return
        self._was_alive = alive
        if alive:
            log.info("gate.link_alive", device=self.settings.device)
        else:
            log.warning("gate.link_dead", device=self.settings.device, reason=self.health(now).reason)
            self.drop_results()
        self.news.notify_all()

    def refuse(self, what: str) -> None:
        """A request was refused; told once for each cause, and shown until the control block is written."""
        if what != self._told_trouble:
            log.warning("gate.request_refused", device=self.settings.device, reason=what)
            self._told_trouble = what
        if self._writer is None:
            self.trouble = what
            self.news.notify_all()

    def drop_results(self) -> None:
        """Nothing that stands or waits may be read any more."""
        self._confirm(self.results.clear(), time.monotonic())

    def _confirm(self, fates: Iterable[Fate], now: float) -> None:
        for fate in fates:
            if len(self.confirmations) >= CONFIRMATIONS:
                self.refused += 1
                if self.refused == 1:
                    log.error("gate.queue_full", device=self.settings.device, queue="confirmations")
                continue
            self.confirmations.append(Confirmation(part_seq=fate.part_seq, told=fate.told, at=now))
            self.news.notify_all()

    # --- both sides

    @property
    def state(self) -> LineState:
        """What is shown: what the line announced, unless a technician drives it."""
        return self.forced.apply(self.announced)

    @property
    def error(self) -> bool:
        """Whether the error bit is set: nothing is OK beside it."""
        return LineState.ERROR in self.state or self.triggers.error is not ErrorCode.NONE

    def status(self, now: float) -> Status:
        """The words as the PLC may read them now."""
        return status_of(self, heartbeat=self._heartbeat, alive=self.life.alive(now), now=now)

    def put(self, result: Result) -> bool:
        """Show or queue a result; False where there is no room."""
        placed = self.results.put(result)
        self.figures.count(result.code if placed else ResultCode.NOT_DECIDABLE)
        if result.part_seq == self.triggers.acquisition_id:
            self.figures.exposure_complete = True
        return placed

    def health(self, now: float) -> LinkHealth:
        """Alive only while the PLC echoes our heartbeat."""
        if self.trouble:
            return LinkHealth(alive=False, reason=self.trouble, thread_alive=not self.ended)
        if self.life.alive(now):
            return LinkHealth(alive=True, reason="")
        silence = self.life.silence_s(now)
        echoed = "is not echoed yet" if silence is None else f"was not echoed for {silence:.1f} s"
        return LinkHealth(
            alive=False,
            reason=f"the heartbeat {echoed}; right would be a PLC in RUN that copies status.heartbeat to "
            "control.heartbeat_echo in every cycle (see byte_order)",
        )

    def wish(self, now: float) -> PlcWish:
        """What the PLC asks; a dead one asks nothing, and a rise of "clear error" waits until it is heard."""
        if not self.health(now).alive:
            return PlcWish()
        bits, clear_error = self.control.bits, self._clear_error
        self._clear_error = False
        self.jobs.wished(self.control.job)
        return PlcWish(
            job=self.control.job,
            clear_error=clear_error,
            stop=ControlBit.STOP in bits,
            bin_full=ControlBit.BIN_FULL in bits,
            bypass=ControlBit.BYPASS in bits,
            enable=ControlBit.TRIGGER_ENABLE in bits and ControlBit.SET_OFFLINE not in bits,
        )

    def silent(self) -> DeviceError:
        """Why there is nothing to report."""
        return DeviceError(
            self.settings.device, self.health(time.monotonic()).reason or "the control block was not written in time"
        )
