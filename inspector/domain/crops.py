"""The names of crops: of which defect, and the digest of what is in the file."""

import hashlib
import re
from collections.abc import Iterable

_DIGITS = 16
_CROP = re.compile(rf"_d(?P<number>[0-9]+)(?:_(?P<digest>[0-9a-f]{{{_DIGITS}}}))?\.jpg\Z")


def crop_name(name: str, number: int, content: bytes) -> str:
    """What the crop of defect ``number`` is called, beside the picture ``name``."""
    return f"{name}_d{number}_{_digest(content)}.jpg"


def crop_of(crops: Iterable[str], number: int) -> str:
    """The crop of defect ``number`` among these; "" for none."""
    return next((crop for crop in crops if (found := _CROP.search(crop)) and int(found["number"]) == number), "")


def fits_its_name(crop: str, content: bytes) -> bool:
    """Whether the content is the one that the name tells; a name without a digest, as once written, tells none."""
    found = _CROP.search(crop)
    return found is None or found["digest"] in {None, _digest(content)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
