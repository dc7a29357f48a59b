"""What a line does before its first part: continue the counter's series and account for what a crash left open."""

import secrets
from datetime import UTC, datetime

import structlog

from inspector.domain.errors import JournalError
from inspector.domain.frame import PartId, seq_after, seq_distance
from inspector.domain.inspection import GateTold, Inspection, OpenedPart, Timings, uuid7
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline.capture import missed_verdict
from inspector.pipeline.paper import inspection_of
from inspector.pipeline.ticket import Equipment, Judged, Station, Ticket
from inspector.ports.journal import Series
from inspector.ports.trigger import TriggerPosition

log = structlog.get_logger(__name__)

_CHUNK = 500
_FLUSH_S = 60.0


def reconcile(station: Station, equipment: Equipment, position: TriggerPosition) -> Series:
    """Close every open part and every number that was counted while we were away; give the series to go on with.

    A part whose number the PLC echoes was acknowledged; of any other open part we cannot know what the gate was told.
    """
    now = datetime.now(UTC)
    series = equipment.archive.resume(position.part_seq, now, echo_seq=position.echo_seq, restarted=position.restarted)
    interrupted = equipment.archive.unfinished()
    for count, opened in enumerate(interrupted, start=1):
        echoed = position.echo_seq == opened.part.part_seq and opened.part.series == series.series
        told = GateTold.ACKNOWLEDGED if echoed else GateTold.UNKNOWN
        attempt = equipment.attempts(opened.part.serial)
        equipment.recorder.close(_unseen(station, opened, _interrupted(), told, attempt=attempt))
        if count % _CHUNK == 0:
            _flush(equipment)
    lost = _close_lost(station, equipment)
    missed = seq_distance(position.part_seq, series.last_seq) if series.last_seq else position.part_seq
    for step in range(1, missed + 1):
        number = seq_after(series.last_seq, step) if series.last_seq else step
        told = GateTold.UNKNOWN if _told_before(position.echo_seq, number) else GateTold.NOTHING
        _close_unseen(station, equipment, PartId(part_seq=number, series=series.series), missed_verdict(), told)
        if step % _CHUNK == 0:
            _flush(equipment)
    _flush(equipment)
    if interrupted or lost or missed > 0:
        log.warning("start.reconciled", interrupted=len(interrupted), lost=lost, missed=max(missed, 0))
    last = position.part_seq if missed > 0 else series.last_seq
    return Series(series=series.series, first_seq=series.first_seq, last_seq=last)


def _close_lost(station: Station, equipment: Equipment) -> int:
    """Close the numbers that a full queue kept out of the book; how many."""
    count = 0
    before: tuple[PartId, ...] = ()
    while (lost := tuple(equipment.archive.never_opened())) and lost != before:
        before = lost
        for part in lost:
            _close_unseen(station, equipment, part, _lost(), GateTold.UNKNOWN)
        _flush(equipment)
        count += len(lost)
    return count


def _told_before(echo_seq: int | None, number: int) -> bool:
    """Whether the gate has echoed this number or a later one: then the line that died may have told of it."""
    return bool(echo_seq) and seq_distance(echo_seq or 0, number) >= 0


def _close_unseen(station: Station, equipment: Equipment, part: PartId, verdict: Verdict, told: GateTold) -> None:
    opened = _opened_late(station, part, datetime.now(UTC))
    equipment.recorder.open(opened)
    equipment.recorder.close(_unseen(station, opened, verdict, told))


def _flush(equipment: Equipment) -> None:
    if not equipment.flush(_FLUSH_S):
        raise JournalError(f"nothing could be written for {_FLUSH_S:.0f} s; is the disk full, read-only or gone?")


def _lost() -> Verdict:
    return undecided("lost: judged or not, its record never reached the book", rule="law.lost")


def close_lost(station: Station, equipment: Equipment) -> None:
    """While the line runs: close the parts whose Inspection a full queue kept out of the book, now that it is well."""
    for part in equipment.take_lost():
        opened = _opened_late(station, part, datetime.now(UTC))
        equipment.recorder.close(_unseen(station, opened, _lost(), GateTold.UNKNOWN))


def _interrupted() -> Verdict:
    return undecided("interrupted: the line stopped while this part was under way", rule="law.interrupted")


def _opened_late(station: Station, part: PartId, now: datetime) -> OpenedPart:
    return OpenedPart(
        part=part,
        station=station.name,
        opened_utc=now,
        opened_at=0.0,
        recipe=station.recipes[0].stamp,
        model=station.model,
        settings_sha256=station.settings_sha256,
    )


def _unseen(station: Station, opened: OpenedPart, verdict: Verdict, told: GateTold, *, attempt: int = 1) -> Inspection:
    now = datetime.now(UTC)
    judged = Judged(
        ticket=Ticket(opened=opened, recipe=station.recipes[0], deadline=0.0, epoch=0),
        verdict=verdict,
        detections=(),
        timings=Timings(),
        told=GateTold.NOTHING,
    )
    return inspection_of(
        judged,
        station=station,
        result_id=uuid7(int(now.timestamp() * 1000), secrets.randbits(74)),
        created_utc=now,
        gate_told=told,
        attempt=attempt,
        evidence_note="no frame of this part exists",
    )
