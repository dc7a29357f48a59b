"""Chooses the runtime of each model, and remembers why: measured once for a PC, a model and a frame size."""

import hashlib
import json
import mmap
import platform
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from inspector.app.parts import Parts
from inspector.app.runtime_choice import trial
from inspector.app.runtime_choice.candidates import vendor_version
from inspector.app.runtime_choice.trial import Order, Shown, Trial
from inspector.ports.model import ModelCard

log = structlog.get_logger(__name__)

MARGIN = 0.03
"""Another runtime must be faster than the reference by this share."""
_TROUBLE_FOR = timedelta(days=1)
"""Trouble may be gone tomorrow: then it is measured again."""
_REMEMBERED = 64
_FILE = Path("cache") / "runtimes.json"


class Remembered(BaseModel):
    """One measurement, as it stands in the file. ``of``: everything it depends on, for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: dict[str, str]
    measured_utc: datetime
    trials: tuple[Trial, ...]


_BOOK = TypeAdapter(dict[str, Remembered])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The runtime for one model. ``words``: why, for people; ``measured``: now, not remembered."""

    kind: str
    words: str
    trials: tuple[Trial, ...]
    measured: bool


def file_of(parts: Parts) -> Path:
    """Where a station's measurements are remembered."""
    return parts.journal.parent / _FILE


def choose(parts: Parts, shown: Shown, stop: threading.Event) -> dict[str, Choice]:
    """The runtime of every model, measured now where it was not yet; ``stop`` ends a measurement."""
    return {name: _choose(parts, card, shown, stop) for name, card in parts.cards.items()}


def remembered(parts: Parts) -> dict[str, Remembered]:
    """What was measured for this station; nothing where the file is absent or is not ours."""
    path = file_of(parts)
    try:
        return _BOOK.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("runtime.forgotten", file=str(path), reason=str(error).splitlines()[0])
        return {}


def _choose(parts: Parts, card: ModelCard, shown: Shown, stop: threading.Event) -> Choice:
    if len(parts.runtimes) == 1:
        (kind,) = parts.runtimes
        return Choice(kind=kind, words=f"{kind}: no other is installed or set", trials=(), measured=False)
    of = _depends_on(parts, card, shown)
    key = hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]
    known = remembered(parts)
    entry = known.get(key)
    measured = entry is None or _stale(entry)
    if entry is None or measured:
        order = Order(
            package=card.path.parent,
            runtimes=trial.settings_by_kind(parts.runtimes),
            shown=shown,
            context=parts.context,
        )
        entry = Remembered(of=of, measured_utc=datetime.now(UTC), trials=trial.run(order, stop=stop))
        if not stop.is_set():
            _remember(parts, {**known, key: entry})
    kind, why = chosen(entry), words(entry)
    log.info("runtime.chosen", model=card.name, kind=kind, measured=measured, why=why)
    return Choice(kind=kind, words=why, trials=entry.trials, measured=measured)


def chosen(entry: Remembered) -> str:
    """The runtime that this measurement speaks for."""
    return trial.best(entry.trials, margin=MARGIN)


def words(entry: Remembered) -> str:
    """A measurement for people: "onnx 45.1 ms; openvino (chosen) 38.2 ms"."""
    kind = chosen(entry)
    return "; ".join(_words(one, chosen=one.kind == kind) for one in entry.trials)


def _words(one: Trial, *, chosen: bool) -> str:
    mark = " (chosen)" if chosen else ""
    if one.trouble:
        return f"{one.kind}{mark}: {' '.join(one.trouble.splitlines())}"
    return f"{one.kind}{mark} {one.median_ms:.1f} ms"


def _stale(entry: Remembered) -> bool:
    return any(one.trouble for one in entry.trials) and datetime.now(UTC) - entry.measured_utc > _TROUBLE_FOR


def _depends_on(parts: Parts, card: ModelCard, shown: Shown) -> dict[str, str]:
    """Everything that another measurement could come from."""
    return {
        "cpu": _cpu(),
        "model": card.sha256,
        "frame": f"{shown.width}x{shown.height} {shown.pixel_format.value}, strips {shown.strip_px}",
        "code": "may be made" if _may_make_code() else "may not be made",
        **{
            kind: f"{vendor_version(plugin)} {settings.model_dump_json()}"
            for kind, (plugin, settings) in parts.runtimes.items()
        },
    }


def _cpu() -> str:
    """The processor's name and what it can do, as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in told.items()}
    flags = hashlib.sha256(facts.get("flags", facts.get("Features", "")).encode()).hexdigest()[:8]
    cores = len({line for line in lines if line.startswith("processor")})
    return f"{facts.get('model name', platform.machine())} x{cores}, features {flags}"


def _may_make_code() -> bool:
    """Whether this process may run what it writes; MemoryDenyWriteExecute=yes forbids it."""
    try:
        with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
            return True
    except OSError:
        return False


def _remember(parts: Parts, entries: Mapping[str, Remembered]) -> None:
    """Write the file anew, the oldest measurements left out."""
    kept = dict(sorted(entries.items(), key=lambda pair: pair[1].measured_utc)[-_REMEMBERED:])
    path = file_of(parts)
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(_BOOK.dump_json(kept, indent=1))
        draft.replace(path)
    except OSError as error:
        log.warning("runtime.not_remembered", file=str(path), reason=error.strerror)


def as_json(choice: Choice) -> dict[str, Any]:
    """A choice for ``--json``."""
    return {"kind": choice.kind, "why": choice.words, "trials": [asdict(one) for one in choice.trials]}
