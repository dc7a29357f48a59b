"""What puts metal where the verdict says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Protocol, runtime_checkable

from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import Disposal, GateTold
from inspector.domain.verdict import Verdict


class LineState(IntFlag):
    """What the line tells the PLC of itself. Error always comes with NG.

    BUSY: a part is opened and not yet told, as it is looked at four times a second; also while the line ends.
    """

    NONE = 0
    ONLINE = 1
    READY = 2
    BUSY = 4
    ERROR = 8
    DEGRADED = 16
    BYPASS = 32
    RUN_PERMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What is known of one part at the gate. ``at``: monotonic seconds."""

    part_seq: int
    told: GateTold
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHealth:
    """Whether the other side lives (an echoed heartbeat proves it), and why not.

    ``thread_alive``: False once the thread that keeps the link has ended unasked; then the link never comes back, and
    only a new process mends it.
    """

    alive: bool
    reason: str
    thread_alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcWish:
    """What the PLC asks of the line. Everything is "not asked" while its link is dead.

    ``job``: number requested, 0: none. ``clear_error``: the bit rose since it was last asked for. The others are as
    they stand: ``stop`` the belt is stopped, ``bin_full`` the reject bin is full, ``bypass`` verdicts are ignored,
    ``enable`` verdicts are wanted.
    """

    job: int = 0
    clear_error: bool = False
    stop: bool = False
    bin_full: bool = False
    bypass: bool = False
    enable: bool = False


class PassRefusedError(DeviceError):
    """The gate is well, and a PASS no longer cancels the reject of this part. ``rule``: the law it fell under."""

    def __init__(self, device: str, reason: str, *, rule: str) -> None:
        super().__init__(device, reason)
        self.rule = rule


class Gate(Protocol):
    """Rejects by default; only a PASS in time cancels the reject."""

    def expect(self, part: PartId, *, deadline: float) -> None:
        """Schedule the DEFAULT REJECT of ``part``. ``deadline``: monotonic seconds. Never blocks."""
        ...

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        """Tell the verdict of ``part`` before ``deadline`` (monotonic seconds); returns once it is told. Any thread.

        Where the PLC fetches the results (``Fetched``) it returns once the result may be read, until ``deadline``.
        Blocks at most 100 ms. A dry gate tells nobody and returns at once.

        Raises:
            DeviceError: it was not told, or not in time; the default reject stands.
            PassRefusedError: nobody was told: the part is at the ejector, or was condemned.
        """
        ...

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """Confirmations that came since the last call; waits up to ``timeout_s`` for the first. Any one thread."""
        ...


class Annunciator(Protocol):
    """The gate's other half: state towards the PLC, and life from it."""

    def announce(self, state: LineState) -> None:
        """Show this state to the PLC from now on (with the next heartbeat at the latest). Never blocks."""
        ...

    def link(self) -> LinkHealth:
        """Whether the PLC lives. A dry gate's link is alive."""
        ...

    def plc_word(self) -> PlcWish:
        """What the PLC asks now. Each rise of ``clear_error`` is given once: ask from one place. Never blocks."""
        ...


@runtime_checkable
class Ejecting(Protocol):
    """A gate that moves the ejector itself, and knows what became of each part. Any thread; never blocks."""

    def disposals(self) -> Sequence[Disposal]:
        """What became of parts since the last call."""
        ...

    def occurrences(self) -> Sequence[tuple[str, str]]:
        """Code and text of what a person must look into, since the last call."""
        ...

    def conditions(self) -> Mapping[str, str]:
        """Code and text of what is wrong now, and is over by itself."""
        ...

    def balance(self) -> Mapping[str, int]:
        """Parts that entered, and where they went."""
        ...


@runtime_checkable
class Fetched(Protocol):
    """A gate whose PLC may fetch the results by itself: ``signal`` then returns before anybody was told."""

    def fetched(self) -> bool:
        """Whether a part is told only once ``confirmations`` says so: SENT: the PLC has read it."""
        ...


@runtime_checkable
class Checksummed(Protocol):
    """A gate that shows the PLC 16 bits of what is judged by, so that a change is seen there too."""

    def configured(self, checksum: int) -> None:
        """Show this checksum from now on. Never blocks."""
        ...


@runtime_checkable
class Wired(Protocol):
    """A gate with a remote I/O module, as a technician sees that one. Any thread; never blocks."""

    def module(self) -> str:
        """Which one, in the station's words."""
        ...

    def module_link(self) -> LinkHealth:
        """Whether it answers."""
        ...

    def module_words(self) -> Mapping[str, int]:
        """Inputs and counters as they were read last, outputs as they were written last, by the settings' names.

        On is 1, whatever level the wire has. What is not wired may be in it: the settings say what is.
        """
        ...


@runtime_checkable
class Panel(Protocol):
    """What a technician sees of the words between station and PLC, and may drive, there or at a remote I/O module."""

    def words(self) -> Mapping[str, int]:
        """Every bit and word as it stands, by the names of the symbol list; none without a PLC. Never blocks."""
        ...

    def outputs(self) -> Sequence[str]:
        """Names of the bits that ``force`` drives. Never blocks."""
        ...

    def force(self, outputs: Mapping[str, bool]) -> None:
        """Drive exactly these outputs from now on; none: everything is released. Never blocks.

        While one is driven, ready and run_permit are low, and an error bit that is driven high still never comes with
        an OK.
        """
        ...
