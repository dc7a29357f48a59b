"""Counts and latencies of this run, for the status file and the summary."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from inspector.domain.frame import PartId
from inspector.domain.inspection import Timings
from inspector.domain.verdict import Outcome, Verdict

_WINDOW = 1_000
_LAST = 20
_TOO_SLOW = frozenset({"law.late", "law.overrun"})


class Tally:
    """Thread-safe. Latencies (trigger to gate, ms) are those of the newest 1000 parts looked at, late ones included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._latency_ms: deque[float] = deque(maxlen=_WINDOW)
        self._stages: dict[str, deque[float]] = {}
        self._in_a_row = self._late_in_a_row = 0
        self._last: deque[dict[str, Any]] = deque(maxlen=_LAST)

    def add(self, part: PartId, verdict: Verdict, timings: Timings) -> None:
        """Count one part; its times too if the model looked at it, in time or late."""
        with self._lock:
            self._outcomes[verdict.outcome.name] += 1
            self._in_a_row = 0 if verdict.outcome is Outcome.PASS else self._in_a_row + 1
            self._late_in_a_row = self._late_in_a_row + 1 if verdict.decision.rule in _TOO_SLOW else 0
            if verdict.outcome is Outcome.UNDECIDED:
                self._reasons[verdict.decision.rule] += 1
            if timings.infer > 0:
                self._latency_ms.append(timings.total)
                for stage in ("grab", "preprocess", "infer", "decode", "judge", "gate"):
                    self._stages.setdefault(stage, deque(maxlen=_WINDOW)).append(getattr(timings, stage))
            self._last.append({"partSeq": part.part_seq, "outcome": verdict.outcome.name, "reason": verdict.reason})

    @property
    def rejects_in_a_row(self) -> int:
        """Parts since the last one that passed, or since they were forgiven."""
        with self._lock:
            return self._in_a_row

    @property
    def late_in_a_row(self) -> int:
        """Newest parts whose verdict came too late, or that came too fast to be judged."""
        with self._lock:
            return self._late_in_a_row

    def forgive(self) -> None:
        """A person has seen to it: rejects in a row are counted from 0."""
        with self._lock:
            self._in_a_row = 0

    def counters(self) -> Mapping[str, int]:
        """Parts by outcome."""
        with self._lock:
            return {outcome.name.lower(): self._outcomes[outcome.name] for outcome in Outcome}

    def snapshot(self) -> dict[str, Any]:
        """Everything, JSON-ready."""
        with self._lock:
            return {
                "undecided_by_rule": dict(self._reasons),
                "latency_ms": percentiles(list(self._latency_ms)),
                "stages_ms": {stage: percentiles(list(values)) for stage, values in self._stages.items()},
                "last_parts": list(self._last),
            }


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p99 (nearest rank) and max, rounded to µs; empty for no values."""
    if not values:
        return {}
    ordered = sorted(values)

    def rank(share: float) -> float:
        return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3)

    return {"p50": rank(0.50), "p99": rank(0.99), "max": round(ordered[-1], 3)}
