"""The results on their way to the PLC: one at a time, each told in time or withdrawn. Pure: times are given.

Not thread-safe: its owner holds a lock around every call.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from inspector.adapters.gate_modbus.layout import NO_RESULT, Result, ResultCode
from inspector.ports.gate import LineState

BLOCK_S = 0.075
"""How long a result may hold up its caller. The contract is 100 ms: the rest is the scheduler's."""
CAPACITY = 16
_LEAST_S = 0.005
_MARGIN = 0.9
_UNECHOED = 64


class JobState(Enum):
    """How far one result has come."""

    WAITING = auto()
    ON_THE_WIRE = auto()
    TOLD = auto()
    FAILED = auto()


@dataclass(slots=True, kw_only=True)
class Job:
    """One result and its time limits (monotonic seconds): ``give_up`` is when its caller stops waiting."""

    result: Result
    deadline: float
    give_up: float
    state: JobState = field(default=JobState.WAITING)
    reason: str = field(default="")

    def write_timeout_s(self, now: float) -> float:
        """min(75 ms, half of what is left), ended before the caller gives up, so that the outcome is known."""
        return min(BLOCK_S, (self.deadline - now) / 2, (self.give_up - now) * _MARGIN)

    def fail(self, reason: str) -> None:
        """It was not told."""
        self.state = JobState.FAILED
        self.reason = reason


class Outbox:
    """What waits, what is in flight (written, not echoed, its deadline not over), and what the heartbeat repeats."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()
        self._unechoed: dict[int, float] = {}
        self._flight: Job | None = None
        self.image = NO_RESULT

    def put(self, job: Job) -> bool:
        """Queue a result; False if the queue is full."""
        if len(self._waiting) >= CAPACITY:
            return False
        self._waiting.append(job)
        return True

    def blocked_by(self, now: float) -> int:
        """The part whose echo the next result waits for; 0 for none."""
        if self._flight is None or now >= self._flight.deadline:
            return 0
        return self._flight.result.part_seq

    def take(self, now: float) -> Job | None:
        """The next result that may go on the wire now. It is in flight from here on, whatever its write gives."""
        if not self._waiting or self.blocked_by(now):
            return None
        job = self._waiting[0]
        if job.give_up - now < _LEAST_S:
            return None  # its caller is about to withdraw it
        self._waiting.popleft()
        job.state = JobState.ON_THE_WIRE
        self._flight = job
        self.image = job.result
        self._unechoed[job.result.part_seq] = now
        while len(self._unechoed) > _UNECHOED:
            del self._unechoed[next(iter(self._unechoed))]
        return job

    def withdraw(self, job: Job) -> bool:
        """Take back a result that was not written yet; False if it is on the wire or done."""
        if job.state is not JobState.WAITING:
            return False
        self._waiting.remove(job)
        job.fail("withdrawn")
        return True

    def refused(self, job: Job) -> None:
        """It was not written, or the PLC answered that it did not take it: no heartbeat repeats it later."""
        self._unechoed.pop(job.result.part_seq, None)
        if self.image is job.result:
            self.image = NO_RESULT
        if self._flight is job:
            self._flight = None

    def echoed(self, part_seq: int) -> bool:
        """Take the echo of one poll; True if it acknowledges a result for the first time."""
        if self._flight is not None and self._flight.result.part_seq == part_seq:
            self._flight = None
        return self._unechoed.pop(part_seq, None) is not None

    def repeated(self, state: LineState) -> Result:
        """What a heartbeat repeats: the last result, but never an OK beside the error bit."""
        if LineState.ERROR in state and self.image.code is ResultCode.OK:
            self.image = NO_RESULT
        return self.image

    def clear(self, reason: str) -> None:
        """The link is dead: nothing that waits is told any more, nothing old is repeated."""
        for job in self._waiting:
            job.fail(reason)
        self._waiting.clear()
        self.image = NO_RESULT

    def forget(self, reason: str) -> None:
        """The PLC has forgotten every part it was told of: no echo of one will come, none is waited for."""
        self.clear(reason)
        self._flight = None
        self._unechoed.clear()
