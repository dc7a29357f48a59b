"""The accuracy of per-product models, one command a row: ``python -m tools.products ksdd --data REAL``.

Each row trains on the data's own train list (ksdd: four folds by part), judges pictures that were not trained on, and
writes its evaluations into docs/accuracy. The models stay in ``--work``: most of the data does not allow a product.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from inspector.domain.errors import ConfigError
from tools.accuracy_page import FOLDER
from tools.data.__main__ import main as data_command
from tools.evaluation.main import main as evaluate
from tools.painted import main as painted
from tools.train import main as train

_START = "models/surface-base"
_FOLDS = 4
_FINE_TUNED = 20
Recipe = Sequence[str]
_RECIPES: Mapping[str, Recipe] = {
    "ksdd": ("--steps", "1000", "--pasted", "0.4"),
    "bsd": ("--steps", "1500", "--pasted", "0.3"),
    "mt": ("--steps", "6000", "--pasted", "0.2"),
}
"""Chosen by grouped cross-validation on the train lists; docs/workshop.md says what was compared."""
_COMMON = ("--tier", "base", "--not-turned", "--peak", "3e-3")
_JOINT = ("--tier", "base", "--painted", "0.3", "--scenes", "0.08", "--bank", "60", "--hold", "0", "--steps", "6000")
_SHORT = ("--steps", "800", "--peak", "2e-3", "--hold", "0", "--not-turned", "--tier", "base")
_PAINTED = ("--tier", "base", "--only-good", "--labels", "crack", "--painted", "0.85", "--hold", "0")
_MARKED = "10"
"""Good magnetic tiles with the strongest alarms: looked at, they bear real linear marks."""
_PAINTED_STEPS = {"ksdd": "3000", "mt": "5000"}


class Shop:
    """Where things are, and the commands in the same words a person would type."""

    def __init__(self, data: Path, work: Path, out: Path) -> None:
        self.data = str(data)
        self.work = work
        self.out = out

    def train(self, run: str, *words: str) -> Path:
        """Train, or go on, or find it done; return the run folder."""
        folder = self.work / run
        command = ["--data", self.data, "--out", str(folder), "--name", f"{run}-research", *words]
        print(f"\n$ python -m tools.train {' '.join(command)}", flush=True)
        train(command)
        return folder

    def judge(self, name: str, model: str, *words: str) -> None:
        """Evaluate into ``out/name.json`` and a page beside the model."""
        command = ["--model", model, "--data", self.data, *words]
        print(f"\n$ python -m tools.evaluate {' '.join(command)}", flush=True)
        page = self.work / f"{name}.html"
        evaluate([*command, "--out", str(self.out / f"{name}.json"), "--report", str(page)])
        print(f"{page}: hits, misses and false alarms (mind the pictures' licence)")


def ksdd(shop: Shop) -> None:
    """Four folds by part, pooled: every part is judged by a model that never saw it."""
    folds = shop.work / "folds-ksdd.csv"
    data_command(["split", shop.data, "--source", "ksdd", "--folds", str(_FOLDS), "--seed", "1", "--out", str(folds)])
    for fold in range(_FOLDS):
        shop.train(
            f"ksdd-{fold}", "--source", "ksdd", "--list", str(folds), "--fold", str(fold), "--init", _START,
            *_COMMON, *_RECIPES["ksdd"],
        )  # fmt: skip
    shop.judge(
        "ksdd-4-folds", str(shop.work / "ksdd-{fold}/model"), "--source", "ksdd", "--list", str(folds), "--folds"
    )


def _on_val(shop: Shop, source: str, *, start: str = _START) -> None:
    run = shop.train(f"{source}-full", "--source", source, "--init", start, *_COMMON, *_RECIPES[source])
    shop.judge(f"{source}-full", str(run / "model"), "--source", source, "--split", "val")


def bsd(shop: Shop) -> None:
    """Train list to val list, from the joint start."""
    _on_val(shop, "bsd", start=str(_joint(shop)))


def mt(shop: Shop) -> None:
    """Train list to val list, from the joint start."""
    _on_val(shop, "mt", start=str(_joint(shop)))


def _joint(shop: Shop) -> Path:
    """One start for all: every source's train list, painted cracks, a few scenes."""
    return shop.train("joint", *_JOINT)


def joint(shop: Shop) -> None:
    """From one start for all, 20 labelled pictures a product, beside that product's full training."""
    start = _joint(shop)
    for source in _RECIPES:
        _on_val(shop, source, start=str(start))
        run = shop.train(
            f"{source}-{_FINE_TUNED}", "--source", source, "--init", str(start), "--limit", str(_FINE_TUNED), *_SHORT
        )
        shop.judge(f"{source}-{_FINE_TUNED}", str(run / "model"), "--source", source, "--split", "val")
    for source in _RECIPES:
        few = _auroc(shop.out / f"{source}-{_FINE_TUNED}.json")
        whole = _auroc(shop.out / f"{source}-full.json")
        print(f"{source:6} {_FINE_TUNED} pictures {few:.4f}, all {whole:.4f}: {few - whole:+.4f} image AUROC")


def _auroc(path: Path) -> float:
    return float(json.loads(path.read_text(encoding="utf-8"))["figures"]["image_auroc"]["value"])


def cracks(shop: Shop) -> None:
    """Painted cracks on good val pictures, from nets that saw painted cracks on good train pictures."""
    for source, steps in _PAINTED_STEPS.items():
        run = shop.train(f"{source}-painted", "--source", source, *_PAINTED, "--steps", steps)
        command = ["--model", str(run / "model"), "--data", shop.data, "--source", source, "--split", "val"]
        print(f"\n$ python -m tools.painted {' '.join(command)}", flush=True)
        painted([*command, "--out", str(shop.out / f"painted-{source}.json")])
        if source == "mt":
            painted([*command, "--drop", _MARKED, "--out", str(shop.out / f"painted-{source}-marked.json")])


ROWS: Mapping[str, Callable[[Shop], None]] = {"ksdd": ksdd, "bsd": bsd, "mt": mt, "joint": joint, "cracks": cracks}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line; train and judge the rows that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.products", description=__doc__)
    parser.add_argument("row", nargs="+", choices=[*ROWS, "all"])
    parser.add_argument("--data", type=Path, required=True, help="the folder with manifest.csv, images and masks")
    parser.add_argument("--work", type=Path, default=Path("build/products"), help="[default: build/products]")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the JSONs go [default: docs/accuracy]")
    asked = parser.parse_args(arguments)
    asked.work.mkdir(parents=True, exist_ok=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    shop = Shop(asked.data, asked.work, asked.out)
    try:
        for row in ROWS if "all" in asked.row else asked.row:
            ROWS[row](shop)
    except ConfigError as error:
        print(f"tools.products: {error}", file=sys.stderr)
        raise SystemExit(78) from error


if __name__ == "__main__":
    main()
