"""Counts how often each serial has come."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, Select, func, select

from inspector.adapters.journal_sql import tables
from inspector.adapters.journal_sql.engine import at_the_border
from inspector.domain.errors import JournalError

log = structlog.get_logger(__name__)

_REMEMBERED = 50_000


class Attempts:
    """Openings of this process in memory (the newest 50,000 serials), older ones from the book.

    The base of a serial is its inspections that stood in the book when this process began. It is looked up when
    first asked for, so that opening a part touches no disk. Parts that a crash left open have no inspection yet: they
    are counted as if this process had opened them, for it closes them.
    """

    def __init__(self, engine: Engine, path: Path, station: str) -> None:
        self._engine = engine
        self._path = path
        self._station = station
        self._lock = threading.Lock()
        self._came: OrderedDict[str, int] = OrderedDict()
        self._base: dict[str, int] = {}
        with at_the_border(path, engine), engine.connect() as connection:
            self._head = connection.scalar(select(func.max(tables.entry.c.journal_seq))) or 0
            left = connection.scalars(_left_open(station)).all()
        for serial in left:
            self.came(serial)

    def came(self, serial: str) -> None:
        """A part with this serial was opened."""
        if not serial:
            return
        with self._lock:
            self._came[serial] = self._came.get(serial, 0) + 1
            self._came.move_to_end(serial)
            if len(self._came) > _REMEMBERED:
                oldest, _ = self._came.popitem(last=False)
                self._base.pop(oldest, None)

    def of(self, serial: str) -> int:
        """How often it has come by now; at least 1. While the book cannot be read: how often this process saw it."""
        if not serial:
            return 1
        with self._lock:
            base = self._base.get(serial)
        if base is None:
            try:
                base = self._look_up(serial)
            except JournalError as error:
                log.warning("journal.attempts_unknown", serial=serial, error=str(error))
        with self._lock:
            here = self._came.get(serial, 0)
            if here and base is not None:
                self._base[serial] = base
            return max((base or 0) + here, 1)

    def _look_up(self, serial: str) -> int:
        inspection, part = tables.inspection, tables.part
        query = (
            select(func.count())
            .select_from(inspection)
            .join(part, part.c.id == inspection.c.part_id)
            .where(
                inspection.c.serial == serial,
                inspection.c.journal_seq <= self._head,
                part.c.station == self._station,
            )
        )
        with at_the_border(self._path, self._engine), self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)


def _left_open(station: str) -> Select[Any]:
    """Serials of parts that were opened and never closed."""
    part = tables.part.c
    return select(part.serial).where(part.closed_us.is_(None), part.station == station, part.serial.is_not(None))
