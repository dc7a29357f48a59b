"""`inspector follow`: publish what stands in the journal."""

from typing import Annotated

import typer

from inspector.app import options, service
from inspector.app.exits import EX_UNAVAILABLE, speaking_plainly
from inspector.app.following import follow_station, replay_station
from inspector.app.parts import check_parts

Range = tuple[int, int]


def follow(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    replay: Annotated[
        Range | None,
        typer.Option("--replay", metavar="FROM TO", help="Send journal_seq FROM to TO once more, then end."),
    ] = None,
    sink: Annotated[
        str | None,
        typer.Option("--sink", help="With --replay: only to the sink of this name [default: every one but files]."),
    ] = None,
) -> None:
    """Follow the journal of one station and deliver to its sinks, until SIGTERM.

    Example: inspector follow --station left
    Example: inspector follow --station left --replay 1200 1240
    """
    service.configure_logs()
    with speaking_plainly():
        parts = check_parts(options.load(config, station))
        if replay is not None:
            refused = replay_station(parts, replay[0], replay[1], only=sink)
            raise SystemExit(EX_UNAVAILABLE if refused else 0)
        with service.stop_on_signals() as stop:
            raise SystemExit(follow_station(parts, stop))
