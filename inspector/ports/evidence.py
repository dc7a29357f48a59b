"""Where pictures of parts stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import Frame
from inspector.domain.inspection import EvidenceRef
from inspector.domain.verdict import Defect


class Evidence(Protocol):
    """A folder of pictures beside the journal."""

    def put(
        self,
        frame: Frame,
        defects: Sequence[Defect],
        *,
        name: str,
        lossless: bool,
        heat: NDArray[np.uint8] | None = None,
    ) -> EvidenceRef:
        """Keep the frame and one crop a defect under ``name``; a file is there whole or not at all.

        ``heat``: scores over the frame, 255 for 1; a few cells, stretched to it.

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


class PictureState(Enum):
    """Whether a stored picture is the one that was recorded."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture as it stands in the folder. ``content`` is "" and ``media_type`` too where it is missing.

    ``state``: of a whole picture, by its sha256; of a crop, by the digest in its name. A crop whose name has none, as
    once written, and a model's map are SOUND if they are there.
    """

    content: bytes
    media_type: str
    state: PictureState


class Pictures(Protocol):
    """Reads what ``Evidence`` wrote, for people. Any thread may call; a disk error counts as MISSING."""

    def whole(self, ref: EvidenceRef) -> StoredPicture:
        """The whole picture, as a browser shows it: JPEG or PNG, mosaics as colour, 16 bit as 8 bit."""
        ...

    def crop(self, ref: EvidenceRef, number: int) -> StoredPicture:
        """The crop of defect ``number``; ALTERED where it does not fit its name."""
        ...

    def heat(self, ref: EvidenceRef) -> StoredPicture:
        """The model's map as a picture to lay over the whole one, stretched to it: red where it was hot, else clear."""
        ...

    def state(self, ref: EvidenceRef) -> PictureState:
        """Whether the whole picture is the one that was recorded; its file is read."""
        ...
