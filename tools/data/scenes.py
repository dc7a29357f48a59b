"""Write rendered parts as a data set: what the simulated line makes, with its truth, for the same evaluation."""

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from inspector.twin.scenes import DEFECT_LABELS, SceneSettings, render_mask
from tools.data import manifest

_COLUMNS = ("file", "mask", "split", "source", "good", "classes", "mask_kind", "licence", "sha256", "group")


def write_scenes(folder: Path, seeds: Iterable[int], settings: SceneSettings, *, split: str) -> int:
    """Render the parts of some seeds into ``folder``; give how many. An existing manifest is replaced."""
    rows = []
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        scene, mask = render_mask(seed, settings)
        image = f"images/twin__{seed:08d}.png"
        cv2.imwrite(str(folder / image), scene.pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        values = sorted(int(value) for value in np.unique(mask) if value)
        if values:
            cv2.imwrite(str(folder / f"masks/twin__{seed:08d}.png"), mask)
        rows.append(
            {
                "file": image,
                "mask": f"masks/twin__{seed:08d}.png" if values else "",
                "split": split,
                "source": "twin",
                "good": "0" if values else "1",
                "classes": "|".join(DEFECT_LABELS[value - 1] for value in values),
                "mask_kind": "pixel" if values else "good",
                "licence": "own",
                "sha256": hashlib.sha256((folder / image).read_bytes()).hexdigest(),
                "group": f"twin:{seed}",
            }
        )
    with (folder / manifest.FILE).open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
