"""`inspector recipe release`: give a slot back to its file, while the line does not run."""

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from inspector.adapters import journal_sql
from inspector.adapters.journal_sql import PeoplesBook, SqlRecorder
from inspector.app import options
from inspector.app.exits import speaking_plainly
from inspector.app.parts import journal_of, slots_of
from inspector.domain.activation import Wish
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.request import Answer, RequestState

_FLUSH_S = 10.0
_NEWEST = 200


def release_recipe(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the audit trail.")],
    slot: Annotated[
        str, typer.Option("--slot", help="The recipe's name in the settings [default: station.recipe].")
    ] = "",
) -> None:
    """Give a recipe back to its file: the line's next start loads what the file says, whatever was activated.

    For a revision that was activated and fits no more. The line must not run; while it does, the operators' station
    activates and rolls back.

    Example: inspector recipe release --station left --reason "new camera, new scale"
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        chosen, journal = slot or slots_of(loaded)[0], journal_of(loaded)
        if not journal_sql.stands_at(journal):
            raise ConfigError(f"journal {journal}: nothing was ever activated at station {loaded.name}")
        with (
            journal_sql.open_recorder(journal, station=loaded.name) as pen,  # BusyError where the line runs
            journal_sql.open_for_people(journal, station=loaded.name) as book,
        ):
            _end_what_is_open(pen, book, loaded.name)
            known = book.activations.in_force()
            if chosen not in known:
                there = ", ".join(known) or "none"
                raise ConfigError(f"--slot {chosen!r}: nothing is activated there; slots with an activation: {there}")
            now, before = datetime.now(UTC), known[chosen].wish
            wish = Wish(slot=chosen, name=before.name, sha256="", before=before.sha256, reason=reason)
            number = book.activations.ask(wish, by=f"{getpass.getuser()}, inspector recipe release", at_utc=now)
            text = f"slot {chosen} is given back to its file"
            _answer(pen, loaded.name, number, RequestState.DONE, text)
        sys.stdout.write(f"{text}; recipe {before.name} revision {before.sha256[:12]} is in use no more\n")


def _end_what_is_open(pen: SqlRecorder, book: PeoplesBook, station: str) -> None:
    """What was asked of a line that is no more is over, as its next start would say."""
    for one in book.activations.activations(limit=_NEWEST):
        if one.state is None:
            _answer(pen, station, one.request, RequestState.ENDED, "the line did not run")


def _answer(pen: SqlRecorder, station: str, request: int, state: RequestState, text: str) -> None:
    """Into the book and its audit chain.

    Raises:
        JournalError: the disk did not take it.
    """
    pen.note(Answer(request=request, station=station, state=state, text=text, at_utc=datetime.now(UTC)))
    if not pen.flush(_FLUSH_S):
        raise JournalError(f"the journal of station {station} is not written: {pen.health().error}")
