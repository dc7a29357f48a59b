"""The record loop: the picture to its folder, the Inspection into the book, after the gate was told."""

import hashlib
import math
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from inspector.domain.errors import JournalError
from inspector.domain.frame import PartId
from inspector.domain.inspection import EvidenceRef, GateTold, Inspection, uuid7
from inspector.domain.verdict import Outcome
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.collect import Collector
from inspector.pipeline.desk import JOURNAL_ALARM, Desk
from inspector.pipeline.echoes import Echoes
from inspector.pipeline.live_view import LiveView
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Equipment, Judged, Station

EVIDENCE_ALARM = "evidence.refused"
MOST_PATIENT = 64
"""While more parts than these wait for their records, none waits for its echo: what is known by then is written."""
_IDLE_S = 0.1
_SLICE_S = 0.02
_ENDING_S = 1.0
"""How long a line that ends waits for echoes: its supervisor waits for it no longer than for a few seconds."""
_WITHOUT_FRAME = frozenset(
    {"law.missed", "law.camera", "law.frame_lost", "law.resync", "law.double_trigger", "law.job", "law.frame"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _InLine:
    """A part whose picture is kept, and whose record waits for its echo. ``since``: monotonic seconds."""

    judged: Judged
    since: float
    result_id: UUID
    created_utc: datetime
    evidence: EvidenceRef | None
    evidence_note: str
    kept_probability: float


class PaperLoop:
    """Owned by the record thread. ``fed``: set once nothing more will come."""

    def __init__(
        self,
        *,
        station: Station,
        desk: Desk,
        equipment: Equipment,
        alarms: AlarmBoard,
        collector: Collector,
        live: LiveView | None,
        fed: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._station = station
        self._desk = desk
        self._recorder = equipment.recorder
        self._attempts = equipment.attempts
        self._evidence = equipment.evidence
        self._alarms = alarms
        self._collector = collector
        self._live = live
        self._fed = fed
        self._pulse = pulse
        self._echoes = Echoes(gate=equipment.gate, handshake=desk.handshake, echo_timeout_s=station.echo_timeout_s)
        self._line: deque[_InLine] = deque()
        self._patient_until = math.inf

    def run(self) -> None:
        """Write until nobody judges any more and nothing waits.

        A part whose echo is waited for holds up no picture of the next: it waits in line, its own picture kept.
        """
        while True:
            self._pulse.beat()
            last = self._fed.is_set()  # asked first: what was put before it was set is still found
            if last:
                self._patient_until = min(self._patient_until, time.monotonic() + _ENDING_S)
            judged = self._desk.next(0.0 if self._line else _IDLE_S)
            if judged is not None:
                self._take(judged)
            elif last and not self._line:
                return
            self._echoes.hear(0.0 if judged is not None or not self._line else self._patience_s())
            while self._line and self._patience_s() <= 0:
                self._close(self._line.popleft())

    def _patience_s(self) -> float:
        """How long the oldest part in line may wait for its echo; not at all while many wait for their records."""
        if self._desk.waiting > MOST_PATIENT or time.monotonic() >= self._patient_until:
            return 0.0
        return min(self._echoes.patience_s(self._line[0].judged, self._line[0].since), _SLICE_S)

    def _take(self, judged: Judged) -> None:
        """Keep the picture, show it, and give the buffer back; the record waits for what the gate says."""
        if self._echoes.begins_anew(judged):
            self._echoes.set_aside(judged)
            while self._line:
                self._close(self._line.popleft())
            self._echoes.begin(judged)
        created_utc = datetime.now(UTC)
        result_id = uuid7(int(created_utc.timestamp() * 1000), secrets.randbits(74))
        probability = self._keep_probability(judged)
        evidence, note = self._keep(judged, result_id, created_utc) if probability else (None, "")
        self._collector.offer(judged)
        if self._live is not None:
            self._live.offer(judged)
        if judged.loan is not None:
            judged.loan.release()
        self._line.append(
            _InLine(
                judged=replace(judged, loan=None, heat=None),
                since=time.monotonic(),
                result_id=result_id,
                created_utc=created_utc,
                evidence=evidence,
                evidence_note=note,
                kept_probability=probability if evidence else 0.0,
            )
        )

    def _close(self, part: _InLine) -> None:
        verdict, told = self._echoes.fate(part.judged)
        judged, note = replace(part.judged, verdict=verdict), part.evidence_note
        if verdict.outcome is not Outcome.PASS and part.evidence is None:
            note = note or "the picture was not kept: it was a good part until the gate was asked what it took"
        inspection = inspection_of(
            judged,
            station=self._station,
            result_id=part.result_id,
            created_utc=part.created_utc,
            gate_told=told,
            attempt=self._attempts(judged.ticket.opened.part.serial),
            evidence=part.evidence,
            evidence_note=note,
            kept_probability=part.kept_probability,
        )
        try:
            self._recorder.close(inspection)
        except JournalError as error:  # cleared by the next part that may be opened: this one's opening may be refused
            self._alarms.raise_alarm(JOURNAL_ALARM, str(error))
        finally:
            self._desk.done()

    def _keep_probability(self, judged: Judged) -> float:
        """1 for all but clean passes; the recipe's share for a pass that was drawn; 0: no picture is kept."""
        if judged.verdict.outcome is not Outcome.PASS:
            return 1.0
        share = judged.ticket.recipe.recipe.keep_good
        return share if draw(self._station.name, judged.ticket.opened.part) < share else 0.0

    def _keep(self, judged: Judged, result_id: UUID, at: datetime) -> tuple[EvidenceRef | None, str]:
        if judged.frame is None:
            rule = judged.verdict.decision.rule
            if rule in _WITHOUT_FRAME:
                return None, "no frame of this part exists"
            return None, "the picture was given up: the disk was slower than the line"
        part = judged.ticket.opened.part
        name = f"{at:%Y/%m/%d}/{self._station.name}-{part.series}-{part.part_seq}-{result_id.hex[-8:]}"
        lossless = judged.ticket.recipe.recipe.lossless and judged.verdict.outcome is not Outcome.PASS
        try:
            kept = self._evidence.put(
                judged.frame,
                judged.verdict.defects,
                name=name,
                lossless=lossless,
                heat=judged.heat.picture() if judged.heat is not None else None,
            )
        except JournalError as error:
            self._alarms.raise_alarm(EVIDENCE_ALARM, str(error))
            return None, f"the picture was not kept: {error}"
        self._alarms.clear(EVIDENCE_ALARM)
        return kept, ""


def inspection_of(
    judged: Judged,
    *,
    station: Station,
    result_id: UUID,
    created_utc: datetime,
    gate_told: GateTold,
    attempt: int = 1,
    evidence: EvidenceRef | None = None,
    evidence_note: str = "",
    kept_probability: float = 0.0,
) -> Inspection:
    """The complete record of one part."""
    opened, scale = judged.ticket.opened, station.scale
    return Inspection(
        result_id=result_id,
        part=opened.part,
        station=opened.station,
        verdict=judged.verdict,
        detections=judged.detections,
        gate_told=gate_told,
        recipe=opened.recipe,
        model=opened.model,
        settings_sha256=opened.settings_sha256,
        created_utc=created_utc,
        opened_utc=opened.opened_utc,
        timings=judged.timings,
        software=station.software,
        attempt=attempt,
        camera=judged.frame.capture.camera if judged.frame else None,
        scale_id=scale.id if scale else "",
        scale_due=scale.due.isoformat() if scale and scale.due else "",
        evidence=evidence,
        evidence_note=evidence_note,
        kept_probability=kept_probability,
        clock_synced=station.clock_synced(),
        simulated=station.simulated,
        shift=station.shift_of(opened.opened_utc),
        encoder=opened.encoder,
    )


def draw(station: str, part: PartId) -> float:
    """A number in 0..1 for this part, the same whenever it is asked: which good pictures are kept can be replayed."""
    digest = hashlib.sha256(f"{station}/{part.series}/{part.part_seq}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
