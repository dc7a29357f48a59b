"""Where pictures of parts stand."""

from collections.abc import Sequence
from typing import Protocol

from inspector.domain.frame import Frame
from inspector.domain.inspection import EvidenceRef
from inspector.domain.verdict import Defect


class Evidence(Protocol):
    """A folder of pictures beside the journal."""

    def put(self, frame: Frame, defects: Sequence[Defect], *, name: str, lossless: bool) -> EvidenceRef:
        """Keep the frame and one crop a defect under ``name``; a file is there whole or not at all.

        Raises:
            JournalError: the disk did not take it.
        """
        ...
