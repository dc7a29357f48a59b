"""Alarms as people see them: what stands now, what was, and what they say to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inspector.domain.inspection import AlarmEvent
from inspector.ports.history import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlarm:
    """An alarm that was raised and not cleared.

    ``acknowledged_by``: "" by nobody; ``shelved_until``: None where it is not shelved.
    """

    station: str
    code: str
    text: str
    raised_utc: datetime
    details: Mapping[str, str]
    acknowledged_by: str
    shelved_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLine:
    """One event of the alarm journal with its number."""

    journal_seq: int
    event: AlarmEvent


class AlarmDesk(Protocol):
    """Each call may raise JournalError."""

    def standing(self) -> Sequence[StandingAlarm]:
        """Every alarm that stands, the newest first."""
        ...

    def alarms(self, *, code: str = "", after: str = "", limit: int = 50) -> Page[AlarmLine]:
        """The alarm journal, newest first, at most 200. Raises ValueError for an ``after`` that is not ours."""
        ...

    def say(self, event: AlarmEvent) -> int:
        """Write that a person acknowledged, shelved or unshelved an alarm (``details["by"]``); give its journal_seq.

        Who acknowledges the same raising again is given the number of the first time, and nothing is written.
        """
        ...
