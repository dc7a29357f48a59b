"""Parts of the archive as rules are replayed over them."""

from collections.abc import Iterator
from typing import Protocol

from inspector.domain.inspection import Inspection
from inspector.domain.reviewing import SignedReview
from inspector.domain.whatif import JudgedPart


class PartArchive(Protocol):
    """Reads in pages of 200 rows, a short transaction each. May raise JournalError while it is walked."""

    def judged(self, limit: int) -> Iterator[JudgedPart]:
        """The newest parts, newest first, at most ``limit``."""
        ...

    def reviewed(self) -> Iterator[tuple[Inspection, SignedReview]]:
        """Every part with the review that counts, oldest first."""
        ...
