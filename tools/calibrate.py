"""Calibrate a model's confidences: ``python -m tools.calibrate --model M --data DIR --split val --out NEW``.

Fits one slope and one shift of the logits (Platt) so that detections of confidence 0.8 are right eight times in ten on
pictures that the model was not trained on. Both go into the card's output scale and zero point: the graph stays byte
for byte, the same cells fire, boxes and sizes stay. It is a new model revision with a version of its own, and the
verdicts that it flips under a recipe are printed, on the pictures and, with --journal, on a station's archive.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from inspector.adapters import journal_sql
from inspector.app.recipe_file import load_recipe
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Scale
from inspector.domain.inspection import Inspection
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.ports.model import ModelCard
from tools.data import Choice, datacard, duplicates
from tools.data.reading import read, renamed
from tools.data.record import Dataset
from tools.evaluation.looking import Look, open_eye
from tools.evaluation.table import Row, make_row
from tools.metrics.confidence import Bools, Floats, Platt, calibration_error, fit_platt

_EX_CONFIG = 78
_FEWEST = 20
_SHOWN = 30
_HIGHEST_ZERO = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was fitted, and what it did to the calibration error. ``after`` is cross-fitted: by parts not fitted on."""

    platt: Platt
    scale: float
    zero_point: int
    candidate_score: float
    before: float
    after: float
    right: int
    detections: int

    def __call__(self, score: float) -> float:
        """Calibrate one confidence."""
        return float(self.platt(np.array([score]))[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A verdict that changes."""

    what: str
    before: str
    after: str


def calibrate(card: ModelCard, rows: Sequence[Row], groups: Sequence[str], seed: int = 1) -> Calibration:
    """Fit on all detections; measure by fitting on one half of the parts and looking at the other.

    Raises:
        ConfigError: the card's output has no scale to change, or too few detections of either kind.
    """
    if card.task != "segmentation" or card.output.dtype != "uint8":
        raise ConfigError(f"{card.name}: only an int8 class map can be calibrated by its card's scale and zero point")
    confidences = np.concatenate([row.confidences for row in rows])
    rights = np.concatenate([row.rights for row in rows]).astype(np.bool_)
    hits = int(rights.sum())
    if min(hits, len(rights) - hits) < _FEWEST:
        raise ConfigError(
            f"{hits} right and {len(rights) - hits} wrong detections: at least {_FEWEST} of each are needed; "
            "use more pictures, or a model whose candidate_score is lower"
        )
    owners = np.repeat(np.array(groups), [len(row.confidences) for row in rows])
    platt = _rounded(fit_platt(confidences, rights), card)
    if platt.slope <= 0.0:
        raise ConfigError(
            f"slope {platt.slope:.3f}: higher confidences are right LESS often; calibration cannot mend that"
        )
    scale = card.output.scale * platt.slope
    return Calibration(
        platt=platt,
        scale=scale,
        zero_point=round(card.output.zero_point - platt.shift / scale),
        candidate_score=float(platt(np.array([card.candidate_score]))[0]),
        before=calibration_error(confidences, rights),
        after=_cross_fitted(confidences, rights, owners, seed),
        right=hits,
        detections=len(rights),
    )


def _rounded(platt: Platt, card: ModelCard) -> Platt:
    """Move the shift to what a whole zero point can say."""
    scale = card.output.scale * platt.slope
    if platt.slope <= 0.0:
        return platt
    zero = round(card.output.zero_point - platt.shift / scale)
    if not 0 <= zero <= _HIGHEST_ZERO:
        raise ConfigError(
            f"the shift of {platt.shift:.2f} needs a zero point of {zero}; 0 to {_HIGHEST_ZERO} can be said"
        )
    return Platt(slope=platt.slope, shift=(card.output.zero_point - zero) * scale)


def _cross_fitted(confidences: Floats, rights: Bools, owners: Any, seed: int) -> float:
    names = np.unique(owners)
    first = np.isin(owners, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    moved = confidences.copy()
    for half in (first, ~first):
        try:
            moved[~half] = fit_platt(confidences[half], rights[half])(confidences[~half])
        except ValueError:
            return float("nan")
    return calibration_error(moved, rights)


def flips(
    seen: Iterable[tuple[str, Sequence[Detection]]], recipe: Recipe, scale: Scale | None, calibration: Calibration
) -> Iterator[Flip]:
    """Judge before and after."""
    for what, detections in seen:
        moved = [replace(detection, score=calibration(detection.score)) for detection in detections]
        before, after = judge(recipe, detections, scale).outcome, judge(recipe, moved, scale).outcome
        if before is not after:
            yield Flip(what=what, before=before.name, after=after.name)


def archive(path: Path, card: ModelCard) -> Iterator[tuple[str, Sequence[Detection]]]:
    """Every part of a journal that this very model has judged, by its series and number."""
    cursor = 0
    with journal_sql.open_journal(path, read_only=True) as journal:
        while entries := journal.after(cursor):
            for entry in entries:
                event = entry.event
                if (
                    isinstance(event, Inspection)
                    and (event.model.sha256, event.model.version) == (card.sha256, card.version)
                    and not event.verdict.decision.rule.startswith("law.")
                ):
                    yield f"part {event.part.series}/{event.part.part_seq}", event.detections
            cursor = entries[-1].journal_seq


def write_package(model: Path, out: Path, calibration: Calibration, *, data_sha256: str) -> str:
    """Write the new revision beside the old one; give its version.

    Raises:
        ConfigError: ``out`` is there already.
    """
    if out.exists():
        raise ConfigError(f"--out {out}: exists; a revision is never overwritten, name another folder")
    card = tomlkit.parse((model / "card.toml").read_text(encoding="utf-8"))
    table: Any = card
    base, _, number = str(table["model"]["version"]).partition("+cal")
    version = f"{base}+cal{int(number or 0) + 1}"
    table["model"]["version"] = version
    table["output"]["scale"] = calibration.scale
    table["output"]["zero_point"] = calibration.zero_point
    table["decoder"]["candidate_score"] = round(calibration.candidate_score, 6)
    metrics = table.setdefault("metrics", tomlkit.table())
    metrics["calibration_slope"] = round(calibration.platt.slope, 5)
    metrics["calibration_shift"] = round(calibration.platt.shift, 5)
    metrics["calibration_error_before"] = round(calibration.before, 4)
    metrics["calibration_error_after"] = round(calibration.after, 4)
    metrics["calibration_detections"] = calibration.detections
    metrics["calibration_list_sha256"] = data_sha256
    shutil.copytree(model, out)
    (out / "card.toml").write_text(tomlkit.dumps(card), encoding="utf-8")
    page = model / "MODEL_CARD.md"
    if page.is_file():
        before, after = f"{calibration.before:.3f}", f"{calibration.after:.3f}"
        note = (
            f"\n## Calibration ({version})\nConfidences of {calibration.detections} held-out detections: calibration "
            f"error {before} before, {after} after (cross-fitted). The graph is unchanged.\n"
        )
        (out / "MODEL_CARD.md").write_text(page.read_text(encoding="utf-8") + note, encoding="utf-8")
    return version


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="labelled pictures that the model was not trained on")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--rename", action="append", default=[], metavar="DATA=MODEL")
    parser.add_argument("--out", type=Path, help="write the new package here [default: only say what it would do]")
    parser.add_argument("--recipe", type=Path, help="print the verdicts that this recipe's limits would flip")
    parser.add_argument("--px-per-mm", type=float, default=20.0)
    parser.add_argument("--journal", type=Path, help="and those of a station's archive (journal.sqlite3)")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> None:
    """Read the command line, calibrate, print."""
    asked = _parser().parse_args()
    try:
        _run(asked)
    except ConfigError as error:
        print(f"tools.calibrate: {error}", file=sys.stderr)
        raise SystemExit(_EX_CONFIG) from error


def _run(asked: argparse.Namespace) -> None:
    dataset = renamed(
        read(asked.data, Choice(splits=asked.split, sources=asked.source)),
        dict(text.split("=", 1) for text in asked.rename),
    )
    card, looks = _look(asked.model, dataset)
    rows = [make_row(look, card.labels) for look in looks]
    calibration = calibrate(card, rows, duplicates.groups_of(dataset.records))
    found: list[Flip] = []
    if asked.recipe:
        recipe = load_recipe(asked.recipe).recipe
        scale = Scale(id="given", px_per_mm=asked.px_per_mm)
        found = list(flips(((look.record.id, look.detections) for look in looks), recipe, scale, calibration))
        if asked.journal:
            found += flips(archive(asked.journal, card), recipe, scale, calibration)
    version = ""
    if asked.out:
        sha256 = datacard.list_sha256(dataset.records)
        version = write_package(asked.model, asked.out, calibration, data_sha256=sha256)
    _print(calibration, found, version, as_json=asked.json)


def _look(model: Path, dataset: Dataset) -> tuple[ModelCard, list[Look]]:
    with open_eye(model) as eye:
        return eye.card, [eye.look(record) for record in dataset.records]


def _print(calibration: Calibration, found: Sequence[Flip], version: str, *, as_json: bool) -> None:
    if as_json:
        document = {
            "slope": calibration.platt.slope,
            "shift": calibration.platt.shift,
            "scale": calibration.scale,
            "zero_point": calibration.zero_point,
            "calibration_error_before": calibration.before,
            "calibration_error_after": calibration.after,
            "detections": calibration.detections,
            "right": calibration.right,
            "version": version,
            "flips": [{"what": flip.what, "before": flip.before, "after": flip.after} for flip in found],
        }
        print(json.dumps(document))
        return
    print(f"{calibration.detections} detections, {calibration.right} right")
    print(f"slope {calibration.platt.slope:.3f}, shift {calibration.platt.shift:.3f}")
    print(f"calibration error {calibration.before:.3f} -> {calibration.after:.3f} (cross-fitted by part)")
    for score in (0.3, 0.5, 0.7, 0.9):
        print(f"  a confidence of {score:.1f} becomes {calibration(score):.2f}")
    print(f"{len(found)} verdicts flip")
    for flip in found[:_SHOWN]:
        print(f"  {flip.what}: {flip.before} -> {flip.after}")
    if version:
        print(f"written as version {version}: set the recipe's confidences anew, the old ones mean something else")


if __name__ == "__main__":
    main()
