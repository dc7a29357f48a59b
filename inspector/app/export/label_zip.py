"""Reviewed pictures and their labels as a zip file that is made while it is given."""

import csv
import io
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from inspector.app.export.labels import WRITERS, LabelledPicture, classes_of, content_of, labelled
from inspector.app.export.sought import is_sought
from inspector.ports.archive import PartArchive
from inspector.ports.history import PartSearch
from inspector.ports.labels import MOST_BYTES, MOST_PICTURES, TooManyError

_EARLIEST = 1980
"""No zip file knows an earlier year."""


class LabelZips:
    """Fulfils ``LabelDesk``. ``evidence``: the folder of the pictures."""

    def __init__(self, archive: PartArchive, evidence: Path) -> None:
        self._archive = archive
        self._evidence = evidence.resolve()
        self._giving = threading.Lock()

    def make(self, kind: str, sought: PartSearch) -> "LabelZip | None":
        """The reviewed parts sought. See ``LabelDesk``."""
        if not self._giving.acquire(blocking=False):
            return None
        with ExitStack() as ungiven:
            ungiven.callback(self._giving.release)
            pictures, total, left_out = self._chosen(sought)
            made = LabelZip(kind, pictures, total, left_out, evidence=self._evidence, done=self._giving.release)
            ungiven.pop_all()
            return made

    def _chosen(self, sought: PartSearch) -> tuple[Sequence[LabelledPicture], int, Counter[str]]:
        """The pictures, how many bytes they are, and the parts that have none for a reason."""
        left_out: Counter[str] = Counter()
        found: list[LabelledPicture] = []
        total = 0
        for inspection, signed in self._archive.reviewed():
            if not is_sought(inspection, signed.review, sought):
                continue
            picture = labelled(inspection, signed.review, left_out)
            if picture is None:
                continue
            try:
                total += (self._evidence / picture.evidence.path).stat().st_size
            except OSError:
                left_out["the picture is not there"] += 1
                continue
            found.append(picture)
            if len(found) > MOST_PICTURES or total > MOST_BYTES:
                raise TooManyError(
                    f"more than {MOST_PICTURES} pictures or {MOST_BYTES >> 20} MB: name a shorter time, a verdict "
                    "or a class of defect"
                )
        return found, total, left_out


class LabelZip:
    """Fulfils ``Bundle``. A picture is read, compared with its sha256 and given before the next one is read."""

    def __init__(
        self,
        kind: str,
        pictures: Sequence[LabelledPicture],
        picture_bytes: int,
        left_out: Counter[str],
        *,
        evidence: Path,
        done: Callable[[], None],
    ) -> None:
        self._kind = kind
        self._pictures = pictures
        self._picture_bytes = picture_bytes
        self._left_out = left_out
        self._evidence = evidence
        self._done: Callable[[], None] | None = done

    @property
    def pictures(self) -> int:
        """How many pictures it will hold, unless one proves to be another than was judged."""
        return len(self._pictures)

    @property
    def picture_bytes(self) -> int:
        """How many bytes of pictures."""
        return self._picture_bytes

    def pieces(self) -> Iterator[bytes]:
        """The file. See ``Bundle``. Labels come after the pictures: of those that are what was judged."""
        outlet, given = _Outlet(), list[LabelledPicture]()
        with zipfile.ZipFile(outlet, "w") as archive:
            for picture in self._pictures:
                content = content_of(picture, self._evidence, self._left_out)
                if content is None:
                    continue
                archive.writestr(_entry(f"images/{picture.name}", picture), content)
                given.append(picture)
                yield outlet.take()
            for name, content in self._labels(given):
                archive.writestr(name, content, compress_type=zipfile.ZIP_DEFLATED)
                yield outlet.take()
        yield outlet.take()

    def close(self) -> None:
        """Let the next one be made. See ``Bundle``."""
        if self._done is not None:
            self._done()
            self._done = None

    def _labels(self, given: Sequence[LabelledPicture]) -> Iterator[tuple[str, bytes]]:
        with tempfile.TemporaryDirectory(prefix="inspector-export-") as place:
            folder = Path(place)
            WRITERS[self._kind](folder, given, classes_of(given))
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                yield path.relative_to(folder).as_posix(), path.read_bytes()
        told = io.StringIO()
        rows = csv.writer(told)
        rows.writerow(("parts", "left_out_because"))
        rows.writerows((many, why) for why, many in sorted(self._left_out.items()))
        yield "left_out.csv", told.getvalue().encode()


class _Outlet(io.RawIOBase):
    """What the zip file is written to: held until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override] # all that zipfile gives
        self._held += piece
        return len(piece)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._held)
        self._held.clear()
        return taken


def _entry(name: str, picture: LabelledPicture) -> zipfile.ZipInfo:
    at = picture.inspection.created_utc
    moment = (max(at.year, _EARLIEST), at.month, at.day, at.hour, at.minute, at.second)
    return zipfile.ZipInfo(name, moment)
