"""The record that unlocks tracking by time or encoder: who tried on this line what a dead process does to its parts.

A process that died cannot fire an ejector. So these modes start only when somebody has killed the process AND pulled
the cable on this very line, seen that the belt stops or the parts are diverted, and put date and name to it. The
record is bound to the settings it was tried with.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError

RECORD_FILE = "commissioning.json"
TESTS: Mapping[str, str] = {
    "killed": "the line process was killed (kill -9) with parts on the belt",
    "cable": "the cable to the remote I/O module was pulled with parts on the belt",
}


class Seen(Enum):
    """What happened then."""

    STOPPED = "stopped"
    DIVERTED = "diverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """``settings``: names the settings of gate and ejector that this was tried with."""

    tracking: str
    killed: str
    cable: str
    by: str
    at_utc: str
    settings: str
    note: str = ""


def settings_name(loaded: Loaded) -> str:
    """A short name for everything that the trial depends on: gate, wiring, ejector."""
    content = {"gate": loaded.settings.gate, "ejector": loaded.settings.ejector.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def record_path(loaded: Loaded) -> Path:
    """In the station's state, beside its book."""
    return loaded.path("data_dir") / loaded.name / RECORD_FILE


def write(loaded: Loaded, *, killed: Seen, cable: Seen, by: str, note: str, at: datetime) -> Record:
    """Write the record of a trial that was made now.

    Raises:
        ConfigError: no name, or nothing here needs the record, or the folder does not take it.
    """
    tracking = loaded.settings.tracking
    if not by.strip():
        raise ConfigError("--by is empty; the name of the person who made the trial is right")
    if tracking == "plc":
        raise ConfigError(
            f'{loaded.origin(("gate",))}: gate.tracking = "plc" needs no record: the PLC fires the ejector; '
            'set gate.tracking = "encoder" or "time" first'
        )
    record = Record(
        tracking=tracking,
        killed=killed.value,
        cable=cable.value,
        by=by.strip(),
        at_utc=at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        settings=settings_name(loaded),
        note=note.strip(),
    )
    path = record_path(loaded)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; the folder must belong to this user") from error
    return record


def read(loaded: Loaded) -> Record | None:
    """The record of this station; None if there is none.

    Raises:
        ConfigError: the file is no such record.
    """
    path = record_path(loaded)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}; make the trial again: {_how(loaded)}") from error
    try:
        return Record(**content)
    except TypeError as error:
        raise ConfigError(f"{path}: is no commissioning record; make the trial again: {_how(loaded)}") from error


def require(loaded: Loaded) -> Record | None:
    """The record that lets this station track by itself; None where the PLC does.

    Raises:
        ConfigError: it is missing, incomplete, or of other settings; says what to do.
    """
    tracking = loaded.settings.tracking
    if tracking == "plc":
        return None
    where = f'{loaded.origin(("gate", "tracking"))}: gate.tracking = "{tracking}"'
    record = read(loaded)
    if record is None:
        raise ConfigError(
            f"{where} is locked: a process that died fires no ejector, and nobody has recorded what this line does "
            f"then. Try both, with parts on the belt: {'; '.join(TESTS.values())}. If the belt stopped or the parts "
            f"were diverted each time: {_how(loaded)}"
        )
    known = {seen.value for seen in Seen}
    for test in TESTS:
        if getattr(record, test) not in known:
            raise ConfigError(
                f"{where} is locked: {record_path(loaded)} says {test} = {getattr(record, test)!r}; "
                f"{' or '.join(sorted(known))} would be right: {_how(loaded)}"
            )
    if (record.tracking, record.settings) != (tracking, settings_name(loaded)):
        raise ConfigError(
            f"{where} is locked: the trial of {record.at_utc} by {record.by} was made with other settings of [gate] or "
            f"[ejector]; make it again: {_how(loaded)}"
        )
    return record


def _how(loaded: Loaded) -> str:
    return (
        f"inspector commission record --station {loaded.name} --killed stopped|diverted --cable stopped|diverted "
        '--by "NAME"'
    )
