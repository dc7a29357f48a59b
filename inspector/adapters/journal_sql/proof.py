"""Proves the law from the book: every number that was counted has exactly one Inspection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, select

from inspector.adapters.journal_sql import tables
from inspector.adapters.journal_sql.activations import check_activations
from inspector.adapters.journal_sql.book import check_book
from inspector.adapters.journal_sql.engine import at_the_border, open_engine
from inspector.adapters.journal_sql.lock import is_running
from inspector.adapters.journal_sql.schema import require_readable
from inspector.adapters.journal_sql.seal import check_seals
from inspector.adapters.journal_sql.series import RING, STRAY, last_of, position_in
from inspector.adapters.journal_sql.trail import check_trail
from inspector.domain.chain import AuditHead
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PartId, seq_after, seq_distance
from inspector.ports.journal import Proof

PAGE_ROWS = 200
MOST_LISTED = 1000


@dataclass(slots=True)
class _Findings:
    """What is collected on the way; lists stop at MOST_LISTED, sentences carry the whole count."""

    missing: list[PartId] = field(default_factory=list)
    doubled: list[PartId] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Add a finding."""
        self.sentences.append(sentence)


@dataclass(frozen=True, slots=True)
class _Run:
    """One series as the book has it."""

    station: str
    series: int
    first_seq: int
    newest: bool


def verify(
    path: Path,
    station: str | None = None,
    plc_count: int | None = None,
    audit_head: AuditHead | None = None,
    book_head: AuditHead | None = None,
) -> Proof:
    """Prove a journal; works on a running line. ``plc_count``: the last number the PLC has counted.

    ``audit_head``: a head of the audit chain that was published; the chain must still contain it. ``book_head``: one of
    the book, in the same way.

    Reads in pages of 200 rows, so the line's pen is never kept waiting. Open parts are a finding unless the
    station's line is running (they are on the belt).

    Raises:
        ConfigError: no such journal; or ``plc_count`` was given and the journal has several stations.
        JournalError: it cannot be read at all.
    """
    require_readable(path)
    engine = open_engine(path, "ro")
    try:
        with at_the_border(path, engine):
            return _prove(engine, path, station, plc_count, audit_head, book_head)
    finally:
        engine.dispose()


def never_opened(engine: Engine, station: str) -> Sequence[PartId]:
    """Numbers inside any series of the station that no part bears: rows lost by the book. At most 1000."""
    found = _Findings()
    with engine.connect() as connection:
        runs = _runs(connection, station)
    for run in runs:
        if len(found.missing) >= MOST_LISTED:
            break
        _find_never_opened(engine, run, found)
    return tuple(found.missing)


def _find_never_opened(engine: Engine, run: _Run, found: _Findings) -> None:
    part = tables.part.c
    rows = select(func.count()).select_from(tables.part)
    with engine.connect() as connection:
        last_seq = last_of(connection, run.station, run.series, run.first_seq)
        count = connection.scalar(rows.where(part.station == run.station, part.series == run.series))
    last = position_in(run.first_seq, last_seq)
    if last_seq == run.first_seq or count == last:
        return
    numbers, _ = _parts(engine, run)
    _say_missing(run, np.sort((numbers - run.first_seq - 1) % RING + 1), last, "", found)


def _prove(
    engine: Engine,
    path: Path,
    station: str | None,
    plc_count: int | None,
    audit_head: AuditHead | None,
    book_head: AuditHead | None,
) -> Proof:
    found = _Findings()
    with engine.connect() as connection:
        for line in connection.exec_driver_sql("PRAGMA quick_check(20)").scalars():
            if line != "ok":
                found.say(f"the file is damaged: {line}")
        head = connection.scalar(select(func.max(tables.entry.c.journal_seq))) or 0
        runs = _runs(connection, station)
    stations = sorted({run.station for run in runs})
    if plc_count is not None and len(stations) > 1:
        raise ConfigError(f"--plc-count needs --station: the journal {path} has {', '.join(stations)}")
    if station is not None and station not in stations:
        found.say(f"the journal knows no station {station!r}; it knows: {', '.join(stations) or 'none'}")
    open_parts = inspections = 0
    for run in runs:
        opened, closed = _check_run(engine, path, run, plc_count if run.newest else None, found)
        open_parts += opened
        inspections += closed
    found.sentences += check_book(engine, head)
    chain, broken = check_trail(engine, audit_head)
    book, edited = check_seals(engine, book_head)
    found.sentences += [*broken, *check_activations(engine), *edited]
    return Proof(
        inspections=inspections,
        open=open_parts,
        journal_seq=head,
        plc_count=plc_count,
        audit=chain,
        book=book,
        missing=found.missing,
        doubled=found.doubled,
        findings=found.sentences,
    )


def _runs(connection: Connection, station: str | None) -> list[_Run]:
    query = select(tables.series).order_by(tables.series.c.station, tables.series.c.series)
    if station is not None:
        query = query.where(tables.series.c.station == station)
    rows = connection.execute(query).all()
    newest = {row.station: row.series for row in rows}
    return [_Run(row.station, row.series, row.first_seq, row.series == newest[row.station]) for row in rows]


# ---- every number has one Inspection -------------------------------------------------------------------


def _check_run(engine: Engine, path: Path, run: _Run, plc_count: int | None, found: _Findings) -> tuple[int, int]:
    """Check one series; give how many of its parts are open, and how many are closed."""
    name = f"station {run.station}, series {run.series}"
    numbers, closed = _parts(engine, run)
    positions = (numbers - run.first_seq - 1) % RING + 1
    is_stray = positions > RING - STRAY
    strays = numbers[is_stray]
    if strays.size:
        found.say(f"{name}: {strays.size} parts stand before its first number, e.g. {strays[0]}")
    done = np.sort(positions[closed & ~is_stray])
    opened = np.sort(positions[~closed & ~is_stray])
    last = int(positions[~is_stray].max(initial=0))
    running = run.newest and is_running(path, run.station)
    counted = last if plc_count is None else _last_by_plc(run, last, plc_count, name, found)
    _say_doubled(run, done, name, found)
    if counted > last and not running:
        _say_missing(run, np.union1d(done, opened), last, name, found)
        _say_away(run, last, counted, name, found)
    else:
        _say_missing(run, np.union1d(done, opened), counted, name, found)
    if opened.size and not running:
        first = seq_after(run.first_seq, int(opened[0]))
        found.say(f"{name}: {opened.size} parts were opened and never closed, first {first}: start the line once")
    return int((~closed).sum()), int(closed.sum())


def _last_by_plc(run: _Run, last: int, plc_count: int, name: str, found: _Findings) -> int:
    known = seq_after(run.first_seq, last) if last else run.first_seq
    ahead = plc_count if known == 0 else seq_distance(plc_count, known)
    if ahead < 0 or (plc_count == 0 and known != 0):
        found.say(f"{name}: the journal has part {known}, but the PLC counted only to {plc_count}")
        return last
    return last + ahead


def _parts(engine: Engine, run: _Run) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """All part numbers of a series, and for each whether an Inspection stands; read in pages."""
    part, inspection = tables.part.c, tables.inspection.c
    query = (
        select(part.part_seq, inspection.journal_seq.is_not(None).label("closed"))
        .select_from(tables.part.outerjoin(tables.inspection, inspection.part_id == part.id))
        .where(part.station == run.station, part.series == run.series)
        .order_by(part.part_seq)
        .limit(PAGE_ROWS)
    )
    numbers: list[int] = []
    closed: list[bool] = []
    last = -1
    while True:
        with engine.connect() as connection:
            page = connection.execute(query.where(part.part_seq > last)).all()
        numbers += [row.part_seq for row in page]
        closed += [bool(row.closed) for row in page]
        if len(page) < PAGE_ROWS:
            return np.array(numbers, dtype=np.int64), np.array(closed, dtype=np.bool_)
        last = page[-1].part_seq


def _say_doubled(run: _Run, done: NDArray[np.int64], name: str, found: _Findings) -> None:
    twice = done[1:][np.diff(done) == 0]
    if twice.size:
        found.say(f"{name}: {twice.size} parts have more than one Inspection")
        found.doubled += _part_ids(run, twice[: MOST_LISTED - len(found.doubled)])


def _say_missing(run: _Run, known: NDArray[np.int64], last: int, name: str, found: _Findings) -> None:
    total = 0
    for before, gap in _gaps(known, last):
        total += gap
        room = max(MOST_LISTED - len(found.missing), 0)
        found.missing += _part_ids(run, np.arange(before + 1, before + 1 + min(gap, room)))
    if total:
        found.say(f"{name}: {total} of {last} numbers have no Inspection")


def _say_away(run: _Run, last: int, counted: int, name: str, found: _Findings) -> None:
    """Parts that the PLC counted after the last one that the line saw: no loss, if the line is started once."""
    room = max(MOST_LISTED - len(found.missing), 0)
    found.missing += _part_ids(run, np.arange(last + 1, last + 1 + min(counted - last, room)))
    first, newest = seq_after(run.first_seq, last + 1), seq_after(run.first_seq, counted)
    parts, were = (f"parts {first} to {newest}", "were") if counted > last + 1 else (f"part {first}", "was")
    found.say(
        f"{name}: {parts} {were} counted while the line was away: start the line once, they are entered as missed"
    )


def _gaps(known: NDArray[np.int64], last: int) -> Iterator[tuple[int, int]]:
    """Each run of absent positions in 1..last: the position before it, and its length."""
    fence = np.concatenate(([0], known[known <= last], [last + 1]))
    steps = np.diff(fence)
    for index in np.flatnonzero(steps > 1):
        yield int(fence[index]), int(steps[index] - 1)


def _part_ids(run: _Run, positions: NDArray[np.int64]) -> Sequence[PartId]:
    return [PartId(part_seq=seq_after(run.first_seq, int(at)), series=run.series) for at in positions]
