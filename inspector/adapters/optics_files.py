"""References of a station's optics as files in its folder: one a recipe, replaced whole."""

import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from inspector.domain.errors import JournalError
from inspector.ports.sight import Learned, Reference, Setup

SCHEMA = "inspector.optics/1"
_PICTURES = frozenset({"low", "high", "rough"})
_LEVELS = 256
_MOST_BYTES = 64 << 20


class OpticsFiles:
    """Fulfils ``ReferenceBook``: ``<folder>/<recipe>.npz`` holds the two pictures, and all figures as JSON."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, recipe: str) -> Path:
        """The file of this recipe."""
        return self._folder / f"{recipe}.npz"

    def read(self, recipe: str) -> Learned | None:
        """Read it; see ``ReferenceBook``."""
        path = self.path(recipe)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise JournalError(f"{path}: is larger than a reference can be; delete it, and learn a new one")
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
                about = json.loads(bytes(file["about"]).decode())
                return _learned(about, file["low"], file["high"], file["rough"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JournalError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise JournalError(
                f"{path}: is no reference of optics ({error}); delete it, and learn a new one"
            ) from error

    def keep(self, learned: Learned) -> None:
        """Write it; see ``ReferenceBook``."""
        path = self.path(learned.setup.recipe)
        reference = learned.reference
        figures = {key: value for key, value in _fields(reference).items() if key not in _PICTURES}
        about = {
            "schema": SCHEMA,
            "setup": asdict(learned.setup),
            "reference": figures,
            "learned_utc": learned.learned_utc.isoformat(),
            "by": learned.by,
        }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        packed = BytesIO()
        np.savez(packed, about=text, low=reference.low, high=reference.high, rough=reference.rough)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(packed.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise JournalError(f"{path}: cannot be written: {error.strerror or error}") from error


def _fields(reference: Reference) -> dict[str, Any]:
    return {name: getattr(reference, name) for name in Reference.__slots__}


def _learned(about: Mapping[str, Any], low: Any, high: Any, rough: Any) -> Learned:
    if about["schema"] != SCHEMA:
        raise ValueError(f"schema {about['schema']!r}, not {SCHEMA!r}")
    if low.ndim != 2 or low.shape != high.shape or low.dtype != np.float32 or high.dtype != np.float32:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"its pictures are {low.dtype} {low.shape} and {high.dtype} {high.shape}")
    if rough.shape != (_LEVELS,) or rough.dtype != np.float32:
        raise ValueError(f"its steps are {rough.dtype} {rough.shape}")
    figures: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in about["reference"].items()
    }
    return Learned(
        setup=Setup(**about["setup"]),
        reference=Reference(**figures, low=low, high=high, rough=rough),
        learned_utc=datetime.fromisoformat(about["learned_utc"]),
        by=str(about["by"]),
    )
