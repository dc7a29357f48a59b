"""Who is told what stands in the journal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One event as the world reads it.

    ``kind``: "result" | "disposal" | "review/verdict" | "alarm/event". ``schema``: e.g. "inspector.result/1".
    ``payload``: JSON-ready, with ``journalSeq``.
    """

    journal_seq: int
    kind: str
    schema: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A state that is retained, not a record: ``topic`` "state", "info", "counters" ...; None clears it."""

    topic: str
    payload: Mapping[str, Any] | None


class Sink(Protocol):
    """One receiver, opened. It delivers in order and tells how far it came."""

    def deliver(self, batch: Sequence[Publication], done: Callable[[int], None]) -> None:
        """Deliver in order; call ``done(journal_seq)`` as each one is the receiver's for good.

        Called by one thread with consecutive records; returns when all are done.

        Raises:
            DeliveryError: the receiver is away (``refused`` False), or refused the first record that is not
                done (``refused`` True).
        """
        ...

    def announce(self, announcement: Announcement) -> None:
        """Publish a retained state if the sink has such a thing; best effort, never raises for absence."""
        ...
