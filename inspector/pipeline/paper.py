"""The record loop: the picture to its folder, the Inspection into the book, after the gate was told."""

import hashlib
import secrets
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from inspector.domain.errors import JournalError
from inspector.domain.frame import PartId
from inspector.domain.inspection import EvidenceRef, GateTold, Inspection, uuid7
from inspector.domain.verdict import Outcome
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.collect import Collector
from inspector.pipeline.desk import JOURNAL_ALARM, Desk
from inspector.pipeline.live_view import LiveView
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Equipment, Judged, Station

EVIDENCE_ALARM = "evidence.refused"
_REMEMBERED = 1024
_FINAL = frozenset({GateTold.ACKNOWLEDGED, GateTold.NOTHING})
_WITHOUT_FRAME = frozenset(
    {"law.missed", "law.camera", "law.frame_lost", "law.resync", "law.double_trigger", "law.job", "law.frame"}
)


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
        self._gate = equipment.gate
        self._recorder = equipment.recorder
        self._attempts = equipment.attempts
        self._evidence = equipment.evidence
        self._alarms = alarms
        self._collector = collector
        self._live = live
        self._fed = fed
        self._pulse = pulse
        self._confirmed: dict[int, GateTold] = {}
        self._series = 0

    def run(self) -> None:
        """Write until nobody judges any more and nothing waits."""
        while True:
            self._pulse.beat()
            last = self._fed.is_set()  # asked first: what was put before it was set is still found
            judged = self._desk.next(0.1)
            if judged is None:
                if last:
                    return
                continue
            try:
                self._write(judged)
            finally:
                self._desk.done()

    def _write(self, judged: Judged) -> None:
        created_utc = datetime.now(UTC)
        result_id = uuid7(int(created_utc.timestamp() * 1000), secrets.randbits(74))
        probability = self._keep_probability(judged)
        evidence, note = self._keep(judged, result_id, created_utc) if probability else (None, "")
        self._collector.offer(judged)
        if self._live is not None:
            self._live.offer(judged)
        if judged.loan is not None:
            judged.loan.release()
        told = self._gate_told(judged)
        if told is GateTold.ACKNOWLEDGED and judged.wanted is not None:
            judged = replace(
                judged, verdict=judged.wanted
            )  # its answer was lost, the verdict was not: the gate acted on it
        inspection = inspection_of(
            judged,
            station=self._station,
            result_id=result_id,
            created_utc=created_utc,
            gate_told=told,
            attempt=self._attempts(judged.ticket.opened.part.serial),
            evidence=evidence,
            evidence_note=note,
            kept_probability=probability if evidence else 0.0,
        )
        try:
            self._recorder.close(inspection)
        except JournalError as error:
            self._alarms.raise_alarm(JOURNAL_ALARM, str(error))
        else:
            self._alarms.clear(JOURNAL_ALARM)

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

    def _gate_told(self, judged: Judged) -> GateTold:
        """What the gate confirmed of this part, waiting a little for the echo."""
        if judged.told is GateTold.NOTHING:
            return judged.told
        part_seq, series = judged.ticket.opened.part.part_seq, judged.ticket.opened.part.series
        if series != self._series:
            self._confirmed.clear()  # the numbers begin anew: an old echo is not this part's
            self._series = series
        until = time.monotonic() + self._station.echo_timeout_s
        while self._confirmed.get(part_seq) not in _FINAL:
            remaining = until - time.monotonic()
            if remaining <= 0:
                break
            for confirmation in self._gate.confirmations(remaining):
                self._confirmed[confirmation.part_seq] = confirmation.told
                self._desk.handshake.answered(confirmation.part_seq, confirmation.told, confirmation.at)
        told = self._confirmed.pop(part_seq, judged.told)
        while len(self._confirmed) > _REMEMBERED:
            self._confirmed.pop(next(iter(self._confirmed)))
        return told


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
