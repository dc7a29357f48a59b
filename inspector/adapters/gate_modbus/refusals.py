"""What may not be told to a PLC, in either role: one rule for both."""

from inspector.domain.frame import SEQ_MODULUS
from inspector.ports.gate import LinkHealth


def why_not(
    part_seq: int, *, ok: bool, error: bool, stopping: bool, health: LinkHealth, now: float, deadline: float
) -> str:
    """Why a result must not be told; "" where it may. ``ok``: it enables the part; ``now``, ``deadline``: monotonic."""
    if not 0 < part_seq < SEQ_MODULUS:
        return "part numbers are 1 to 4294967295"
    if now >= deadline:
        return f"{(now - deadline) * 1000:.0f} ms late"
    if stopping:
        return "the gate is closing"
    if not health.alive:
        return health.reason
    if ok and error:
        return "the error bit is set, and never comes with an OK"
    return ""
