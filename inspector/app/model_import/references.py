"""Reference vectors of a package: what went into the model and what came out, to be met again on every PC."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.adapters.camera_folder.images import read_image
from inspector.app.model_import.listening import Listening
from inspector.app.model_import.parity import Difference, Example, Expected, compare
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Box
from inspector.pipeline.detect import Detector

FOLDER = "reference"
INDEX = "reference.json"
SCHEMA = "inspector.references/1"
_TOLERANCE = 1e-3
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """How a package does on its own reference vectors. ``same_input``: to the bit."""

    pictures: int
    same_input: bool
    most_output: float
    detections: Difference

    @property
    def fits(self) -> bool:
        """Whether this PC gives what was recorded."""
        return self.same_input and self.most_output <= _TOLERANCE and self.detections.fits


def pictures(paths: Sequence[Path]) -> list[Example]:
    """Examples from files; a drawn picture where there is none.

    Raises:
        ConfigError: a file is no usable picture.
    """
    examples = []
    for path in paths:
        try:
            pixels, pixel_format = read_image(path)
        except FrameError as error:
            raise ConfigError(f"--example {path}: {error}") from error
        examples.append(Example(name=path.name, pixels=pixels, pixel_format=pixel_format, expected=()))
    return examples or [_drawn()]


def _drawn() -> Example:
    light = np.random.default_rng(_SEED).normal(128, 12, (480, 640, 3)).clip(0, 255).astype(np.uint8)
    cv2.circle(light, (200, 160), 60, (40, 60, 200), cv2.FILLED)
    cv2.rectangle(light, (380, 240), (560, 400), (210, 190, 60), cv2.FILLED)
    cv2.line(light, (60, 420), (330, 300), (20, 20, 20), 3)
    return Example(name="drawn.png", pixels=light, pixel_format=PixelFormat.BGR8, expected=())


def write(folder: Path, detector: Detector, examples: Sequence[Example]) -> int:
    """Write pictures, first tensors, raw outputs and detections into ``folder``; gives how many detections."""
    (folder / FOLDER).mkdir()
    entries, count = [], 0
    for number, example in enumerate(examples):
        ears = Listening(detector.runtime)
        eye = Detector(card=detector.card, runtime=ears, decoder=detector.decoder)
        seen = eye.detect(example.pixels, example.pixel_format).detections
        assert ears.heard is not None  # noqa: S101 - a frame has at least one tile
        tensor, raw = ears.heard
        picture, arrays = f"{FOLDER}/{number:02}.png", f"{FOLDER}/{number:02}.npz"
        if not cv2.imwrite(str(folder / picture), example.pixels):
            raise ConfigError(f"{folder / picture}: could not be written; is the disk full?")
        names = [output.name for output in detector.card.outputs]
        np.savez_compressed(
            folder / arrays, allow_pickle=False, tensor=tensor, **{f"raw_{i}": array for i, array in enumerate(raw)}
        )
        entries.append(
            {
                "picture": picture,
                "source": example.name,
                "arrays": arrays,
                "outputs": names,
                "tensor_sha256": _digest(tensor),
                "detections": [
                    {
                        "label": one.label,
                        "score": one.score,
                        "box": [one.box.x, one.box.y, one.box.right, one.box.bottom],
                    }
                    for one in seen
                ],
            }
        )
        count += len(seen)
    index = {"schema": SCHEMA, "runtime": detector.runtime.description, "examples": entries}
    (folder / FOLDER / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return count


def meet(folder: Path, detector: Detector) -> Met:
    """Run the reference vectors again.

    Raises:
        ConfigError: the package has none, or they are damaged.
    """
    path = folder / FOLDER / INDEX
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["examples"]
        return _meet(folder, detector, entries)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: {error.strerror}; the package has no reference vectors: import it again") from error
    except (OSError, ValueError, KeyError, TypeError, FrameError) as error:
        raise ConfigError(f"{path}: is damaged: {error}; restore the package or import it again") from error


def _meet(folder: Path, detector: Detector, entries: Sequence[Any]) -> Met:
    same, most, examples = True, 0.0, []
    for entry in entries:
        pixels, pixel_format = read_image(folder / entry["picture"])
        ears = Listening(detector.runtime)
        Detector(card=detector.card, runtime=ears, decoder=detector.decoder).detect(pixels, pixel_format)
        assert ears.heard is not None  # noqa: S101 - a frame has at least one tile
        tensor, raw = ears.heard
        same = same and _digest(tensor) == entry["tensor_sha256"]
        with np.load(folder / entry["arrays"]) as arrays:
            known = [arrays[f"raw_{index}"] for index in range(len(raw))]
        most = max([most, *(_apart(was, now) for was, now in zip(known, raw, strict=True))])
        expected = tuple(_expected(one) for one in entry["detections"])
        examples.append(Example(name=entry["picture"], pixels=pixels, pixel_format=pixel_format, expected=expected))
    return Met(pictures=len(examples), same_input=same, most_output=most, detections=compare(detector, examples))


def _expected(one: Any) -> Expected:
    left, top, right, bottom = one["box"]
    return Expected(
        label=one["label"], score=one["score"], box=Box(x=left, y=top, width=right - left, height=bottom - top)
    )


def _apart(was: NDArray[Any], now: NDArray[Any]) -> float:
    """Largest difference, as a share of the larger of 1 and the largest number."""
    if was.shape != now.shape:
        return float("inf")
    if not was.size:
        return 0.0
    span = max(1.0, float(np.abs(was).max()))
    return float(np.abs(was.astype(np.float64) - now.astype(np.float64)).max()) / span


def _digest(tensor: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(tensor).tobytes()).hexdigest()
