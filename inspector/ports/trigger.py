"""What starts a part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerEvent:
    """One part came. ``at``: monotonic seconds when we learnt of it. ``encoder``: counts, None if not wired.

    ``since``, ``by``: it came between these two: the source was not looked at meanwhile; None: ``at``.

    ``part_id`` and ``lot`` are "" and ``job`` is 0 where the source does not tell them. ``restarted``: the source
    showed that its counter began anew at 1 since the event before, whatever this number is: 1 to ``part_seq`` are
    new parts, even where their numbers came before.
    """

    part_seq: int
    at: float
    encoder: int | None = None
    part_id: str = ""
    lot: str = ""
    job: int = 0
    restarted: bool = False
    since: float | None = None
    by: float | None = None

    @property
    def latest(self) -> float:
        """The last moment at which it can have come."""
        return self.at if self.by is None else self.by

    @property
    def unsure_s(self) -> float:
        """How long the time is in which it came."""
        return self.latest - (self.at if self.since is None else self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPosition:
    """Where the counter stands at start-up: the last trigger counted and the last result the gate echoed.

    ``part_seq`` 0: nothing counted yet. ``echo_seq`` None: this source echoes nothing; 0: none since the counter began.
    ``restarted``: the source was seen to begin its counter anew before this call.
    """

    part_seq: int
    echo_seq: int | None = None
    restarted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedId:
    """The source told ``told`` as a part's id at its trigger, and ``now`` before it had acknowledged the part."""

    part_seq: int
    told: str
    now: str


class Trigger(Protocol):
    """A source of parts. In free run the frame is the trigger."""

    @property
    def counted_by(self) -> str:
        """``"plc"``, ``"gate"`` or ``"line"``: only with "plc" can completeness be proved across a power loss.

        ``"gate"``: the PLC starts each part, and the gate numbers them. ``"line"``: in free run the frame is the part.
        """
        ...

    def position(self, timeout_s: float) -> TriggerPosition:
        """Read the counter as it stands now, waiting up to ``timeout_s``. Call before the first ``wait``.

        Parts counted after this call are reported by ``wait``.

        Raises:
            DeviceError: the source does not answer.
        """
        ...

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """Wait for the next part; None after ``timeout_s``. Called by one thread.

        Part numbers may skip (parts the source counted while we were not looking); the caller accounts for
        every number in between.

        Raises:
            DeviceError: the source is lost; ``wait`` may be called again, the adapter reconnects by itself.
        """
        ...


@runtime_checkable
class IdsWatched(Protocol):
    """A trigger whose part ids stand where they can be read until the part is acknowledged."""

    def changed_ids(self) -> Sequence[ChangedId]:
        """Parts whose id did not stay as it was at the trigger, since the last call. Any thread; never blocks."""
        ...
