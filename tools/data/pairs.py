"""Reads folders in which ``NAME_mask.png`` stands beside ``NAME.png``; an all-0 mask says that it is good."""

from pathlib import Path

import numpy as np

from tools.data.manifest import labels_of
from tools.data.pictures import examine, examine_mask, images_in, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, MaskKind, Record, Trouble

_SUFFIX = "_mask"


def is_here(root: Path) -> bool:
    """Whether a folder has this layout."""
    return root.is_dir() and any(_picture_of(path) is not None for path in root.glob(f"*{_SUFFIX}.png"))


def _picture_of(mask: Path) -> Path | None:
    stem = mask.stem.removesuffix(_SUFFIX)
    return next((path for path in mask.parent.glob(f"{stem}.*") if path in images_in(mask.parent)), None)


def read(root: Path, choice: Choice) -> Dataset:
    """Read every picture; mask values are those of ``labels.txt``, or crack, scratch, dent, stain, other."""
    labels = labels_of(root)
    records: list[Record] = []
    troubles: list[Trouble] = []
    for path in images_in(root):
        if path.stem.endswith(_SUFFIX) or not choice.wants(split="", source=root.name, licence=UNSTATED):
            continue
        with set_aside(troubles, path):
            records.append(_record(root, path, labels))
    return Dataset(
        name=root.name, root=root, layout="pairs", labels=labels, records=tuple(records), troubles=tuple(troubles)
    )


def _record(root: Path, path: Path, labels: tuple[str, ...]) -> Record:
    picture = examine(path)
    mask = path.with_name(f"{path.stem}{_SUFFIX}.png")
    values = set(np.unique(examine_mask(mask, picture, len(labels))).tolist()) - {0}
    classes = labels if len(labels) == 1 and values else tuple(labels[value - 1] for value in sorted(values))
    return Record(
        id=path.stem,
        image=path,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=not classes,
        classes=classes,
        mask_kind=MaskKind.PIXEL if classes else MaskKind.GOOD,
        mask=mask if classes else None,
        mask_labels=labels if classes else (),
        source=root.name,
    )
