"""Decides which run of the trigger counter a start-up continues."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from inspector.adapters.journal_sql import tables
from inspector.domain.frame import MOST_UNSEEN, SEQ_MODULUS, seq_distance
from inspector.domain.inspection import GateTold
from inspector.ports.journal import Series

RING = SEQ_MODULUS - 1
LONGEST = 1 << 31
STRAY = 2 * MOST_UNSEEN
RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A new series: the number before its first part, and why it began."""

    first_seq: int
    why: str


def position_in(first_seq: int, part_seq: int) -> int:
    """How many parts after ``first_seq`` this number comes: 1 for the first, at most 2**32 - 1."""
    return (part_seq - first_seq - 1) % RING + 1


def judge(known: Series | None, counter: int, *, restarted: bool = False) -> Beginning | None:
    """Whether ``counter`` (the last number the source counted; 0: none yet) goes on with ``known``: then None.

        first run                        new series from ``counter``: parts before it were never ours
        restarted                        the source showed that it began anew: as if it had gone back, wherever it
                                         stands now; a series that has no part yet and begins at 1 is that new one
        0 to 1,000,000 parts ahead       the same series; the caller accounts for every number in between
        gone back, to 1,000,000 at most  the PLC restarted from zero and counted 1..counter without us:
                                         first_seq = 0, so they are accounted for as well
        gone back, to a higher number    preset: ``counter`` itself is accounted for, of what lies before nothing
        further ahead                    is known (or a stop so long that over a million parts went by unseen)
        2**31 parts old                  handed over at its last number, with no gap, before a number comes twice

    When a counter went back we cannot tell a restart from zero from a memory saved late (it would stand a little
    below the last number): the parts are then accounted for once too often, never once too seldom. A PLC that
    restarts AND reaches the last number while we are away is known only by its sign (docs/plc.md, rule 7); without
    the sign it looks like one that never restarted.
    """
    if known is None:
        return Beginning(first_seq=counter, why="first run")
    last = known.last_seq
    if counter == 0 or (restarted and last == 0):
        return None if last == 0 else Beginning(first_seq=0, why=f"the counter went back from {last} to 0")
    ahead = seq_distance(counter, last)
    if restarted or ahead < 0:
        first_seq = 0 if counter <= MOST_UNSEEN else counter - 1
        how = "was started anew after" if restarted else "went back from"
        return Beginning(first_seq=first_seq, why=f"the counter {how} {last} to {counter}")
    if ahead > MOST_UNSEEN:
        return Beginning(first_seq=counter - 1, why=f"the counter jumped from {last} to {counter}")
    if last != known.first_seq and position_in(known.first_seq, last) > LONGEST:
        return Beginning(first_seq=last, why=f"series {known.series} is 2**31 parts old")
    return None


def newest(connection: Connection, station: str) -> Series | None:
    """The station's newest series and its last known number; None before the first run."""
    known = tables.series.c
    query = select(known.series, known.first_seq).where(known.station == station).order_by(known.series.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Series(
        series=row.series,
        first_seq=row.first_seq,
        last_seq=last_of(connection, station, row.series, row.first_seq),
    )


def last_of(connection: Connection, station: str, series: int, first_seq: int) -> int:
    """The last part number of a series, wrap included; ``first_seq`` while it has no part. Two index seeks.

    A number shortly before ``first_seq`` (up to ``STRAY``) is a stray of a bug elsewhere, not the end of a lap.
    """
    part = tables.part.c
    in_series = select(part.part_seq).where(part.station == station, part.series == series)
    newest_first = part.part_seq.desc()
    wrapped = connection.scalar(in_series.where(part.part_seq < first_seq - STRAY).order_by(newest_first).limit(1))
    if wrapped is not None:
        return int(wrapped)
    last = connection.scalar(in_series.where(part.part_seq > first_seq).order_by(newest_first).limit(1))
    return first_seq if last is None else int(last)


def acknowledged(connection: Connection, station: str, known: Series) -> bool:
    """Whether the PLC took one of the last ``RECENT`` parts of a series: its echo was then this number, and not 0."""
    part, inspection = tables.part.c, tables.inspection.c
    recent = (
        select(inspection.gate_told)
        .select_from(tables.part.join(tables.inspection, inspection.part_id == part.id))
        .where(part.station == station, part.series == known.series)
        .order_by(part.part_seq.desc())
        .limit(RECENT)
    )
    return GateTold.ACKNOWLEDGED.value in connection.scalars(recent)


def begin(connection: Connection, station: str, number: int, beginning: Beginning, at_us: int) -> Series:
    """Write a new series; its last number is the one before its first."""
    row = {
        "station": station,
        "series": number,
        "first_seq": beginning.first_seq,
        "started_us": at_us,
        "why": beginning.why,
    }
    connection.execute(insert(tables.series), row)
    return Series(series=number, first_seq=beginning.first_seq, last_seq=beginning.first_seq)
