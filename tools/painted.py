"""Recall of painted cracks by width and contrast: ``python -m tools.painted --model M --data DIR --source S``.

Cracks are painted on good pictures that the model has not seen, and looked for at the threshold that lets at most
``--false-per-mp`` false pieces a megapixel fire on the clean ones. A regression test of what a net can resolve,
never evidence that it finds real cracks.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.adapters.camera_folder.images import read_image
from inspector.domain.errors import ConfigError
from inspector.pipeline import preprocess
from tools.data.reading import read
from tools.data.record import Choice, MaskKind, Record
from tools.evaluation.looking import Eye, open_eye
from tools.evaluation.table import THRESHOLDS
from tools.metrics.components import TrueCells, compare, true_cells
from tools.training.painter import CrackStyle, paint_crack

SCHEMA = "inspector.painted/1"
WIDTHS_PX = (1.0, 2.0, 3.0)
CONTRASTS = (10.0, 20.0, 40.0)
LENGTH_PX = (40.0, 120.0)
_EX_CONFIG = 78
_LEAST_BOXED = 60
"""Cracks of each width and contrast, at least; every picture bears as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One width and contrast: how many cracks were found of how many."""

    width_px: float
    contrast: float
    found: int
    painted: int


def clean(eye: Eye, goods: Sequence[Record], false_per_mp: float) -> tuple[float, dict[str, Any]]:
    """Return the lowest threshold with at most the allowed false pieces on the clean pictures, and the counts."""
    counts = np.zeros(len(THRESHOLDS), np.int64)
    for record in goods:
        scores = eye.look(record).scores
        truth = _nothing(scores.shape[1:])
        for index, threshold in enumerate(THRESHOLDS):
            if threshold > scores.max():
                break
            counts[index] += len(compare(scores, truth, float(threshold)).piece_right)
    area = sum(record.megapixels for record in goods)
    allowed = int(np.floor(false_per_mp * area + 1e-9))
    too_many = np.flatnonzero(counts > allowed)
    index = min(int(too_many.max(initial=-1)) + 1, len(THRESHOLDS) - 1)
    told = {"clean_pictures": len(goods), "clean_megapixels": round(area, 2), "false_pieces_allowed": allowed}
    return float(THRESHOLDS[index]), {**told, "false_pieces": int(counts[index])}


def _nothing(cells: tuple[int, ...]) -> TrueCells:
    return true_cells(np.zeros((cells[0] * 8, cells[1] * 8), np.uint8), 8, 1)


def boxes(eye: Eye, goods: Sequence[Record], threshold: float, seed: int) -> Iterator[Box]:
    """Paint and look, one width and contrast after the other."""
    each = -(-_LEAST_BOXED // len(goods))
    crack = eye.card.labels.index("crack") if "crack" in eye.card.labels else 0
    for width in WIDTHS_PX:
        for contrast in CONTRASTS:
            rng = np.random.default_rng([seed, int(width), int(contrast)])
            style = CrackStyle(widths_px=(width,), contrast=(contrast, contrast), length_px=LENGTH_PX)
            hits = [
                hit
                for record in goods
                for hit in _found(eye, record, [(rng, style)] * each, threshold=threshold, crack=crack)
            ]
            yield Box(width_px=width, contrast=contrast, found=sum(hits), painted=len(hits))


def _found(
    eye: Eye,
    record: Record,
    styles: Sequence[tuple[np.random.Generator, CrackStyle]],
    *,
    threshold: float,
    crack: int,
) -> Iterator[bool]:
    """Whether each of some cracks, painted one at a time on this picture, is found."""
    pixels, pixel_format = read_image(record.image)
    light: NDArray[np.uint8] = np.array(preprocess.grey(pixels, pixel_format))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painted.png"
        for rng, style in styles:
            painted, mask = paint_crack(rng, light, style)
            cv2.imwrite(str(path), painted, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            scores = eye.look(_record(path, record)).scores
            truth = true_cells(mask.astype(np.uint8) * (crack + 1), 8, len(eye.card.labels))
            yield bool(compare(scores, truth, threshold).found.any())


def _record(path: Path, like: Record) -> Record:
    return Record(
        id=like.id,
        image=path,
        width=like.width,
        height=like.height,
        sha256="",
        good=False,
        classes=("crack",),
        mask_kind=MaskKind.PIXEL,
        source=like.source,
    )


def _calmest(eye: Eye, goods: Sequence[Record], drop: int) -> tuple[Sequence[Record], list[str]]:
    """Drop the pictures with the strongest alarms. The net itself chooses them: said beside every figure."""
    if not drop:
        return goods, []
    alarms = {record.id: float(eye.look(record).scores.max()) for record in goods}
    loud = sorted(alarms, key=lambda name: -alarms[name])[:drop]
    return [record for record in goods if record.id not in loud], loud


def measure(model: Path, goods: Sequence[Record], *, false_per_mp: float, seed: int, drop: int = 0) -> dict[str, Any]:
    """Return the threshold, the counts behind it and every box; without the ``drop`` pictures that alarm most.

    Raises:
        ConfigError: no good picture to paint on, or no such model.
    """
    if not goods:
        raise ConfigError("no good picture among those chosen to paint on")
    with open_eye(model) as eye:
        goods, left_out = _calmest(eye, goods, drop)
        threshold, counts = clean(eye, goods, false_per_mp)
        found = list(boxes(eye, goods, threshold, seed))
        return {
            "schema": SCHEMA,
            "model": {"name": eye.card.name, "version": eye.card.version, "sha256": eye.card.sha256},
            "false_per_mp": false_per_mp,
            "threshold": round(threshold, 4),
            "seed": seed,
            "left_out": left_out,
            "length_px": LENGTH_PX,
            **counts,
            "recall": {
                f"w{box.width_px:.0f}c{box.contrast:.0f}": {
                    "value": round(box.found / box.painted, 4),
                    "found": box.found,
                    "painted": box.painted,
                }
                for box in found
            },
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, paint, look, print."""
    parser = argparse.ArgumentParser(prog="python -m tools.painted", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--false-per-mp", type=float, default=0.1)
    parser.add_argument(
        "--drop", type=int, default=0, metavar="N",
        help="leave out the N good pictures with the strongest alarms, where looking showed real marks on them",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        records = read(asked.data, Choice(splits=asked.split, sources=asked.source)).records
        goods = [record for record in records if record.good]
        found = measure(asked.model, goods, false_per_mp=asked.false_per_mp, seed=asked.seed, drop=asked.drop)
    except ConfigError as error:
        print(f"tools.painted: {error}", file=sys.stderr)
        raise SystemExit(_EX_CONFIG) from error
    found["data"] = "/".join([*asked.source, *asked.split])
    text = json.dumps(found, indent=1)
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")
    if asked.json:
        print(text)
        return
    print(f"threshold {found['threshold']}: {found['false_pieces']} false pieces on {found['clean_megapixels']} MP")
    for name, box in found["recall"].items():
        print(f"{name:8} {box['value']:.3f}  ({box['found']} of {box['painted']})")


if __name__ == "__main__":
    main()
