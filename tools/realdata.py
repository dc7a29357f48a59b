"""Read the real pictures whose licence lets a shipped model be trained on them (CC BY-SA 4.0)."""

import csv
from pathlib import Path

import cv2
import numpy as np

from tools.plan import LABELS
from tools.scenebank import Picture, picture

SHIPPABLE = {"bsd": {3: LABELS.index("other") + 1}, "cookie": {}}
"""Source -> how its mask values are renamed.

The pits of bsd are no dents as a twin or a press makes them; they are learned as "other". A third source
with this licence (omu) has boxes only, and its pictures are all of cracked concrete: it is left out.
"""
_LICENCE = "CC-BY-SA-4.0"


def shippable_pictures(folder: Path, split: str, rng: np.random.Generator) -> list[Picture]:
    """Return the pictures of one split ("train" or "val") with a share-alike licence and pixel masks.

    Args:
        folder: holds ``manifest.csv``, ``images/`` and ``masks/``.
        split: as the manifest names it.
        rng: chooses the pixels that crops are centred on.
    """
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
        rows = [
            row
            for row in csv.DictReader(table)
            if row["split"] == split and row["source"] in SHIPPABLE and row["licence"] == _LICENCE
        ]
    pictures = []
    for row in rows:
        name = Path(row["file"]).name
        pixels = cv2.imread(str(folder / "images" / name), cv2.IMREAD_GRAYSCALE)
        mask = cv2.imread(str(folder / "masks" / f"{Path(name).stem}.png"), cv2.IMREAD_GRAYSCALE)
        if pixels is None or mask is None:
            raise ValueError(f"{name}: image or mask in {folder} cannot be read")
        renamed = np.asarray(mask, np.uint8).copy()
        for old, new in SHIPPABLE[row["source"]].items():
            renamed[mask == old] = new
        pictures.append(picture(np.asarray(pixels, np.uint8), renamed, rng))
    return pictures
