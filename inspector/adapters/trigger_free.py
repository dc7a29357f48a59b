"""A trigger for stations without a PLC: our own counter, the frame is the trigger."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict, Field

from inspector.domain.frame import seq_after
from inspector.ports.plugin import Context, Plugin
from inspector.ports.trigger import TriggerEvent, TriggerPosition


class FreeTriggerSettings(BaseModel):
    """How fast parts come, and the number before the first one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: float = Field(default=0.0, ge=0, le=3600, description="Seconds between parts; 0: as fast as asked.")
    start_after: int = Field(
        default=0, ge=0, le=0xFFFFFFFF, description="The part number before the first one; 0 for a new counter."
    )


class FreeTrigger:
    """Counts by itself; with an interval of 0 every call of ``wait`` is a part."""

    def __init__(self, settings: FreeTriggerSettings) -> None:
        self._interval_s = settings.interval_s
        self._part_seq = settings.start_after
        self._due: float | None = None
        self._pause = threading.Event()  # never set: a wait that ends with its time

    @property
    def counted_by(self) -> str:
        """The line counts: completeness cannot be proved across a power loss."""
        return "line"

    def position(self, timeout_s: float) -> TriggerPosition:  # noqa: ARG002 - a port's signature
        """The last number given; nobody echoes."""
        return TriggerPosition(part_seq=self._part_seq, echo_seq=None)

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """The next number when its time has come. Parts that were due while nobody asked are not made up."""
        now = time.monotonic()
        due = now if self._due is None else self._due
        if due > now + timeout_s:
            self._pause.wait(timeout_s)
            return None
        if due > now:
            self._pause.wait(due - now)
        at = time.monotonic()
        self._due = max(due + self._interval_s, at)
        self._part_seq = seq_after(self._part_seq)
        return TriggerEvent(part_seq=self._part_seq, at=at)


@contextmanager
def _open(settings: FreeTriggerSettings, context: Context) -> Iterator[FreeTrigger]:  # noqa: ARG001 - a port's signature
    yield FreeTrigger(settings)


PLUGIN = Plugin(settings_model=FreeTriggerSettings, open=_open)
