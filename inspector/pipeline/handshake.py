"""The newest parts' handshake with the gate: trigger, result, answer, and how long each took."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspector.domain.inspection import GateTold, OpenedPart
from inspector.domain.verdict import Verdict

KEPT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One part's. ``told_ms``, ``answered_ms``: after its trigger; None: not, or not yet."""

    opened: OpenedPart
    outcome: str
    rule: str
    told: GateTold
    told_ms: float | None
    answered_ms: float | None = None


class Handshake:
    """Any thread may call; it keeps ``KEPT`` parts and never waits for anybody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, _Exchange] = OrderedDict()
        self._early: OrderedDict[int, list[tuple[GateTold, float]]] = OrderedDict()

    def told(self, opened: OpenedPart, verdict: Verdict, told: GateTold, at: float | None) -> None:
        """A part's result left the house by ``at`` (monotonic seconds), or did not (None)."""
        part_seq = opened.part.part_seq
        exchange = _Exchange(
            opened=opened,
            outcome=verdict.outcome.name,
            rule=verdict.decision.rule,
            told=told,
            told_ms=None if at is None else (at - opened.opened_at) * 1e3,
        )
        with self._lock:
            self._kept.pop(part_seq, None)
            for came, when in self._early.pop(part_seq, ()):  # the gate was faster than the thread that told it
                exchange = _after(exchange, came, when)
            self._kept[part_seq] = exchange
            _trim(self._kept)

    def answered(self, part_seq: int, told: GateTold, at: float) -> None:
        """The gate confirmed something of a part at ``at`` (monotonic seconds)."""
        with self._lock:
            if part_seq in self._kept:
                self._kept[part_seq] = _after(self._kept[part_seq], told, at)
            else:
                self._early[part_seq] = [*self._early.pop(part_seq, []), (told, at)][-KEPT:]
                _trim(self._early)

    def newest(self) -> Sequence[dict[str, Any]]:
        """Newest first, JSON-ready."""
        with self._lock:
            kept = list(reversed(self._kept.values()))
        return [
            {
                "part_seq": one.opened.part.part_seq,
                "part_id": one.opened.part.serial,
                "job": one.opened.recipe.job,
                "encoder": one.opened.encoder,
                "trigger_utc": one.opened.opened_utc.isoformat().replace("+00:00", "Z"),
                "outcome": one.outcome,
                "rule": one.rule,
                "told": one.told.value,
                "told_ms": _tenths(one.told_ms),
                "answered_ms": _tenths(one.answered_ms),
            }
            for one in kept
        ]


def _after(exchange: _Exchange, told: GateTold, at: float) -> _Exchange:
    """What is known once the gate confirmed this; an answer from before its trigger is another part's."""
    took_ms = (at - exchange.opened.opened_at) * 1e3
    if took_ms < 0:
        return exchange
    told_ms = took_ms if told is GateTold.SENT else exchange.told_ms
    return replace(exchange, told=told, told_ms=told_ms, answered_ms=took_ms if told is GateTold.ACKNOWLEDGED else None)


def _trim(kept: OrderedDict[int, Any]) -> None:
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _tenths(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
