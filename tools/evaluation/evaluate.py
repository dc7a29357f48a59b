"""A whole evaluation: look at every picture, compute every figure with its interval, and say what it stands on."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inspector.domain.errors import ConfigError, FrameError
from inspector.ports.model import ModelCard
from tools.data import datacard, duplicates
from tools.data.reading import read, renamed
from tools.data.record import Choice, Dataset, is_shippable
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

    ``rename``: classes of the data that the model knows by another name.
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
    with open_eye(question.model, threads=question.threads) as eye:
        dataset = _load(question, question.choice)
        table = _table(eye, dataset)
        points = _fitted(question, eye) if question.fit else table.points()
        groups = duplicates.groups_of(dataset.records)
        card, runtime = eye.card, eye.runtime
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
    dataset = renamed(read(question.data, choice, layout=question.layout), question.rename)
    for trouble in dataset.troubles:
        print(f"set aside: {trouble.path}: {trouble.reason}", file=sys.stderr)
    return dataset


def _table(eye: Eye, dataset: Dataset) -> Table:
    rows: list[Row] = []
    for number, record in enumerate(dataset.records, start=1):
        rows.append(make_row(eye.look(record), eye.card.labels))
        if number % _PROGRESS == 0 or number == len(dataset.records):
            print(f"\r{number} of {len(dataset.records)} pictures", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return Table(rows, eye.card.labels)


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
    with open_eye(question.model, threads=question.threads) as eye:
        looks = []
        for row in rows:
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
