"""What the user says of a model, and the usual ways to prepare a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.domain.errors import ConfigError

UNIT = 1.0 / 255.0
NORMALISATIONS: Mapping[str, tuple[float, tuple[float, ...], tuple[float, ...]]] = {
    "raw": (1.0, (), ()),
    "unit": (UNIT, (), ()),
    "imagenet": (UNIT, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "signed": (UNIT, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Scale, mean and deviation. raw: 0 to 255; unit: 0 to 1; imagenet: mean 0, deviation 1; signed: -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Options of ``inspector model import``; empty or None: not said."""

    labels: tuple[str, ...] = ()
    decoder: str = ""
    head: str = ""
    fit: str = ""
    size: tuple[int, int] | None = None
    overlap_px: int = 0
    normalise: str = ""
    colour: str = ""
    interpolation: str = ""
    sound_labels: tuple[str, ...] = ()
    floor: float | None = None


def read_size(text: str) -> tuple[int, int] | None:
    """``640`` or ``640x480`` as width and height; None for nothing.

    Raises:
        ConfigError: something else.
    """
    if not text:
        return None
    sides = text.lower().split("x")
    if len(sides) <= 2 and all(side.isdigit() and int(side) > 0 for side in sides):  # noqa: PLR2004 - W x H
        return int(sides[0]), int(sides[-1])
    raise ConfigError(f"--size {text!r}: a side in pixels or WIDTHxHEIGHT is right, e.g. 640 or 640x480")


def read_labels(given: str, file: Path | None) -> tuple[str, ...]:
    """Labels from ``--labels a,b,c`` or a file with one a line.

    Raises:
        ConfigError: the file cannot be read, or a label comes twice.
    """
    found: Sequence[str] = given.split(",") if given else []
    if file is not None:
        try:
            found = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--labels-file {file}: cannot be read: {error}; one label a line is right") from error
    labels = tuple(label.strip() for label in found if label.strip())
    if len(set(labels)) != len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        raise ConfigError(f"labels: {', '.join(twice)} is named more than once; each class has a name of its own")
    return labels
