"""`inspector journal export`: parts as a table, or reviewed pictures as labels."""

import getpass
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from inspector.adapters import export_xlsx, journal_sql
from inspector.app import options
from inspector.app.exits import speaking_plainly
from inspector.app.export import labels, table
from inspector.app.export.sought import is_sought
from inspector.app.parts import JOURNAL_FILE
from inspector.domain.shifts import Span
from inspector.domain.verdict import Outcome
from inspector.ports.history import PartSearch

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - typer gives times without a zone; they are taken as UTC
_FAR = datetime(9999, 1, 1)  # noqa: DTZ001 - as above


class Format(Enum):
    """What is written: a table of parts, or reviewed pictures with labels."""

    CSV = "csv"
    XLSX = "xlsx"
    COCO = "coco"
    YOLO = "yolo"
    CVAT = "cvat"


def export(  # noqa: PLR0913 - one parameter an option, that is how typer reads them
    kind: Annotated[Format, typer.Argument(help="csv | xlsx: parts; coco | yolo | cvat: reviewed pictures.")],
    out: Annotated[Path, typer.Argument(help="The file (csv, xlsx) or the new folder (coco, yolo, cvat).")],
    config: options.Config = None,
    station: options.StationName = None,
    *,
    lot: Annotated[str, typer.Option("--lot", help="Only this lot.")] = "",
    label: Annotated[str, typer.Option("--defect", help="Only parts with this class of defect.")] = "",
    outcome: Annotated[str, typer.Option("--outcome", help="PASS, FAIL or UNDECIDED.")] = "",
    recipe: Annotated[str, typer.Option("--recipe", help="Only parts that this recipe judged.")] = "",
    since: Annotated[datetime, typer.Option("--since", help="Triggers from then on, UTC.")] = _EPOCH,
    until: Annotated[datetime, typer.Option("--until", help="Triggers before then, UTC.")] = _FAR,
    disagreement: Annotated[bool, typer.Option("--overruled", help="Only parts that a review overruled.")] = False,
    as_json: options.Json = False,
) -> None:
    """Write parts as CSV or XLSX, or reviewed pictures as COCO, YOLO or CVAT. The export stands in the audit chain.

    Example: inspector journal export xlsx rejects.xlsx --station left --outcome FAIL --since 2026-11-24
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        folder = loaded.path("data_dir") / loaded.name
        timed = (since, until) != (_EPOCH, _FAR)
        span = Span(start_utc=since.replace(tzinfo=UTC), end_utc=until.replace(tzinfo=UTC)) if timed else None
        sought = PartSearch(
            lot=lot,
            label=label,
            opened=span,
            outcome=_outcome(outcome),
            recipe=recipe,
            disagreement=disagreement,
        )
        with journal_sql.open_for_people(folder / JOURNAL_FILE, station=loaded.name) as book:
            if kind in {Format.CSV, Format.XLSX}:
                told = _table(kind, out, book, sought)
            else:
                reviewed = (
                    (born, said) for born, said in book.archive.reviewed() if is_sought(born, said.review, sought)
                )
                done = labels.write_labels(out, kind.value, reviewed, evidence=folder / "evidence")
                told = {"pictures": done.pictures, "labels_by_person": done.by_person, **done.left_out}
            book.audit.record(
                who=getpass.getuser(),
                action="export.made",
                subject=kind.value,
                content={"file": str(out), **told},
                at_utc=datetime.now(UTC),
            )
        if as_json:
            sys.stdout.write(json.dumps({"format": kind.value, "out": str(out), **told}) + "\n")
        else:
            sys.stdout.write(f"{out}\n" + "".join(f"  {many:8} {what}\n" for what, many in told.items()))


def _table(kind: Format, out: Path, book: journal_sql.PeoplesBook, sought: PartSearch) -> Mapping[str, int]:
    found = table.rows(book.history, sought)
    if kind is Format.CSV:
        return {"parts": table.write_csv(out, found)}
    return {"parts": export_xlsx.write_xlsx(out, table.COLUMNS, found)}


def _outcome(name: str) -> Outcome | None:
    if not name:
        return None
    if name.upper() not in Outcome.__members__:
        raise typer.BadParameter(f"{name!r}: {', '.join(Outcome.__members__)} are right", param_hint="--outcome")
    return Outcome[name.upper()]
