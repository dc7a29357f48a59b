"""The nouns of a data set: one record a picture, whatever layout it came from."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from inspector.domain.geometry import Box, Polygon

UNSTATED = "unstated"
"""The licence of a picture that nobody gave one."""


class MaskKind(Enum):
    """What a record's truth is good for. Only PIXEL may be scored pixel by pixel."""

    PIXEL = "pixel"
    DERIVED = "derived-threshold"
    BOXES = "box-fill"
    IMAGE = "image"
    GOOD = "good"

    @property
    def has_pixels(self) -> bool:
        """Whether every pixel's truth is known: the authors' own mask, or no defect at all."""
        return self in {MaskKind.PIXEL, MaskKind.GOOD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One labelled defect. Its pixels, where known, are outlines or a run-length code (COCO, column by column)."""

    label: str
    box: Box
    outlines: tuple[Polygon, ...] = ()
    runs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One picture and what is known of it.

    ``mask``: a file of the picture's size; value v means ``mask_labels[v - 1]``, and with a single label every
    value above 0 means it. ``group``: pictures of one part, or of one strip; never split. ``split``: as the
    source names it, "" where it names none.
    """

    id: str
    image: Path
    width: int
    height: int
    sha256: str
    good: bool
    classes: tuple[str, ...]
    mask_kind: MaskKind
    marks: tuple[Mark, ...] = ()
    mask: Path | None = None
    mask_labels: tuple[str, ...] = ()
    group: str = ""
    source: str = ""
    licence: str = UNSTATED
    split: str = ""

    @property
    def megapixels(self) -> float:
        """The picture's size."""
        return self.width * self.height / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A picture that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a folder gave: the records that can be used, and what could not be used."""

    name: str
    root: Path
    layout: str
    labels: tuple[str, ...]
    records: tuple[Record, ...]
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which pictures are wanted; empty means all. Pictures that are not are neither opened nor counted."""

    splits: Collection[str] = ()
    sources: Collection[str] = ()
    shippable: bool = False

    def wants(self, *, split: str, source: str, licence: str) -> bool:
        """Whether a picture is asked for."""
        return (
            (not self.splits or split in self.splits)
            and (not self.sources or source in self.sources)
            and (not self.shippable or is_shippable(licence))
        )


_SHIPPABLE = (
    "apache-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "mit",
    "mit-0",
    "own",
    "pddl-1.0",
    "public-domain",
)


def is_shippable(licence: str) -> bool:
    """Whether a model trained on pictures of this licence may be sold. What is not known to allow it does not."""
    return licence.strip().lower().replace(" ", "-") in _SHIPPABLE
