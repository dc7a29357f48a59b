"""`inspector line`: judge parts, for months."""

from inspector.app import build, options, service
from inspector.app.exits import speaking_plainly


def line(config: options.Config = None, station: options.StationName = None) -> None:
    """Run the line of one station until SIGTERM.

    Example: inspector line --config /etc/inspector --station left
    """
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        parts = build.check(options.load(config, station))
        with build.open_line(parts, stop) as running:
            code = running.run(notify=service.notify)
        raise SystemExit(code)
