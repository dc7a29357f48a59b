"""Looks at the running line four times a second: alarms, the state shown to the PLC, and the status file."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from inspector.domain.errors import JournalError
from inspector.domain.inspection import OpcState
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.balance import CONFIRM_ALARM
from inspector.pipeline.boot import since_start
from inspector.pipeline.desk import JOURNAL_ALARM, RACE_ALARM, Desk
from inspector.pipeline.field import MISSED_ALARM
from inspector.pipeline.force import ForceDesk
from inspector.pipeline.handoff import Handoff
from inspector.pipeline.inspect import MODEL_ALARM
from inspector.pipeline.links import CAMERA, GATE, IO, LinkBoard
from inspector.pipeline.measure_trust import SCALE_ALARM, VOID_ALARM, MeasureTrust
from inspector.pipeline.optics_guard import OpticsGuard
from inspector.pipeline.part_ids import PART_ID_ALARM
from inspector.pipeline.picture import CAMERA_ALARM
from inspector.pipeline.start import close_lost
from inspector.pipeline.status import StatusFile
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.tally import Tally
from inspector.pipeline.ticket import Equipment, Shown, Station
from inspector.ports.gate import Ejecting, LineState, PlcWish, Wired
from inspector.ports.journal import JournalHealth

log = structlog.get_logger(__name__)

LINK_ALARM = "plc.link"
JOB_ALARM = "plc.job"
DISK_ALARM = "journal.waiting"
SLOW_ALARM = "evidence.slow"
BEHIND_ALARM = "journal.behind"
ROW_ALARM = "rejects.in_a_row"
LATE_ALARM = "verdict.late"
LATE_ROW = 3
BIN_ALARM = "bin.full"
SLOW_S = 5.0
BEHIND = 1000
"""Parts that wait for their records: more are an alarm, until half as many wait. The desk takes 20,000."""
_ILL = frozenset({CAMERA_ALARM, MODEL_ALARM})
"""With one of these standing no part can be judged: ERROR is shown, and the run permit withdrawn."""
_STOPS = frozenset({ROW_ALARM, BIN_ALARM, CONFIRM_ALARM, MISSED_ALARM, "air.low"})
"""With one of these standing parts are judged, and the belt is asked to stop."""


class Watch:
    """Called by the supervisor's thread. ``opc``: the station's state by OPC 40100-1, set by the line.

    ``forced``: acts on what technicians ask to drive; the request thread calls it.
    """

    def __init__(
        self,
        *,
        station: Station,
        equipment: Equipment,
        desk: Desk,
        handoff: Handoff[Shown],
        alarms: AlarmBoard,
        tally: Tally,
        status: StatusFile,
        journal_health: Callable[[], JournalHealth],
        guard: OpticsGuard,
        trust: MeasureTrust,
    ) -> None:
        self._station = station
        self._equipment = equipment
        self._desk = desk
        self._handoff = handoff
        self._alarms = alarms
        self._tally = tally
        self._status = status
        self._journal_health = journal_health
        self._guard = guard
        self._trust = trust
        self.forced = ForceDesk(panel=equipment.panel, alarms=alarms)
        self._links = LinkBoard()
        info = equipment.camera.describe()
        self._camera = " ".join(word for word in (info.name, info.serial) if word)
        self._occurred: set[str] = set()
        self._conditions: set[str] = set()
        self.opc = OpcState.PREOPERATIONAL
        self._ready_after: Mapping[str, float] = {}

    def look(self, paper: Pulse) -> None:
        """Raise and clear what is seen from outside the loops, tell the PLC, write the status file.

        Raises:
            JournalError, DeviceError: a thread that is not the supervisor's own has ended of a bug; the process must
                not go on without it.
        """
        self._look_at_the_link()
        self._look_at_the_book(paper)
        self._guard.save()
        self._look_at_the_scale()
        self._look_at_the_ejector()
        wish = self._equipment.annunciator.plc_word()
        if wish.clear_error:
            for code in (*_ILL, RACE_ALARM, PART_ID_ALARM):  # what still stands is raised again by the next part
                self._alarms.clear(code)
            self._tally.forgive()
            for code in self._occurred:
                self._alarms.clear(code)
            self._occurred.clear()
        if wish.bin_full:
            self._alarms.raise_alarm(BIN_ALARM, "the reject bin is full: empty it")
        else:
            self._alarms.clear(BIN_ALARM)
        self._look_at_the_job(wish)
        self._look_at_the_rejects()
        self._look_at_the_lateness()
        state = self._state()
        if LineState.READY in state and not self._ready_after:
            self._ready_after = since_start()
            log.info("line.first_ready", **self._ready_after)
        self._equipment.annunciator.announce(state)
        self.write(alive=True)

    def settle(self) -> None:
        """Write what became of parts since the last look: the line ends."""
        self._look_at_the_ejector()

    def write(self, *, alive: bool) -> None:
        """Replace the status file."""
        self._note_the_links()
        self._status.write(self._content(alive=alive))

    def _look_at_the_link(self) -> None:
        link = self._equipment.annunciator.link()
        if not link.thread_alive:
            raise JournalError(f"the gate's thread has ended ({link.reason}); the line stops to be started anew")
        if link.alive:
            self._alarms.clear(LINK_ALARM)
        else:
            self._alarms.raise_alarm(LINK_ALARM, link.reason)

    def _note_the_links(self) -> None:
        """For people: how each link is, and since when."""
        now, gate, standing = datetime.now(UTC), self._equipment.gate, self._alarms.standing()
        link = self._equipment.annunciator.link()
        self._links.note(GATE, device="", alive=link.alive, reason=link.reason, now=now)
        if isinstance(gate, Wired):
            module = gate.module_link()
            self._links.note(IO, device=gate.module(), alive=module.alive, reason=module.reason, now=now)
        trouble = standing.get(CAMERA_ALARM, "")
        self._links.note(CAMERA, device=self._camera, alive=not trouble, reason=trouble, now=now)

    def _look_at_the_book(self, paper: Pulse) -> None:
        health = self._journal_health()
        if not health.thread_alive:
            raise JournalError(f"the journal's thread has ended ({health.error}); the line stops to be started anew")
        if health.error:
            self._alarms.raise_alarm(DISK_ALARM, health.error)
        else:
            self._alarms.clear(DISK_ALARM)
            if not health.waiting:
                self._alarms.clear(JOURNAL_ALARM)
            close_lost(self._station, self._equipment)
        if paper.alive_within(SLOW_S):
            self._alarms.clear(SLOW_ALARM)
        else:
            self._alarms.raise_alarm(SLOW_ALARM, "pictures or rows wait for the disk")
        waiting = self._desk.waiting
        if waiting > BEHIND:
            text = f"{waiting} parts wait for their records: the disk or the gate's echo is slower than the line"
            self._alarms.raise_alarm(BEHIND_ALARM, text)
        elif waiting <= BEHIND // 2:
            self._alarms.clear(BEHIND_ALARM)

    def _look_at_the_scale(self) -> None:
        for code, text in ((VOID_ALARM, self._trust.void()), (SCALE_ALARM, self._trust.overdue())):
            if text:
                self._alarms.raise_alarm(code, text)
            else:
                self._alarms.clear(code)

    def _look_at_the_ejector(self) -> None:
        """Where the line moves the ejector itself: write what became of each part, and tell what went wrong."""
        gate = self._equipment.gate
        if not isinstance(gate, Ejecting):
            return
        for disposal in gate.disposals():
            try:
                self._equipment.recorder.note(disposal)
            except JournalError as error:
                self._alarms.raise_alarm(DISK_ALARM, str(error))
        for code, text in gate.occurrences():  # it stands until a person has acknowledged it
            self._occurred.add(code)
            self._alarms.raise_alarm(code, text)
        standing = gate.conditions()
        for code, text in standing.items():
            self._alarms.raise_alarm(code, text)
        for code in self._conditions - standing.keys():
            self._alarms.clear(code)
        self._conditions = set(standing)

    def _look_at_the_job(self, wish: PlcWish) -> None:
        if wish.job in {0, *self._station.recipes}:
            self._alarms.clear(JOB_ALARM)
        else:
            known = ", ".join(str(job) for job in sorted(self._station.recipes) if job) or "none"
            self._alarms.raise_alarm(JOB_ALARM, f"the PLC asks for job {wish.job}; recipes are loaded for: {known}")

    def _look_at_the_rejects(self) -> None:
        """Rejecting everything is safe, and no solution: the belt is asked to stop."""
        limit, count = self._station.stop_after_rejects, self._tally.rejects_in_a_row
        if limit and count >= limit:
            self._alarms.raise_alarm(ROW_ALARM, f"{count} parts in a row did not pass; look at parts, camera and light")
        else:
            self._alarms.clear(ROW_ALARM)

    def _look_at_the_lateness(self) -> None:
        """One late part is an accident; several in a row are a PC that is too slow for this belt."""
        count = self._tally.late_in_a_row
        if count >= LATE_ROW:
            text = f"{count} parts in a row were judged too late: they are rejected; is the belt too fast for this PC?"
            self._alarms.raise_alarm(LATE_ALARM, text)
        else:
            self._alarms.clear(LATE_ALARM)

    def _state(self) -> LineState:
        standing = self._alarms.standing()
        state = LineState.ONLINE
        if standing.keys() & _ILL:
            state |= LineState.ERROR
        elif JOB_ALARM not in standing:
            state |= LineState.READY
            if not standing.keys() & _STOPS:
                state |= LineState.RUN_PERMIT
        if standing:
            state |= LineState.DEGRADED
        if self._desk.judging:
            state |= LineState.BUSY
        return state

    def _opc_now(self) -> OpcState:
        """A station that runs and cannot judge is in Error until it can again."""
        ill = self.opc is OpcState.CONTINUOUS_EXECUTION and self._alarms.standing().keys() & _ILL
        return OpcState.ERROR if ill else self.opc

    def _content(self, *, alive: bool) -> Mapping[str, Any]:
        health, link = self._journal_health(), self._equipment.annunciator.link()
        gate = self._equipment.gate
        balance = dict(gate.balance()) if isinstance(gate, Ejecting) else None
        active = self._station.recipes[0]
        recipe, model = active.stamp, active.model
        return {
            "station": self._station.name,
            "alive": alive,
            "state": self._opc_now().value,
            "ready_after": dict(self._ready_after),
            "counters": dict(self._tally.counters()),
            "recipe": {"name": recipe.name, "sha256": recipe.sha256},
            "recipes": [
                {"slot": slot, "name": one.stamp.name, "sha256": one.stamp.sha256, "job": one.stamp.job}
                for slot, one in self._station.recipes.slots.items()
            ],
            "model": {
                "name": model.name,
                "version": model.version,
                "sha256": model.sha256,
                "runtime": model.runtime,
                "runtime_choice": self._station.runtime_choice,
            },
            "health": {
                "alarms": dict(self._alarms.standing()),
                "plc": {"alive": link.alive, "reason": link.reason},
                "journal": {"waiting": health.waiting, "lost": health.lost, "error": health.error},
                "optics": self._guard.snapshot(),
                "scale": {"id": scale.id, "void": self._trust.void(), "overdue": self._trust.overdue()}
                if (scale := self._trust.scale)
                else None,
            },
            "plc": dict(self._equipment.panel.words()) if self._equipment.panel is not None else {},
            "io": dict(gate.module_words()) if isinstance(gate, Wired) else {},
            "links": dict(self._links.told()),
            "handshake": list(self._desk.handshake.newest()),
            "forced": self.forced.told(),
            "queues": {"handoff": len(self._handoff), "paper": self._desk.waiting},
            **({"balance": balance} if balance is not None else {}),
            "software": self._station.software,
            **self._tally.snapshot(),
        }
