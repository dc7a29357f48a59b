"""Which file comes next: a folder read once, round and round, or watched for new ones."""

import math
import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from inspector.adapters.camera_folder.images import SUFFIXES, WITHOUT_END, is_whole
from inspector.domain.errors import DeviceError

log = structlog.get_logger(__name__)

_POLL_S = 0.05
_DIGITS = re.compile(r"(\d+)")
NO_LONGER_THERE = "the folder is gone or cannot be read: {reason}; put it back or set another camera.path"


Signature = tuple[int, int, int]
"""Inode, time of the last write, and size: another one is another picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file whose turn it is. ``taken_at``: when it came, or the moment it was asked for (monotonic seconds)."""

    path: Path
    taken_at: float


class Files(Protocol):
    """Names files one after the other."""

    def next(self, timeout_s: float) -> Found:
        """Give the next file.

        Raises:
            DeviceError: there is none (``lost`` False: not in time, or all were read), or the folder is gone.
        """
        ...

    def flush(self) -> None:
        """Forget files that came before this call, where files come by themselves."""
        ...


def natural(path: Path) -> tuple[tuple[int, str, int], ...]:
    """A sort key that puts ``part9`` before ``part10``."""
    return tuple(
        (0, "", int(piece)) if piece.isdigit() else (1, piece.casefold(), 0)
        for piece in _DIGITS.split(path.name)
        if piece
    )


def images_in(folder: Path) -> list[Path]:
    """Image files of the folder itself, in natural order; hidden ones (half-written, by custom) left out.

    Raises:
        DeviceError: the folder is gone.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    except OSError as error:
        raise DeviceError(f"camera folder {folder}", NO_LONGER_THERE.format(reason=error.strerror)) from error
    return sorted(found, key=natural)


class Once:
    """The files that are there at the opening, each once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = deque(images_in(folder))
        self._given = 0

    def next(self, timeout_s: float) -> Found:  # noqa: ARG002 - a file that is there needs no waiting
        """The next file; at the end a DeviceError that no reopening helps."""
        if not self._left:
            told = f"folder read, {self._given} file(s)"
            raise DeviceError(f"camera folder {self._folder}", told, retry=False, lost=False)
        if not self._folder.is_dir():
            images_in(self._folder)
        self._given += 1
        return Found(path=self._left.popleft(), taken_at=time.monotonic())

    def flush(self) -> None:
        """Files do not age."""


class Loop:
    """The files of the folder, round and round; each lap takes what is there then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left: deque[Path] = deque()

    def next(self, timeout_s: float) -> Found:  # noqa: ARG002 - a file that is there needs no waiting
        """The next file of this lap, or the first of the next."""
        if not self._left or not self._folder.is_dir():
            self._left = deque(images_in(self._folder))
        if not self._left:
            raise DeviceError(f"camera folder {self._folder}", "there is no image in the folder; put some there")
        return Found(path=self._left.popleft(), taken_at=time.monotonic())

    def flush(self) -> None:
        """Files do not age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Growing:
    """A file that is not known to be whole: as it stood last, since when, and when it came."""

    signature: Signature
    since: float
    arrived_at: float


class Watch:
    """Files that arrive after the opening (or are there, with ``include_present``), each once, oldest first.

    A file is given once its container is whole, or has not grown for ``settle_s``: what is still bad then is
    a bad image. The same name with new content is a new file. State is kept in memory only.

    When a file came is told by the time its inode changed last (it was written, or renamed into the folder), held
    between the last look that did not see it and the first that did: so a clock that is off (a share's) is bounded
    by the pace of the looks.
    """

    def __init__(self, folder: Path, *, settle_s: float, include_present: bool) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._seen: dict[Path, Signature] = {}
        self._growing: dict[Path, _Growing] = {}
        self._ready: deque[Found] = deque()
        self._looked_at = -math.inf
        self._include_present = include_present
        if not include_present:
            self.flush()
            self._say_what_is_left()

    def next(self, timeout_s: float) -> Found:
        """Wait for the next new file."""
        deadline = time.monotonic() + timeout_s
        while not self._ready:
            self._look()
            if self._ready:
                break
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeviceError(f"camera folder {self._folder}", f"no new file within {timeout_s:g} s", lost=False)
            time.sleep(min(_POLL_S, left))
        return self._ready.popleft()

    def flush(self) -> None:
        """Everything that is there now is old; with ``include_present`` nothing is: it is yet to be judged."""
        if self._include_present:
            return
        looked_at = time.monotonic()
        self._seen = {path: signature for path, signature, _ in _signed(images_in(self._folder))}
        self._looked_at = looked_at
        self._ready.clear()
        self._growing.clear()

    def _say_what_is_left(self) -> None:
        if self._seen:
            newest = max(self._seen, key=lambda path: (self._seen[path][1], natural(path)))
            log.warning(
                "camera.left_alone",
                device=f"camera folder {self._folder}",
                count=len(self._seen),
                newest=newest.name,
                why="there before the start; set move_done to have them judged",
            )

    def _look(self) -> None:
        now = time.monotonic()
        present = {path: (signature, came) for path, signature, came in _signed(images_in(self._folder))}
        self._seen = {path: signature for path, signature in self._seen.items() if path in present}
        growing: dict[Path, _Growing] = {}
        arrived: list[Found] = []
        for path, (signature, came) in present.items():
            if self._seen.get(path) == signature:
                continue
            known = self._growing.get(path)
            arrived_at = known.arrived_at if known else max(self._looked_at, min(came, now))
            same = known is not None and known.signature == signature
            since = known.since if known is not None and same else now
            if now - since >= self._settle_s or (not same and _ends_well(path, signature)):
                self._seen[path] = signature
                arrived.append(Found(path=path, taken_at=arrived_at))
            else:
                growing[path] = _Growing(signature=signature, since=since, arrived_at=arrived_at)
        self._growing = growing
        self._looked_at = now
        self._ready.extend(sorted(arrived, key=lambda one: (one.taken_at, present[one.path][0][1], natural(one.path))))


def signature_of(path: Path) -> Signature | None:
    """How the file stands now; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _signed(paths: Iterable[Path]) -> Iterable[tuple[Path, Signature, float]]:
    """Path, signature, and when its inode changed last, in monotonic seconds."""
    to_monotonic = time.monotonic() - time.time()
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:  # renamed or taken away between listing and looking
            continue
        yield path, (status.st_ino, status.st_mtime_ns, status.st_size), status.st_ctime + to_monotonic


def _ends_well(path: Path, signature: Signature) -> bool:
    """Whether a file that was never seen before is whole already: it was renamed into the folder, or written at once.

    TIFF and DICOM have no end mark, so only time tells. A file that was written to since it was signed is looked at
    again: it would else be given a second time, under its new signature.
    """
    try:
        whole = path.suffix.lower() not in WITHOUT_END and is_whole(path.read_bytes())
    except OSError:
        return False
    return whole and signature_of(path) == signature
