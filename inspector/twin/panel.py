"""What people, recipe plan, code reader and bin tell the simulated PLC, in either role. Pure: times are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_BUTTON_S = 1.0
_SHOWN_S = 0.1


@dataclass(slots=True)
class Panel:
    """``jobs``: asked for in turn, part by part; none: always ``job``."""

    job: int = 0
    jobs: tuple[int, ...] = ()
    bin_full: bool = False
    _job_asked: int | None = None
    _pressed: bool = False
    _released_at: float = 0.0
    _repeated: set[int] = field(default_factory=set)
    _changed: dict[int, float] = field(default_factory=dict)
    _told_at: dict[int, float] = field(default_factory=dict)
    _skipped_from: int | None = None

    def press_clear_error(self) -> None:
        """A person presses the button: its bit is set for a second from the next scan on."""
        self._pressed = True

    def pressed(self, now: float) -> bool:
        """Whether the bit is set in this scan."""
        if self._pressed:
            self._pressed, self._released_at = False, now + _BUTTON_S
        return now < self._released_at

    def ask_for(self, job: int) -> None:
        """Ask for this job from now on, whatever is wired."""
        self._job_asked = job

    def wished(self, part_seq: int) -> int:
        """The job for this part."""
        if self._job_asked is not None:
            return self._job_asked
        return self.jobs[(part_seq - 1) % len(self.jobs)] if self.jobs else self.job

    def mislead(self, part_seq: int, faults: Mapping[str, float]) -> None:
        """The code reader goes wrong at this part, which is not counted yet."""
        if "plc-id-repeated" in faults:
            self._repeated.add(part_seq)
        if "plc-id-changed" in faults:
            self._changed[part_seq] = faults["plc-id-changed"] / 1e3
        if "plc-id-skipped" in faults:
            self._skipped_from = part_seq

    def part_id(self, part_seq: int, now: float) -> str:
        """The id that is told of this part."""
        prefix, number = "P", part_seq
        if part_seq in self._changed:
            told_at = self._told_at.setdefault(part_seq, now)
            prefix = "P" if now - told_at < self._changed[part_seq] else "X"
        if part_seq in self._repeated:
            number -= 1
        if self._skipped_from is not None and number >= self._skipped_from:
            number += 1
        return f"{prefix}{number % 10_000_000:07d}"

    def restless(self, part_seq: int, now: float) -> bool:
        """Whether this part's id is about to change, or has just done so: its trigger is held as long."""
        if part_seq not in self._changed:
            return False
        return now - self._told_at.setdefault(part_seq, now) < self._changed[part_seq] + _SHOWN_S
