"""Evaluate a model on labelled pictures: ``python -m tools.evaluate --model models/NAME --data DIR``.

Pictures go through the line's own reader, preprocessing, tiling, runtime and decoder, in the form that ships.
Prints the figures with their 95 % intervals (whole parts resampled), the counts behind them, and the controls.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from inspector.domain.errors import ConfigError
from tools.data.reading import LAYOUTS, read_sides
from tools.data.record import Choice
from tools.evaluation.evaluate import Question, evaluate, look_again
from tools.evaluation.gallery import examples, write_pictures
from tools.evaluation.report import chosen, write_report

_EX_CONFIG = 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model package (a folder with card.toml)")
    parser.add_argument("--data", type=Path, required=True, help="data set in any layout of python -m tools.data")
    parser.add_argument("--layout", default="", choices=["", *LAYOUTS])
    parser.add_argument("--split", action="append", default=[], help="may be given more than once")
    parser.add_argument("--source", action="append", default=[], help="may be given more than once")
    parser.add_argument("--shippable", action="store_true", help="only pictures whose licence allows a sale")
    parser.add_argument("--fit-split", default="", help="set thresholds by this split's goods")
    parser.add_argument("--list", type=Path, help="CSV of file and side: its sides take the place of the data's splits")
    parser.add_argument(
        "--folds", action="store_true", help="with --list: every side by its own model, {fold} in --model; all pooled"
    )
    parser.add_argument("--rename", action="append", default=[], metavar="DATA=MODEL", help="class names")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write an HTML page (it shows the pictures: mind their licence)")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR/NAME",
        help="write a hit, a miss, a false alarm, of those whose licence allows it",
    )
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    parser.add_argument("--json", action="store_true")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, evaluate, print."""
    asked = _parser().parse_args(arguments)
    cv2.setNumThreads(1)
    question = Question(
        model=asked.model,
        data=asked.data,
        layout=asked.layout,
        choice=Choice(splits=asked.split, sources=asked.source, shippable=asked.shippable),
        fit=asked.fit_split,
        rename=dict(_pair(text) for text in asked.rename),
        threads=asked.threads,
        resamples=asked.resamples,
        seed=asked.seed,
        folds=asked.folds,
        command=_command(sys.argv[1:] if arguments is None else arguments),
    )
    try:
        if asked.list is not None:
            question = replace(question, sides=read_sides(asked.list))
        found = evaluate(question)
        text = json.dumps(found.document, indent=1)
        if asked.out:
            asked.out.write_text(text + "\n", encoding="utf-8")
        if asked.report:
            write_report(asked.report, found, look_again(question, chosen(found.table)))
        if asked.pictures:
            looks = look_again(question, examples(found.table))
            write_pictures(asked.pictures.parent, asked.pictures.name, looks, found.card.labels)
    except ConfigError as error:
        print(f"tools.evaluate: {error}", file=sys.stderr)
        raise SystemExit(_EX_CONFIG) from error
    print(text if asked.json else "\n".join(_lines(found.document)))


def _command(words: Sequence[str]) -> str:
    """Say how to ask again: without where the answer went."""
    kept, skip = [], False
    for word in words:
        if skip or word == "--json":
            skip = False
            continue
        if word in {"--out", "--report", "--pictures"}:
            skip = True
            continue
        kept.append(word)
    return " ".join(["python -m tools.evaluate", *kept])


def _pair(text: str) -> tuple[str, str]:
    data, equals, model = text.partition("=")
    if not equals:
        raise SystemExit(f"--rename {text!r}: DATA=MODEL would be right, e.g. dent=other")
    return data, model


def _lines(document: dict[str, Any]) -> list[str]:
    model, data, counts = document["model"], document["data"], document["counts"]
    lines = [
        f"{model['name']} {model['version']} ({model['output_dtype']}) on {data['name']}",
        f"{data['pictures']} pictures of {data['parts']} parts, {data['good']} good",
        f"licences: {', '.join(f'{name} {count}' for name, count in data['licences'].items())}",
        f"thresholds fitted on {document['thresholds']['fitted_on']}",
        "",
    ]
    for name, figure in document["figures"].items():
        between = f"[{figure['low']:.3f}, {figure['high']:.3f}]" if "low" in figure else ""
        flat = "  no resample moved it: see the counts" if figure.get("flat") else ""
        lines.append(f"{name:58} {figure['value']:8.4f}  {between}{flat}")
    lines += ["", *(f"{name:34} {count}" for name, count in counts.items())]
    if document["set_aside"]:
        lines += ["", f"set aside: {len(document['set_aside'])} picture(s)"]
    return lines
