"""The way from other processes to a running line: rows in the book that the line polls and answers with rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from inspector.domain.request import Answer, Request


class RequestBook(Protocol):
    """The line's side. Answers go through its pen (``Recorder.note``)."""

    def newest(self) -> int:
        """The number of the newest request of any station; 0 for none. Raises JournalError."""
        ...

    def asked(self, after: int) -> Sequence[Request]:
        """This station's requests with numbers above ``after``, oldest first, at most 200. Raises JournalError."""
        ...

    def unanswered(self) -> Sequence[Request]:
        """This station's requests that have no last answer, oldest first, at most 200. Raises JournalError."""
        ...


class RequestDesk(Protocol):
    """The side of those who ask."""

    def ask(self, kind: str, content: Mapping[str, Any], *, asked_by: str) -> int:
        """Write a request; give its number. Raises JournalError."""
        ...

    def answers(self, request: int, after: int = 0) -> Sequence[tuple[int, Answer]]:
        """What was answered since: (number of the answer, answer), oldest first, at most 200. Raises JournalError."""
        ...
