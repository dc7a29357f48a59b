"""What guards a line that moves metal and must be set for its parts: no default would be right for all of them."""

from collections.abc import Iterator

from inspector.app.settings import Loaded
from inspector.app.surroundings import Finding

_ABOUT = "docs/tracking.md"


def findings(loaded: Loaded) -> Iterator[Finding]:
    """Those that are off on a station with a real ejector."""
    settings = loaded.settings
    if settings.gate.get("kind") == "dry" or settings.station.simulated:
        return
    if not settings.station.stop_after_rejects:
        yield Finding(
            name="rejects in a row",
            level="warn",
            found="station.stop_after_rejects = 0: however many parts in a row do not pass, the belt runs on",
            remedy=f"set a number that chance does not reach on this line; 10 is right for most ({_ABOUT})",
        )
    if not settings.station.min_pitch_ms and settings.trigger.get("kind") == "gate":
        yield Finding(
            name="double triggers",
            level="warn",
            found="station.min_pitch_ms = 0: a part that the light gate counts twice is two parts",
            remedy=f"set {_shortest(loaded)} ({_ABOUT})",
        )


def _shortest(loaded: Loaded) -> str:
    """Half the time between two parts that follow each other as closely as they may."""
    table = loaded.settings.ejector
    if loaded.settings.tracking == "plc":
        return "half the shortest time between two parts"
    return f"half the shortest time between two parts: {table.min_pitch_mm / table.speed_mm_s / 2 * 1e3:.0f}"
