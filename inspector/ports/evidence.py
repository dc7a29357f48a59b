"""Where pictures of parts stand."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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


class FrameFolder(Protocol):
    """A folder of frames that were collected, lossless."""

    def keep(self, frame: Frame, about: Mapping[str, Any]) -> str:
        """Keep the frame to the bit, and what ``about`` says of its part (JSON-ready); give the file's name.

        Raises:
            JournalError: the disk did not take it.
        """
        ...
