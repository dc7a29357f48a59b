"""Draws the pictures that every peer learns from and predicts on: lines, spots and tiles on grain."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = ("line", "spot", "tile")
PREDICTED = 20
TRAINED = 200
SIZES = {
    "train": ((256, 320),),
    "good": ((256, 320),),
    "odd": ((300, 420), (500, 400), (256, 320), (700, 900)),
    "even": ((480, 640), (640, 480), (320, 320), (240, 320)),
    "camera": ((300, 420),),
}
"""Height and width. "good" are empty. Predicted on are "odd", "even" (they scale to 320 px without rounding) and
"camera", for exports that are right for pictures of one size only."""
_PREDICTED_ON = frozenset({"odd", "even", "camera"})
_TRIED = (8, 13)
"""Things put into a picture; one that would touch another is left out."""
_COLOURS = ((30, 30, 40), (60, 200, 230), (220, 90, 60))


def draw(folder: Path) -> None:
    """Write ``images/SPLIT/NNN.png``, ``labels/SPLIT/NNN.txt`` (outlines, as YOLO has them) and ``data.yaml``."""
    if (folder / "data.yaml").is_file():
        return
    for seed, (split, sizes) in enumerate(SIZES.items()):
        random = np.random.default_rng(seed)
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for number in range(PREDICTED if split in _PREDICTED_ON else TRAINED):
            height, width = sizes[number % len(sizes)]
            image, lines = _scene(random, height, width, empty=split == "good")
            cv2.imwrite(str(images / f"{number:03}.png"), image)
            (labels / f"{number:03}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    text = f"path: {folder.resolve()}\ntrain: images/train\nval: images/even\nnames: {json.dumps(list(NAMES))}\n"
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _scene(random: np.random.Generator, height: int, width: int, *, empty: bool) -> tuple[NDArray[np.uint8], list[str]]:
    grain = cv2.GaussianBlur(random.normal(128, 10, (height, width)).astype(np.float32), (0, 0), 1.2)
    grain = grain + np.linspace(-15, 15, width, dtype=np.float32)
    image = np.repeat(grain[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
    taken: NDArray[Any] = np.zeros((height, width), np.uint8)
    lines = []
    scale = height / SIZES["train"][0][0]
    for _ in range(0 if empty else int(random.integers(*_TRIED))):
        kind = int(random.integers(len(NAMES)))
        place = (random.uniform(30, width - 30), random.uniform(30, height - 30))
        outline = np.clip(_outline(random, kind, place, scale), 0, (width - 1, height - 1))
        corners = outline.round().astype(np.int32)
        own = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1)
        if (own & taken).any():
            continue
        taken = np.maximum(taken, cv2.dilate(own, np.ones((9, 9), np.uint8)))
        cv2.fillPoly(image, [corners], _COLOURS[kind], cv2.LINE_AA)
        lines.append(f"{kind} " + " ".join(f"{x / width:.5f} {y / height:.5f}" for x, y in outline.tolist()))
    noisy = image + random.normal(0, 4, image.shape)
    return noisy.clip(0, 255).astype(np.uint8), lines


def _outline(random: np.random.Generator, kind: int, place: tuple[float, float], scale: float) -> NDArray[np.float64]:
    if kind == 1:
        axes = [int(random.uniform(9, 20) * scale) for _ in range(2)]
        x, y = place
        ring = cv2.ellipse2Poly((int(x), int(y)), (axes[0], axes[1]), int(random.uniform(0, 180)), 0, 360, 15)
        return np.asarray(ring, np.float64)
    side = random.uniform(18, 34)
    wide, high = (random.uniform(40, 80), random.uniform(6, 10)) if kind == 0 else (side, side)
    return np.asarray(cv2.boxPoints((place, (wide * scale, high * scale), random.uniform(0, 180))), np.float64)


def boxes(labels: Path, height: int, width: int) -> tuple[list[list[float]], list[int]]:
    """Left, top, right, bottom and class of every outline in a label file, in pixels."""
    found, kinds = [], []
    for line in labels.read_text(encoding="utf-8").splitlines():
        kind, *numbers = line.split()
        points = np.array(numbers, np.float64).reshape(-1, 2) * (width, height)
        found.append([*points.min(axis=0).tolist(), *points.max(axis=0).tolist()])
        kinds.append(int(kind))
    return found, kinds
