"""Measure teaching on real pictures: AUROC with its controls, the achieved false-reject rate, counts and seeds.

    python -m tools.teach_eval --data REAL [--sets mt,ksdd,cookie] [--seeds 3] [--json]

Each row teaches from ``n`` good pictures drawn by a seed and tests on pictures that were not taught, through the
product's own eyes. The score of a picture is its strongest cell, which is what the line rejects by.
- ``removed``: AUROC with the defect (dilated by one cell) taken out of the map; what is left of the AUROC is a cue of
  the data set. ``hit``: how often the strongest cell of a bad picture lies on the defect; ``chance``: by area.
- ``frr``: share of unseen good pictures above the limit. ``recall``: share of bad pictures above it.
"""

import argparse
import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.app.teach import graph
from inspector.app.teach.edge import softened
from inspector.app.teach.eyes import Eyes, load_backbone, open_eyes, within_margin
from inspector.app.teach.gaussian import Floats, Gaussian, Sums, total
from inspector.app.teach.lesson import FLIPPED_BELOW, Seen, distances, leave_one_out
from inspector.app.teach.limit import prediction_limit
from inspector.app.teach.scale import FULL, HALF, SMALL_PX

SIZES: Mapping[str, tuple[int, ...]] = {"mt": (5, 20, 50, 336), "ksdd": (5, 20), "cookie": (5, 10), "bsd": (5, 20, 50)}
POOLS: Mapping[str, int] = {"ksdd": 25, "cookie": 10, "bsd": 50}
"""Sets whose good pictures are too few for their own val list: this many, drawn anew by every seed, may be taught."""
PROMISES = (0.05, 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture of the data set, seen. ``pixels``: of a good one. ``mask``: a flag for each cell."""

    name: str
    part: str
    split: str
    good: bool
    label: str
    cells: Floats
    sums: Sums
    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One teaching, tested."""

    source: str
    scale: float
    protocol: str
    n: int
    seed: int
    good: int
    bad: int
    auroc: float
    removed: float
    hit: float
    chance: float
    frr: Mapping[str, float]
    recall: Mapping[str, float]


def load(folder: Path, source: str, eyes: Eyes) -> list[Shown]:
    """See all pictures of one source."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["source"] == source]
    return [_shown(folder, row, eyes) for row in rows]


def _shown(folder: Path, row: Mapping[str, str], eyes: Eyes) -> Shown:
    image = np.asarray(cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE), np.uint8)
    good = row["good"] == "1"
    full = eyes.see(image)
    cells = within_margin(full)
    sums = Sums.of(cells.reshape(-1, cells.shape[2]))
    mask = np.zeros(cells.shape[:2], np.bool_)
    if not good:
        truth: NDArray[np.bool_] = np.asarray(cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE), np.uint8) > 0
        side = eyes.cell_px
        grid = np.zeros((full.shape[0] * side, full.shape[1] * side), np.bool_)
        grid[: truth.shape[0], : truth.shape[1]] = truth
        hit = grid.reshape(full.shape[0], side, full.shape[1], side).max(axis=(1, 3))
        mask = within_margin(hit[..., None].astype(np.float32))[..., 0] > 0
    name = Path(row["file"]).stem
    return Shown(
        name=name,
        part=part_of(source=row["source"], name=name),
        split=row["split"],
        good=good,
        label=row["classes"],
        cells=cells,
        sums=sums,
        pixels=image if good else image[:0],
        mask=mask,
    )


def with_mirrors(one: Shown, eyes: Eyes) -> Sums:
    """What a good picture and its mirror images add to the sums, as teaching has it where pictures are few."""
    sums = one.sums
    for flipped in (one.pixels[:, ::-1], one.pixels[::-1], one.pixels[::-1, ::-1]):
        seen = within_margin(eyes.see(np.ascontiguousarray(flipped)))
        sums += Sums.of(seen.reshape(-1, seen.shape[2]))
    return sums


def part_of(*, source: str, name: str) -> str:
    """Which part a picture shows: several exposures of one part are never taught and tested."""
    if source == "mt":
        found = re.search(r"num_(\d+)", name)
        return found.group(1) if found else name
    return name.split("_")[2] if source == "ksdd" else name


def draw(shown: Sequence[Shown], source: str, protocol: str, n: int, seed: int) -> tuple[list[Shown], list[Shown]]:
    """The pictures to teach, and those to test on.

    ``cv``: both from the train list. ``val``: taught from the train list, tested on the val list. ``all``: the good
    pictures of the val list (or of those not drawn, where ``POOLS`` says so) and every bad picture.
    """
    rng = np.random.default_rng(seed)
    good = [one for one in shown if one.good]
    if protocol == "all" and source in POOLS:
        order = [good[index] for index in rng.permutation(len(good))]
        taught, rest = order[: min(n, POOLS[source])], order[POOLS[source] :]
        return taught, [*rest, *(one for one in shown if not one.good)]
    train = [one for one in good if one.split == "train"]
    taught = [train[index] for index in rng.permutation(len(train))[:n]]
    parts = {one.part for one in taught}
    if protocol == "cv":
        return taught, [one for one in shown if one.split == "train" and one.part not in parts]
    bad_splits = {"val"} if protocol == "val" else {"train", "val"}
    return taught, [one for one in shown if (one.split == "val" if one.good else one.split in bad_splits)]


def measure(
    shown: Sequence[Shown], eyes: Eyes, mirrors: dict[str, Sums], source: str, protocol: str, n: int, seed: int
) -> Row:
    """Teach once, test once. ``mirrors``: sums with the mirror images of those pictures that needed them so far."""
    taught, tested = draw(shown, source, protocol, n, seed)
    few = len(taught) < FLIPPED_BELOW
    if few:
        mirrors |= {one.name: with_mirrors(one, eyes) for one in taught if one.name not in mirrors}
    seen = [
        Seen(path=Path(one.name), shape=(0, 0), cells=one.cells, sums=mirrors[one.name] if few else one.sums)
        for one in taught
    ]
    gaussian = Gaussian.fit(total([one.sums for one in seen]))
    scores, gain = leave_one_out(seen)
    maps = {id(one): softened(distances(gaussian, one.cells), gain) for one in tested}
    good = np.array([maps[id(one)].max() for one in tested if one.good])
    bad = [one for one in tested if not one.good]
    found = np.array([maps[id(one)].max() for one in bad])
    near = [np.asarray(cv2.dilate(one.mask.astype(np.uint8), np.ones((3, 3), np.uint8))) > 0 for one in bad]
    rest = np.array([_left(maps[id(one)], on) for one, on in zip(bad, near, strict=True)])
    hits = [on.ravel()[maps[id(one)].argmax()] for one, on in zip(bad, near, strict=True) if on.any()]
    limits = {f"{promise:g}": prediction_limit(scores, promise).value for promise in PROMISES}
    return Row(
        source=source,
        scale=graph.CELL_PX / eyes.cell_px,
        protocol=protocol,
        n=len(taught),
        seed=seed,
        good=len(good),
        bad=len(found),
        auroc=auroc(found, good),
        removed=auroc(rest, good),
        hit=float(np.mean(hits)),
        chance=float(np.mean([on.mean() for on in near if on.any()])),
        frr={key: float((good > limit).mean()) for key, limit in limits.items()},
        recall={key: float((found > limit).mean()) for key, limit in limits.items()},
    )


def _left(distances: Floats, on: NDArray[np.bool_]) -> float:
    left = distances[~on]
    return float(left.max() if left.size else distances.min())


def auroc(bad: NDArray[np.float64], good: NDArray[np.float64]) -> float:
    """How often a bad one is above a good one; ties count half."""
    above = (bad[:, None] > good[None, :]).mean()
    return float(above + (bad[:, None] == good[None, :]).mean() / 2)


def shrink_of(folder: Path, source: str) -> int:
    """The scale that teaching without bad pictures would choose, by the first good picture."""
    path = next(iter(sorted((folder / "images").glob(f"{source}__*"))))
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return FULL if min(np.asarray(image).shape) < SMALL_PX else HALF


def main() -> None:
    """Print the rows and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="mt,ksdd,cookie")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--protocols", default="val,all")
    parser.add_argument("--shrink", type=int, default=0, help="1, 2 or 4; 0: as teaching would choose")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    backbone = load_backbone()
    for source in wanted.sets.split(","):
        shrink = wanted.shrink or shrink_of(wanted.data, source)
        with open_eyes(backbone, shrink=shrink) as eyes:
            shown, mirrors = load(wanted.data, source, eyes), dict[str, Sums]()
            for protocol in wanted.protocols.split(","):
                for n in SIZES[source]:
                    rows = [measure(shown, eyes, mirrors, source, protocol, n, seed) for seed in range(wanted.seeds)]
                    _print(rows, as_json=wanted.json)


def _print(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        print("\n".join(json.dumps(asdict(row)) for row in rows), flush=True)
        return
    first = rows[0]
    figures = {key: np.mean([getattr(row, key) for row in rows]) for key in ("auroc", "removed", "hit", "chance")}
    spread = np.std([row.auroc for row in rows])
    rates = " ".join(
        f"promise {key}: frr {np.mean([row.frr[key] for row in rows]):.3f} "
        f"recall {np.mean([row.recall[key] for row in rows]):.2f}"
        for key in first.frr
    )
    print(
        f"{first.source:7} 1/{round(1 / first.scale)} {first.protocol:4} n={first.n:<3} {len(rows)} seeds "
        f"good {first.good} bad {first.bad}  AUROC {figures['auroc']:.3f} (sd {spread:.3f}) removed "
        f"{figures['removed']:.3f} hit {figures['hit']:.2f} chance {figures['chance']:.2f}  {rates}",
        flush=True,
    )


if __name__ == "__main__":
    main()
