"""Which alarms stand now: raised once, cleared once, each written in the book."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog

from inspector.domain.errors import JournalError
from inspector.domain.inspection import AlarmEvent

log = structlog.get_logger(__name__)


ANEW = "the line was started anew"


class AlarmBoard:
    """Standing alarms by code. Any thread may call it.

    ``write`` puts an event into the journal; it is called under the lock, so that the book has the events of a code in
    the order in which they came about.
    """

    def __init__(self, *, station: str, write: Callable[[AlarmEvent], None]) -> None:
        self._station = station
        self._write = write
        self._standing: dict[str, str] = {}
        self._lock = threading.Lock()

    def raise_alarm(self, code: str, text: str) -> None:
        """Raise ``code`` unless it stands already."""
        with self._lock:
            if code in self._standing:
                return
            self._standing[code] = text
            log.warning("alarm.raised", code=code, text=text)
            self._note(code, "raised", text)

    def clear(self, code: str) -> None:
        """Clear ``code`` if it stands."""
        with self._lock:
            text = self._standing.pop(code, None)
            if text is not None:
                log.info("alarm.cleared", code=code)
                self._note(code, "cleared", text)

    def begin_anew(self, left: Mapping[str, str]) -> None:
        """Clear in the book what a process that ended has ``left`` standing there: what lasts is raised again."""
        with self._lock:
            for code, text in left.items():
                if code not in self._standing:
                    log.info("alarm.cleared", code=code, reason=ANEW)
                    self._note(code, "cleared", f"{ANEW}; before: {text}", {"reason": ANEW})

    def standing(self) -> Mapping[str, str]:
        """Code and text of every standing alarm."""
        with self._lock:
            return dict(self._standing)

    def _note(self, code: str, action: str, text: str, details: dict[str, str] | None = None) -> None:
        now = datetime.now(UTC)
        event = AlarmEvent(
            code=code, station=self._station, action=action, text=text, at_utc=now, details=details or {}
        )
        try:
            self._write(event)
        except JournalError as error:
            log.error("alarm.unwritten", code=code, action=action, reason=str(error))  # noqa: TRY400 - no traceback: the reason says it
