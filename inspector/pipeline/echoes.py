"""What the gate made of the parts whose records wait, as far as it is known when each is written."""

import time
from dataclasses import replace

from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.handshake import Handshake
from inspector.pipeline.ticket import Judged
from inspector.ports.gate import Confirmation, Fetched, Gate

CYCLE_S = 0.05
"""How long after its deadline the reading of a result may still be reported: the scheduler's."""
LINK_BACK_S = 2.0
"""How long the echo is waited for of a result whose writing was not answered: a lost link is known after at most 1 s,
and tried again at least once a second. A gate that took that result moved the part by it, and the record says so.
"""
_REMEMBERED = 1024
_FINAL = frozenset({GateTold.ACKNOWLEDGED, GateTold.NOTHING})


class Echoes:
    """Owned by the record thread.

    A gate that writes its results has told a part when ``signal`` returned; its echo is waited for a little, and longer
    where the answer was lost: the first words that come over the link again tell what the gate made of it. A gate
    whose results the PLC fetches has told nobody by then: a part is told once the PLC has read it, and until its
    deadline that may happen. A PASS that nobody read as one is none.
    """

    def __init__(self, *, gate: Gate, handshake: Handshake, echo_timeout_s: float) -> None:
        self._gate = gate
        self._handshake = handshake
        self._echo_timeout_s = echo_timeout_s
        self._fetched = isinstance(gate, Fetched) and gate.fetched()
        self._known: dict[int, Confirmation] = {}
        self._later: dict[int, Confirmation] = {}
        self._series = 0

    def begins_anew(self, judged: Judged) -> bool:
        """Whether this part's numbers begin anew: an old echo is not this part's, and a new one no old part's."""
        return judged.ticket.opened.part.series != self._series

    def set_aside(self, judged: Judged) -> None:
        """What was confirmed since this part came, the first of its series, is of new parts: keep it for ``begin``."""
        self.hear(0.0)
        came_at = judged.ticket.opened.opened_at
        self._later = {seq: known for seq, known in self._known.items() if known.at >= came_at}
        self._known = {seq: known for seq, known in self._known.items() if known.at < came_at}

    def begin(self, judged: Judged) -> None:
        """Forget the old series: its parts are written."""
        self._series = judged.ticket.opened.part.series
        self._known = self._later

    def hear(self, timeout_s: float) -> None:
        """Take what the gate confirmed; wait up to ``timeout_s`` for the first."""
        for confirmation in self._gate.confirmations(timeout_s):
            self._known.pop(confirmation.part_seq, None)  # the newest stand last
            self._known[confirmation.part_seq] = confirmation
            self._handshake.answered(confirmation.part_seq, confirmation.told, confirmation.at)
        while len(self._known) > _REMEMBERED:
            self._known.pop(next(iter(self._known)))

    def patience_s(self, judged: Judged, since: float) -> float:
        """How long something may still be heard of this part, that waits since then; 0: nothing more is waited for."""
        if judged.told is GateTold.NOTHING:
            return 0.0
        known = self._known.get(judged.ticket.opened.part.part_seq)
        if known is not None and known.told in _FINAL:
            return 0.0
        until = since + self._echo_timeout_s
        if judged.wanted is not None:
            until = max(until, since + LINK_BACK_S)
        if known is None and self._to_be_fetched(judged):
            until = max(until, judged.ticket.deadline + CYCLE_S)
        return max(until - time.monotonic(), 0.0)

    def fate(self, judged: Judged) -> tuple[Verdict, GateTold]:
        """The verdict that the gate acted on, and what it was told; what is known of the part is forgotten."""
        if judged.told is GateTold.NOTHING:
            return judged.verdict, judged.told
        known = self._known.pop(judged.ticket.opened.part.part_seq, None)
        if self._to_be_fetched(judged):
            return _fetched(judged, known)
        told = judged.told if known is None else known.told
        if told is GateTold.ACKNOWLEDGED and judged.wanted is not None:
            return judged.wanted, told  # its answer was lost, the verdict was not: the gate acted on it
        return judged.verdict, told

    def _to_be_fetched(self, judged: Judged) -> bool:
        return self._fetched and judged.told is GateTold.SENT


def _fetched(judged: Judged, known: Confirmation | None) -> tuple[Verdict, GateTold]:
    """What became of a result that was laid out."""
    if known is not None and known.told in {GateTold.SENT, GateTold.ACKNOWLEDGED}:
        return judged.verdict, known.told
    over = time.monotonic() >= judged.ticket.deadline
    if known is not None and known.told is GateTold.UNKNOWN:
        told, rule, why = GateTold.UNKNOWN, "law.gate", "gate: the PLC read it, and did not acknowledge it as it was"
    elif over:
        told, rule, why = GateTold.NOTHING, "law.late", "late: the PLC had not read it by its deadline"
    elif known is not None:
        told, rule, why = GateTold.NOTHING, "law.gate", "gate: it was withdrawn before the PLC read it"
    else:
        told, rule, why = GateTold.UNKNOWN, "law.gate", "gate: the PLC had not read it as its record was written"
    if judged.verdict.outcome is not Outcome.PASS:
        return judged.verdict, told
    begun, late = judged.ticket.opened.opened_at, rule == "law.late"
    limit_ms = (judged.ticket.deadline - begun) * 1e3 if late else 0.0  # when it would have been read nobody knows
    decision = Decision(rule=rule, measured=limit_ms, limit=limit_ms, unit="ms" if late else "")
    return replace(judged.verdict, outcome=Outcome.UNDECIDED, reason=why, decision=decision), told
