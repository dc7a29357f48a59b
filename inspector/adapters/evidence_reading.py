"""Reads stored pictures for people, and says whether they are what was recorded."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.crops import crop_of, fits_its_name
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import EvidenceRef
from inspector.ports.evidence import PictureState, StoredPicture

_MISSING = StoredPicture(content=b"", media_type="", state=PictureState.MISSING)
_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}
_QUALITY = 95
_DEMOSAIC = {
    PixelFormat.BAYER_RG8.value: cv2.COLOR_BayerRGGB2BGR,
    PixelFormat.BAYER_GR8.value: cv2.COLOR_BayerGRBG2BGR,
    PixelFormat.BAYER_GB8.value: cv2.COLOR_BayerGBRG2BGR,
    PixelFormat.BAYER_BG8.value: cv2.COLOR_BayerBGGR2BGR,
}


def _glow() -> NDArray[np.uint8]:
    """Blue, green, red and opacity of each score: clear for 0, amber in the middle, red for 1."""
    score = np.linspace(0.0, 1.0, 256)
    red = np.interp(score, (0.0, 0.5, 1.0), (242, 242, 210))
    green = np.interp(score, (0.0, 0.5, 1.0), (177, 177, 20))
    blue = np.interp(score, (0.0, 0.5, 1.0), (52, 52, 20))
    return np.stack([blue, green, red, 200 * score], axis=1).astype(np.uint8)


_GLOW = _glow()


class EvidenceReader:
    """Fulfils ``Pictures``. A path that leads out of the folder leads nowhere."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def whole(self, ref: EvidenceRef) -> StoredPicture:
        """The whole picture as a browser shows it. See ``Pictures``."""
        path, content = self._read(ref.path)
        if path is None:
            return _MISSING
        state = _state(content, ref)
        shown, media_type = _for_a_browser(path, content)
        return StoredPicture(content=shown, media_type=media_type, state=state)

    def crop(self, ref: EvidenceRef, number: int) -> StoredPicture:
        """The crop of one defect. See ``Pictures``."""
        name = crop_of(ref.crops, number)
        path, content = self._read(name) if name else (None, b"")
        if path is None:
            return _MISSING
        state = PictureState.SOUND if fits_its_name(name, content) else PictureState.ALTERED
        return StoredPicture(content=content, media_type=_TYPES[".jpg"], state=state)

    def heat(self, ref: EvidenceRef) -> StoredPicture:
        """The model's map to lay over the picture. See ``Pictures``."""
        path, content = self._read(ref.heat)
        scores = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
        if path is None or scores is None:
            return _MISSING
        shown = cv2.imencode(".png", _GLOW[scores])[1].tobytes()
        return StoredPicture(content=shown, media_type=_TYPES[".png"], state=PictureState.SOUND)

    def state(self, ref: EvidenceRef) -> PictureState:
        """Whether the whole picture is the one that was recorded. See ``Pictures``."""
        path, content = self._read(ref.path)
        return PictureState.MISSING if path is None else _state(content, ref)

    def _read(self, name: str) -> tuple[Path | None, bytes]:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or path.suffix not in _TYPES:
            return None, b""
        try:
            return path, path.read_bytes()
        except OSError:
            return None, b""


def _state(content: bytes, ref: EvidenceRef) -> PictureState:
    return PictureState.SOUND if hashlib.sha256(content).hexdigest() == ref.sha256 else PictureState.ALTERED


def _for_a_browser(path: Path, content: bytes) -> tuple[bytes, str]:
    """A mosaic becomes colour; all else a browser shows as it is."""
    mosaic = path.stem.rpartition(".")[2]
    if path.suffix == ".png" and mosaic in _DEMOSAIC:
        raw = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if raw is not None and raw.ndim == 2:  # noqa: PLR2004 - rows and columns
            colour = cv2.cvtColor(raw, _DEMOSAIC[mosaic])
            return cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes(), _TYPES[".jpg"]
    return content, _TYPES[path.suffix]
