"""Whether what the book holds is published: how far behind, or how long away, a sink may be before that is ill."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from inspector.ports.liveness import Life, Liveness

BEHIND = 1000
"""Records that wait for one sink: more are ill, as more parts that wait for their records are (journal.behind)."""
AWAY = timedelta(seconds=60)
"""A sink that takes nothing for so long is ill, however little waits: a broker that is started anew is back before."""


def trouble(follower: Liveness, sinks: Sequence[str], at: datetime) -> str:
    """Why publishing is ill at this moment; "" where it is well, where nothing is to be published, or at the start.

    ``follower``: what the publishing process last said; ``sinks``: those that the settings name.
    """
    if not sinks or follower.life is Life.UNKNOWN:
        return ""
    if follower.life is not Life.ALIVE:
        return "the follower does not answer: nothing is published"
    told = follower.status.get("sinks", {})
    return next((why for name in sinks if (why := _sink(name, told.get(name, {}), at))), "")


def _sink(name: str, told: Mapping[str, Any], at: datetime) -> str:
    lag = told.get("lag")
    if isinstance(lag, int) and lag > BEHIND:
        return f"{name}: {lag} records wait, {BEHIND} may; {told.get('reason') or 'it takes them too slowly'}"
    if not told.get("alive", True):
        since = datetime.fromisoformat(str(told["since_utc"]))
        if at - since > AWAY:
            waiting = "?" if lag is None else lag
            return f"{name}: away since {told['since_utc']}, {waiting} records wait; {told['reason']}"
    return ""
