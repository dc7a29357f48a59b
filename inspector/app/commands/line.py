"""`inspector line`: judge parts, for months."""

import json
from pathlib import Path

import structlog

from inspector.app import build, options, service
from inspector.app.exits import speaking_plainly
from inspector.app.parts import check_parts

log = structlog.get_logger(__name__)

_OUTCOMES = ("pass", "fail", "undecided")


def line(config: options.Config = None, station: options.StationName = None) -> None:
    """Run the line of one station until SIGTERM. Its last log event, line.ended, says why it ended and what it judged.

    Example: inspector line --config /etc/inspector --station left
    """
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        parts = check_parts(options.load(config, station))
        with build.open_line(parts, stop) as running:
            code = running.run(notify=service.notify)
        why = "failed" if code else stop.why or "source ended"
        judged = _judged(parts.run_dir / "status.json")
        log.info("line.ended", why=why, exit_code=code, parts=sum(judged.values()), **judged)
        raise SystemExit(code)


def _judged(status: Path) -> dict[str, int]:
    """Parts by outcome, as the line last wrote them into its status file."""
    counters = json.loads(status.read_text(encoding="utf-8"))["counters"]
    return {outcome: int(counters[outcome]) for outcome in _OUTCOMES}
