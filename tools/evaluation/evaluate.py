"""A whole evaluation: look at every picture, compute every figure with its interval, and say what it stands on."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import ModelCard
from tools.data import datacard, duplicates
from tools.data.reading import read, renamed, with_sides
from tools.data.record import Choice, Dataset, Record, is_shippable
from tools.evaluation.figures import Point, Table
from tools.evaluation.looking import Eye, Look, open_eye
from tools.evaluation.table import Row, make_row
from tools.metrics.bootstrap import Interval, intervals
from tools.metrics.components import SIZE_NAMES

SCHEMA = "inspector.evaluation/1"
LEVEL = 0.95
COCO_RESAMPLES = 100
_PROGRESS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be evaluated. ``fit``: the split whose goods set the thresholds; "" the evaluated goods themselves.

    ``rename``: classes of the data that the model knows by another name. ``sides``: picture file -> side, in the place
    of the data's own splits. ``folds``: the model's path holds ``{fold}``; every side is looked at by its own model
    and all are evaluated together. ``command``: how a person asks this question again.
    """

    model: Path
    data: Path
    layout: str = ""
    choice: Choice
    fit: str = ""
    rename: Mapping[str, str]
    threads: int = 1
    resamples: int = 1000
    seed: int = 1
    sides: Mapping[Path, str] | None = None
    folds: bool = False
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The answer: the JSON document, and what the report draws from."""

    document: dict[str, Any]
    table: Table
    points: tuple[Point, ...]
    card: ModelCard


def evaluate(question: Question) -> Evaluation:
    """Evaluate a model on a data set.

    Raises:
        ConfigError: model or data cannot be used.
    """
    dataset = _load(question, question.choice)
    if question.folds:
        dataset, table, card, runtime = _pooled(question, dataset)
        points = table.points()
    else:
        with open_eye(question.model, threads=question.threads) as eye:
            table = Table(_rows(eye, dataset.records), eye.card.labels)
            points = _fitted(question, eye) if question.fit else table.points()
            card, runtime = eye.card, eye.runtime
    groups = duplicates.groups_of(dataset.records)
    ones = np.ones(len(table.rows))
    values = {**table.figures(ones, points), **table.coco(ones)}
    ranges = intervals(
        lambda weights: table.figures(weights, points),
        groups,
        table.bad,
        resamples=question.resamples,
        seed=question.seed,
        level=LEVEL,
    )
    coco_ranges = intervals(
        table.coco,
        groups,
        table.bad,
        resamples=min(question.resamples, COCO_RESAMPLES),
        seed=question.seed,
        level=LEVEL,
    )
    document = {
        "schema": SCHEMA,
        "command": question.command,
        "model": _model(card, runtime),
        "data": _data(question, dataset, groups),
        "bootstrap": {
            "resamples": question.resamples,
            "coco_resamples": min(question.resamples, COCO_RESAMPLES),
            "seed": question.seed,
            "level": LEVEL,
            "resampled": "whole parts, good and bad apart",
        },
        "thresholds": {
            "fitted_on": f"goods of split {question.fit}" if question.fit else "the evaluated goods themselves",
            **{point.name: round(point.threshold, 4) for point in points},
        },
        "counts": _counts(table),
        "figures": {
            name: _figure(value, {**ranges, **coco_ranges}.get(name))
            for name, value in values.items()
            if np.isfinite(value)
        },
        "not_computed": [name for name, value in values.items() if not np.isfinite(value)],
        "set_aside": [f"{trouble.path.name}: {trouble.reason}" for trouble in dataset.troubles],
    }
    return Evaluation(document=document, table=table, points=points, card=card)


def _load(question: Question, choice: Choice) -> Dataset:
    wanted = choice if question.sides is None else replace(choice, splits=())
    dataset = renamed(read(question.data, wanted, layout=question.layout), question.rename)
    if question.sides is not None:
        dataset = with_sides(dataset, question.sides, choice.splits)
    for trouble in dataset.troubles:
        print(f"set aside: {trouble.path}: {trouble.reason}", file=sys.stderr)
    return dataset


def _rows(eye: Eye, records: Sequence[Record]) -> list[Row]:
    rows: list[Row] = []
    for number, record in enumerate(records, start=1):
        rows.append(make_row(eye.look(record), eye.card.labels))
        if number % _PROGRESS == 0 or number == len(records):
            print(f"\r{number} of {len(records)} pictures", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def _pooled(question: Question, dataset: Dataset) -> tuple[Dataset, Table, ModelCard, str]:
    """Look at every side with the model that was not trained on it."""
    sides = sorted({record.split for record in dataset.records})
    by_side = {side: tuple(record for record in dataset.records if record.split == side) for side in sides}
    rows: list[Row] = []
    for side, records in by_side.items():
        with open_eye(model_of(question, side), threads=question.threads) as eye:
            rows += _rows(eye, records)
            card, runtime = eye.card, eye.runtime
    pooled = replace(dataset, records=tuple(row.record for row in rows))
    return pooled, Table(rows, card.labels), card, runtime


def model_of(question: Question, side: str) -> Path:
    """Name the package that looks at pictures of a side."""
    return Path(str(question.model).replace("{fold}", side)) if question.folds else question.model


def _fitted(question: Question, eye: Eye) -> tuple[Point, ...]:
    """Thresholds from the goods of another split."""
    choice = Choice(splits=(question.fit,), sources=question.choice.sources, shippable=question.choice.shippable)
    dataset = _load(question, choice)
    goods = [make_row(eye.look(record), eye.card.labels) for record in dataset.records if record.good]
    if not goods:
        raise ConfigError(f"--fit-split {question.fit}: no good picture there to set thresholds by")
    return Table(goods, eye.card.labels).points()


def look_again(question: Question, rows: Sequence[Row]) -> list[Look]:
    """Look at some pictures once more, for the report's gallery."""
    looks = []
    for row in rows:
        with open_eye(model_of(question, row.record.split), threads=question.threads) as eye:
            try:
                looks.append(eye.look(row.record))
            except FrameError as error:
                print(f"not shown: {error}", file=sys.stderr)
    return looks


def _model(card: ModelCard, runtime: str) -> dict[str, Any]:
    return {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "task": card.task,
        "licence": card.licence,
        "shippable": is_shippable(card.licence),
        "labels": list(card.labels),
        "output_dtype": card.output.dtype,
        "runtime": runtime,
    }


def _data(question: Question, dataset: Dataset, groups: Sequence[str]) -> dict[str, Any]:
    card = datacard.describe(dataset, groups)
    return {
        "name": dataset.name,
        "layout": dataset.layout,
        "splits": sorted({record.split for record in dataset.records}),
        "sources": sorted({record.source for record in dataset.records}),
        "pictures": card.pictures,
        "good": card.good,
        "bad": card.pictures - card.good,
        "parts": card.groups,
        "megapixels": card.megapixels,
        "list_sha256": card.sha256,
        "licences": dict(card.counts["licence"]),
        "mask_kinds": dict(card.counts["mask_kind"]),
        "set_aside": len(dataset.troubles),
        "renamed": dict(question.rename),
    }


def _counts(table: Table) -> dict[str, Any]:
    confidences, rights = table.detections
    return {
        "good": int((~table.bad).sum()),
        "bad": int(table.bad.sum()),
        "bad by class": {label: int(table.class_bad[:, index].sum()) for index, label in enumerate(table.labels)},
        "with known pixels": int(table.known.sum()),
        "good megapixels": round(float(table.megapixels[~table.bad].sum()), 2),
        "defects": table.count("defects_s"),
        "defects by class": {label: table.count("defects_c", i) for i, label in enumerate(table.labels)},
        "defects by size px": {name: table.count("defects_s", i) for i, name in enumerate(SIZE_NAMES)},
        "detections": len(confidences),
        "right detections": int(rights.sum()),
        "not decodable (undecided)": sum(row.undecided for row in table.rows),
    }


def _figure(value: float, interval: Interval | None) -> dict[str, Any]:
    found: dict[str, Any] = {"value": round(value, 4)}
    if interval is not None:
        found |= {"low": round(interval.low, 4), "high": round(interval.high, 4)}
        if interval.flat:
            found["flat"] = True
    return found
