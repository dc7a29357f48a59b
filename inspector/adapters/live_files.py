"""The live picture as files beside the status file: a lease by who looks, pictures and figures by the line.

live.lease   who looks: {"monotonic", "crop", "whole"}, replaced each time; older than 3 s: nobody
live.jpg, live-crop.jpg, live-whole.png, live.json    the newest frame, the figures last; gone with the lease
"""

import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from inspector.ports.live_picture import LEASE_S, LiveFrame, Wish

log = structlog.get_logger(__name__)

_LEASE, _FIGURES = "live.lease", "live.json"
_SMALL, _CROP, _WHOLE = "live.jpg", "live-crop.jpg", "live-whole.png"
_MOST_BYTES = {_LEASE: 1 << 10, _FIGURES: 64 << 10, _SMALL: 8 << 20, _CROP: 8 << 20, _WHOLE: 128 << 20}
_FARTHEST_PX = 1 << 20


class StageFiles:
    """Fulfils ``LiveStage`` for the line of the station whose live files stand in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trouble = ""

    def wished(self) -> Wish | None:
        """What the newest lease says; one that is no lease is none."""
        content = _read(self._folder / _LEASE)
        try:
            lease = json.loads(content or b"{}")
            age_s = time.monotonic() - float(lease["monotonic"])
            crop = lease.get("crop")
            wish = Wish(crop=None if crop is None else _place(crop), whole=int(lease.get("whole", 0)))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None
        return wish if 0 <= age_s <= LEASE_S else None

    def show(self, frame: LiveFrame) -> None:
        """Pictures first: figures never speak of one that is not there."""
        files = {_SMALL: frame.small, _CROP: frame.crop, _WHOLE: frame.whole}
        figures = json.dumps({**frame.figures, "monotonic": time.monotonic()}).encode()
        try:
            for name, content in files.items():
                if content is not None:
                    _replace(self._folder / name, content)
            _replace(self._folder / _FIGURES, figures)
        except OSError as error:
            self._say(f"{self._folder}: {error.strerror}")
        else:
            self._say("")

    def clear(self) -> None:
        """No picture outlives its lease."""
        for name in (_FIGURES, _SMALL, _CROP, _WHOLE):
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def _say(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("live.unwritten", reason=trouble)
        self._trouble = trouble


class LiveFiles:
    """Fulfils ``LivePicture``. One for the process: what one person asks for, another does not take away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._crop: tuple[tuple[int, int] | None, float] = (None, 0.0)
        self._whole: tuple[int, float] = (0, 0.0)

    def look(self, wish: Wish) -> Mapping[str, Any] | None:
        """Renew the lease, and read the figures."""
        now = time.monotonic()
        with self._lock:
            if wish.crop is not None or now - self._crop[1] > LEASE_S:
                self._crop = (wish.crop, now)
            if wish.whole or now - self._whole[1] > LEASE_S:
                self._whole = (wish.whole, now)
            lease = {"monotonic": now, "crop": self._crop[0], "whole": self._whole[0]}
            with suppress(OSError):  # the line then shows nothing, and the page says so
                self._folder.mkdir(parents=True, exist_ok=True)
                _replace(self._folder / _LEASE, json.dumps(lease).encode())
        try:
            figures = json.loads(_read(self._folder / _FIGURES) or b"")
            age_s = time.monotonic() - float(figures["monotonic"])
        except (ValueError, KeyError, TypeError):
            return None
        return {**figures, "age_s": round(age_s, 1)} if age_s >= 0 else None

    def small(self) -> bytes | None:
        """The newest frame, made small."""
        return _read(self._folder / _SMALL)

    def crop(self) -> bytes | None:
        """The piece."""
        return _read(self._folder / _CROP)

    def whole(self) -> bytes | None:
        """The frame without loss."""
        return _read(self._folder / _WHOLE)


def _place(crop: Any) -> tuple[int, int]:
    x, y = (int(value) for value in crop)
    return min(max(x, 0), _FARTHEST_PX), min(max(y, 0), _FARTHEST_PX)


def _read(path: Path) -> bytes | None:
    """A file of ours; None: it is not there, or larger than it can be."""
    try:
        if path.stat().st_size > _MOST_BYTES[path.name]:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(content)
    draft.replace(path)
