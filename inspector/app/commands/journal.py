"""`inspector journal`: prove the book, and take parts out of it."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from inspector.adapters import journal_sql
from inspector.app import options
from inspector.app.commands import journal_export
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.parts import JOURNAL_FILE
from inspector.domain.chain import AuditHead
from inspector.domain.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="The book of inspections.")
app.command("export")(journal_export.export)


@app.callback()
def root() -> None:
    """Prove the book of inspections."""


@app.command()
def verify(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    plc_count: Annotated[
        int | None, typer.Option("--plc-count", min=0, help="What the PLC's own trigger counter says.")
    ] = None,
    audit_head: Annotated[
        str | None,
        typer.Option("--audit-head", metavar="NUMBER:SHA256", help="A head that was published as audit/head."),
    ] = None,
    book_head: Annotated[
        str | None,
        typer.Option("--book-head", metavar="NUMBER:SHA256", help="A head that was published as book/head."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Prove that every part has one Inspection and that the audit chain holds; exit 1 and say what is wrong otherwise.

    Example: inspector journal verify --station left --plc-count 48211
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        path = loaded.path("data_dir") / loaded.name / JOURNAL_FILE
        proof = journal_sql.verify(
            path,
            station=loaded.name,
            plc_count=plc_count,
            audit_head=_head("audit", audit_head) if audit_head else None,
            book_head=_head("book", book_head) if book_head else None,
        )
        content = {
            "holds": not proof.findings,
            "inspections": proof.inspections,
            "open": proof.open,
            "journal_seq": proof.journal_seq,
            "plc_count": proof.plc_count,
            "audit_head": f"{proof.audit.number}:{proof.audit.sha256}",
            "book_head": f"{proof.book.number}:{proof.book.sha256}",
            "missing": [part.part_seq for part in proof.missing],
            "doubled": [part.part_seq for part in proof.doubled],
            "findings": list(proof.findings),
        }
        if as_json:
            sys.stdout.write(json.dumps(content) + "\n")
        else:
            sys.stdout.write("".join(f"{key:12} {value}\n" for key, value in _as_text(content)))
        raise SystemExit(EX_FINDINGS if proof.findings else 0)


def _head(whose: str, text: str) -> AuditHead:
    """NUMBER:SHA256 as a head of the audit chain or of the book.

    Raises:
        ConfigError: it is something else.
    """
    number, _, sha256 = text.partition(":")
    if not number.isdecimal() or re.fullmatch("[0-9a-f]{64}", sha256) is None:
        raise ConfigError(f"--{whose}-head {text!r}: NUMBER:SHA256 is right, as {whose}/head carries them")
    return AuditHead(number=int(number), sha256=sha256)


def _as_text(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if key == "findings":
            yield from ((key if at == 0 else "", finding) for at, finding in enumerate(value or ["none"]))
        elif key in {"missing", "doubled"}:
            yield key, ", ".join(_ranges(value)) or "none"
        elif key == "holds":
            yield key, "yes" if value else "no"
        else:
            yield key, "not given" if value is None else str(value)


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Numbers that follow each other as one range."""
    first = last = None
    for number in [*numbers, None]:
        if first is not None and last is not None and number == last + 1:
            last = number
            continue
        if first is not None:
            yield str(first) if first == last else f"{first} to {last}"
        first = last = number
