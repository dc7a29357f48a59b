"""Parts as rows of a table: CSV in which no text is a formula, or the same rows for a workbook."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path

from inspector.domain.errors import ConfigError
from inspector.ports.history import History, PartLine, PartSearch

Cell = str | int | float | None
COLUMNS = (
    "journal_seq",
    "result_id",
    "station",
    "series",
    "part_seq",
    "serial",
    "lot",
    "opened_utc",
    "outcome",
    "reason",
    "rule",
    "measured",
    "limit",
    "unit",
    "classes",
    "defects",
    "recipe",
    "recipe_sha256",
    "model",
    "model_version",
    "picture",
    "picture_sha256",
    "kept_probability",
    "opinion",
    "true_outcome",
    "reviewer",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_PAGE = 200


def rows(history: History, sought: PartSearch) -> Iterator[Sequence[Cell]]:
    """Every part sought, newest first, read in pages."""
    after = ""
    while True:
        page = history.search(sought, after=after, limit=_PAGE)
        yield from (_row(line) for line in page.items)
        after = page.following
        if not after:
            return


def write_csv(path: Path, found: Iterable[Sequence[Cell]]) -> int:
    """Write UTF-8 CSV (with the mark that Excel needs to know it); give how many rows it has.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.

    Raises:
        ConfigError: the file cannot be written.
    """
    number = 0
    try:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in found:
                writer.writerow([_harmless(value) for value in row])
                number += 1
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return number


def _harmless(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _row(line: PartLine) -> Sequence[Cell]:
    evidence, decision = line.evidence, line.decision
    return (
        line.journal_seq,
        str(line.result_id),
        line.station,
        line.part.series,
        line.part.part_seq,
        line.part.serial,
        line.part.lot,
        line.opened_utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        line.outcome.name,
        line.reason,
        decision.rule,
        decision.measured if isfinite(decision.measured) else None,
        decision.limit if isfinite(decision.limit) else None,
        decision.unit,
        " ".join(line.labels),
        line.defects,
        line.recipe.name,
        line.recipe.sha256,
        line.model.name,
        line.model.version,
        evidence.path if evidence else "",
        evidence.sha256 if evidence else "",
        line.kept_probability,
        line.opinion.value if line.opinion else "",
        line.true_outcome,
        line.reviewer,
    )
