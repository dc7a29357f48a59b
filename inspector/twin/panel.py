"""What people, the recipe plan and the bin tell the simulated PLC, in either role. Pure: times are given."""

from dataclasses import dataclass

_BUTTON_S = 1.0


@dataclass(slots=True)
class Panel:
    """``jobs``: asked for in turn, part by part; none: always ``job``."""

    job: int = 0
    jobs: tuple[int, ...] = ()
    bin_full: bool = False
    _job_asked: int | None = None
    _pressed: bool = False
    _released_at: float = 0.0

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
