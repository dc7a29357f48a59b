"""Data sets: ``python -m tools.data card|split|convert|scenes``.

card DIR                          counts, licences, near-duplicates, what was set aside (TOML or Markdown)
split DIR train=0.8 val=0.2 --out LIST.csv
split DIR --folds 4 --out LIST.csv
convert DIR OUT.json              any layout to COCO
scenes OUT --seeds 1000:1100      rendered parts with their truth
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inspector.domain.errors import ConfigError
from inspector.twin.scenes import SceneSettings
from tools.data import coco, datacard, duplicates, splitting
from tools.data.reading import LAYOUTS, known_to, read
from tools.data.record import Choice, Dataset
from tools.data.scenes import write_scenes

_EX_CONFIG = 78


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    read_from = argparse.ArgumentParser(add_help=False)
    read_from.add_argument("data", type=Path)
    read_from.add_argument("--layout", default="", choices=["", *LAYOUTS], help="instead of recognising it")
    read_from.add_argument("--only-split", action="append", default=[], metavar="NAME")
    read_from.add_argument("--source", action="append", default=[], metavar="NAME")
    read_from.add_argument("--shippable", action="store_true", help="only licences that allow a model to be sold")
    read_from.add_argument("--classes", default="", help="classes that the card knows, with commas; others set aside")
    read_from.add_argument("--most-bits", type=int, default=duplicates.MOST_BITS, help="of 256, for near-duplicates")
    card = verbs.add_parser("card", parents=[read_from], help="count a data set")
    card.add_argument("--toml", type=Path, help="write the TOML card here [default: print Markdown]")
    card.add_argument("--markdown", type=Path, help="write the Markdown card here")
    split = verbs.add_parser("split", parents=[read_from], help="split by whole parts, seeded, stratified")
    split.add_argument("shares", nargs="*", metavar="NAME=SHARE", help="[default: train=0.8 val=0.2]")
    split.add_argument("--folds", type=int, default=0, help="k folds in place of shares")
    split.add_argument("--seed", type=int, default=1)
    split.add_argument("--out", type=Path, required=True, help="CSV: file, side, group, good, classes")
    convert = verbs.add_parser("convert", parents=[read_from], help="write as COCO")
    convert.add_argument("out", type=Path)
    scenes = verbs.add_parser("scenes", help="render parts as a data set")
    scenes.add_argument("out", type=Path)
    scenes.add_argument("--seeds", default="1000:1100", metavar="A:B")
    scenes.add_argument("--width", type=int, default=4096)
    scenes.add_argument("--height", type=int, default=3000)
    scenes.add_argument("--defect-rate", type=float, default=0.5)
    scenes.add_argument("--min-sigma", type=float, default=5.0, help="least contrast in sigmas of the texture's noise")
    scenes.add_argument("--split", default="test")
    return parser


def _load(asked: argparse.Namespace) -> Dataset:
    choice = Choice(splits=asked.only_split, sources=asked.source, shippable=asked.shippable)
    dataset = read(asked.data, choice, layout=asked.layout)
    if asked.classes:
        dataset = known_to(dataset, asked.classes.split(","))
    for trouble in dataset.troubles:
        print(f"set aside: {trouble.path}: {trouble.reason}", file=sys.stderr)
    if dataset.troubles:
        print(f"set aside: {len(dataset.troubles)}; usable: {len(dataset.records)}", file=sys.stderr)
    return dataset


def _card(asked: argparse.Namespace) -> None:
    dataset = _load(asked)
    card = datacard.describe(dataset, duplicates.groups_of(dataset.records, asked.most_bits))
    if asked.toml:
        asked.toml.write_text(datacard.as_toml(card), encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text(datacard.as_markdown(card), encoding="utf-8")
    if not asked.toml and not asked.markdown:
        print(datacard.as_markdown(card), end="")


def _split(asked: argparse.Namespace) -> None:
    dataset = _load(asked)
    groups = duplicates.groups_of(dataset.records, asked.most_bits)
    if asked.folds:
        sides = tuple(str(fold) for fold in splitting.folds(dataset.records, groups, asked.folds, asked.seed))
    else:
        shares = dict(_share(text) for text in asked.shares or ("train=0.8", "val=0.2"))
        sides = splitting.split(dataset.records, groups, shares, asked.seed)
    with asked.out.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("file", "side", "group", "good", "classes"))
        for record, side, group in zip(dataset.records, sides, groups, strict=True):
            writer.writerow((record.image, side, group, int(record.good), "|".join(record.classes)))
    split = replace(
        dataset, records=tuple(replace(record, split=side) for record, side in zip(dataset.records, sides, strict=True))
    )
    card = datacard.describe(split, groups)
    for side, counts in card.split_counts.items():
        print(f"{side:10} {Counter(sides)[side]:6}  " + "  ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"{len(set(groups))} parts, none on two sides; list sha256 {card.sha256}")


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no share; NAME=NUMBER would be right, e.g. val=0.2") from error


def _convert(asked: argparse.Namespace) -> None:
    dataset = _load(asked)
    coco.write(dataset, asked.out)
    print(f"{asked.out}: {len(dataset.records)} pictures, classes {', '.join(dataset.labels)}")


def _scenes(asked: argparse.Namespace) -> None:
    first, last = (int(part) for part in asked.seeds.split(":"))
    settings = SceneSettings(
        width=asked.width,
        height=asked.height,
        defect_rate=asked.defect_rate,
        min_contrast_sigma=asked.min_sigma,
    )
    count = write_scenes(asked.out, range(first, last), settings, split=asked.split)
    print(f"{asked.out}: {count} parts")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and do what it asks; a folder that a human must mend ends with exit code 78."""
    asked = _parser().parse_args(arguments)
    verbs = {"card": _card, "split": _split, "convert": _convert, "scenes": _scenes}
    try:
        verbs[asked.verb](asked)
    except ConfigError as error:
        print(f"tools.data: {error}", file=sys.stderr)
        raise SystemExit(_EX_CONFIG) from error


if __name__ == "__main__":
    main()
