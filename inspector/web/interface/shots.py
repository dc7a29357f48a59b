"""Judges a picture once, for an engineer who asks: no part, no gate, no journal."""

import tempfile
from pathlib import Path

from fastapi import UploadFile

from inspector.domain.account import Access
from inspector.web.access import Here, Routes
from inspector.web.station import Json

ROUTES = Routes("inspect")
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


@ROUTES.post(
    "/api/inspect", Access.ENGINEER, responses={422: {"description": "the file is no picture that can be judged"}}
)
def inspect(visit: Here, picture: UploadFile) -> Json:
    """Judge one picture file by the station's recipe and model. The record says isSimulated; no gate is told."""
    suffix = Path(picture.filename or "").suffix.lower()
    with tempfile.TemporaryDirectory(prefix="inspector-shot-") as folder:
        path = Path(folder, f"picture{suffix if suffix in _SUFFIXES else '.png'}")
        with path.open("wb") as file:
            while chunk := picture.file.read(1 << 20):
                file.write(chunk)
        record = visit.station.inspect(path)
    return record | {"partId": picture.filename or ""}
