"""Composes the publishing process: one follower for each sink the settings name."""

import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from inspector.adapters import journal_sql
from inspector.app import service
from inspector.app.exits import EX_DATAERR
from inspector.app.parts import SOFTWARE, Parts, make_folders
from inspector.app.wiring import sink_words
from inspector.domain.errors import ConfigError
from inspector.pipeline.follow import Follower, replay, run_all
from inspector.pipeline.herald import Herald
from inspector.pipeline.liveness import StatusWatch
from inspector.pipeline.sink_board import SinkBoard
from inspector.pipeline.status import StatusFile


def follow_station(parts: Parts, stop: threading.Event) -> int:
    """Follow until ``stop``; the exit code."""
    _require_sinks(parts)
    make_folders(parts)
    with ExitStack() as stack:
        journal = stack.enter_context(journal_sql.open_journal(parts.journal, station=parts.loaded.name))
        followers = []
        for name, plugin, settings in parts.sinks:
            sink = stack.enter_context(plugin.open(settings, parts.context))
            herald = Herald(
                station=parts.loaded.name,
                software=SOFTWARE,
                watch=StatusWatch(parts.run_dir / "status.json"),
                capabilities=(
                    "result",
                    "disposal",
                    "review/verdict",
                    "alarm/event",
                    "audit/head",
                    "book/head",
                    "replay",
                ),
                audit=journal.audit_head,
                book=journal.book_head,
            )
            followers.append(Follower(journal, journal, sink, name=name, herald=herald))
        board = SinkBoard(
            followers,
            StatusFile(parts.run_dir, "follow"),
            {name: sink_words(settings) for name, _, settings in parts.sinks},
        )

        def idle() -> None:
            board.look()
            service.notify("WATCHDOG=1")

        service.notify("READY=1")
        code = run_all(followers, stop, idle=idle)
        board.leave()
        service.notify("STOPPING=1")
        if code:
            raise SystemExit(code)  # through the open sinks, so that their Last Will is not taken back
    return 0


def replay_station(parts: Parts, first: int, last: int, *, only: str | None) -> Sequence[tuple[int, str]]:
    """Deliver a range once more; what a sink refused. A range behind the journal's end ends the process with 65."""
    _require_sinks(parts)
    if not 1 <= first <= last:
        raise ConfigError(f"--replay {first} {last}: FROM must be at least 1 and TO not below it")
    names = [name for name, _, _ in parts.sinks]
    if only is not None and only not in names:
        raise ConfigError(f"--sink {only!r} is unknown; there are: {', '.join(names)}")
    refused: list[tuple[int, str]] = []
    with journal_sql.open_journal(parts.journal, station=parts.loaded.name, read_only=True) as journal:
        head = journal.head()
        if head < first:
            sys.stderr.write(f"inspector: --replay {first} {last}: the journal ends at {head}\n")
            raise SystemExit(EX_DATAERR)
        if head < last:
            sys.stderr.write(f"inspector: --replay {first} {last}: the journal ends at {head}; no more can be sent\n")
            last = head
        for name, plugin, settings in parts.sinks:
            if name != only and (only is not None or not plugin.replayable):
                continue
            with plugin.open(settings, parts.context) as sink:
                done = replay(journal, sink, first, last)
            refused += done.refused
            sys.stdout.write(f"{name}: {done.delivered} records of {first} to {last} delivered again\n")
    for journal_seq, reason in refused:
        sys.stderr.write(f"inspector: record {journal_seq} was refused: {reason}\n")
    return refused


def _require_sinks(parts: Parts) -> None:
    if not parts.sinks:
        where = parts.loaded.origin(("sink",))
        raise ConfigError(f"{where}: no [[sink]] is set; a sample for each kind stands in config/samples")
