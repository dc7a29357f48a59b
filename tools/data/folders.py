"""Reads folders that label by their names: one folder a class, and MVTec-like train/test/ground_truth."""

from pathlib import Path

from inspector.domain.errors import FrameError
from tools.data.pictures import Picture, examine, examine_mask, images_in, set_aside
from tools.data.record import UNSTATED, Choice, Dataset, MaskKind, Record, Trouble

GOOD = frozenset({"good", "ok", "normal", "free"})
"""Names of folders whose pictures are good."""
_SPLITS = frozenset({"train", "val", "valid", "validation", "test"})


def is_mvtec(root: Path) -> bool:
    """Whether a folder has train/good and ground_truth."""
    return (root / "train" / "good").is_dir() and (root / "test").is_dir()


def is_classes(root: Path) -> bool:
    """Whether pictures stand in folders named after classes."""
    return any(path.parent != root for path in images_in(root)) if root.is_dir() else False


def read_mvtec(root: Path, choice: Choice) -> Dataset:
    """Read ``train/good``, ``test/CLASS`` and the masks ``ground_truth/CLASS/NAME_mask.png``."""
    records: list[Record] = []
    troubles: list[Trouble] = []
    for path in images_in(root):
        parts = path.relative_to(root).parts
        if len(parts) != 3 or parts[0] == "ground_truth":  # noqa: PLR2004 - split, class, file
            continue
        split, label = parts[0], parts[1]
        if not choice.wants(split=split, source=root.name, licence=UNSTATED):
            continue
        with set_aside(troubles, path):
            picture = examine(path)
            mask = None if label in GOOD else _ground_truth(root, path, label, picture)
            records.append(_record(root, path, picture, label=label, split=split, mask=mask))
    return _dataset(root, "mvtec", records, troubles)


def _ground_truth(root: Path, path: Path, label: str, picture: Picture) -> Path | None:
    """Find the mask of a defective picture; without any ground_truth folder labels are for whole pictures."""
    if not (root / "ground_truth").is_dir():
        return None
    mask = root / "ground_truth" / label / f"{path.stem}_mask.png"
    if not examine_mask(mask, picture, 1).any():
        raise FrameError(f"the mask {mask.name} is empty, but the picture stands under {label!r}")
    return mask


def read_classes(root: Path, choice: Choice) -> Dataset:
    """Read ``[SPLIT/]CLASS/FILE``; folders named good, ok, normal or free hold the good ones."""
    records: list[Record] = []
    troubles: list[Trouble] = []
    for path in images_in(root):
        folders = path.relative_to(root).parts[:-1]
        split = next((part for part in folders if part.lower() in _SPLITS), "")
        named = [part for part in folders if part != split]
        if not choice.wants(split=split, source=root.name, licence=UNSTATED):
            continue
        if not named:
            troubles.append(Trouble(path=path, reason="stands in no class folder"))
            continue
        with set_aside(troubles, path):
            records.append(_record(root, path, examine(path), label=named[-1], split=split, mask=None))
    return _dataset(root, "folders", records, troubles)


def _record(root: Path, path: Path, picture: Picture, *, label: str, split: str, mask: Path | None) -> Record:
    good = label.lower() in GOOD
    kind = MaskKind.GOOD if good else MaskKind.PIXEL if mask is not None else MaskKind.IMAGE
    return Record(
        id="/".join(path.relative_to(root).with_suffix("").parts),
        image=path,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=good,
        classes=() if good else (label,),
        mask_kind=kind,
        mask=mask,
        mask_labels=() if mask is None else (label,),
        source=root.name,
        split=split,
    )


def _dataset(root: Path, layout: str, records: list[Record], troubles: list[Trouble]) -> Dataset:
    labels = tuple(sorted({label for record in records for label in record.classes}))
    return Dataset(
        name=root.name, root=root, layout=layout, labels=labels, records=tuple(records), troubles=tuple(troubles)
    )
