"""Reviewed pictures with their labels, as one file for whoever trains on them."""

from collections.abc import Iterator
from typing import Protocol

from inspector.domain.errors import ConfigError
from inspector.ports.history import PartSearch

MOST_PICTURES = 5000
MOST_BYTES = 2 << 30


class TooManyError(ConfigError):
    """More pictures than ``MOST_PICTURES``, or more bytes of them than ``MOST_BYTES``: nothing is given."""


class Bundle(Protocol):
    """One zip file that is made while it is given: nothing of it stands on this PC's disk."""

    @property
    def pictures(self) -> int:
        """How many pictures it will hold, unless one proves to be another than was judged."""
        ...

    @property
    def picture_bytes(self) -> int:
        """How many bytes of pictures."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """The file, a picture at a time; to be walked once."""
        ...

    def close(self) -> None:
        """Let the next one be made, however far this one was given. May be called twice."""
        ...


class LabelDesk(Protocol):
    """Gives one bundle at a time. Any thread may call; may raise JournalError."""

    def make(self, kind: str, sought: PartSearch) -> Bundle | None:
        """The reviewed parts sought, as "coco", "yolo" or "cvat"; None while another one is being given.

        Raises:
            TooManyError: they are too many for one file.
        """
        ...
