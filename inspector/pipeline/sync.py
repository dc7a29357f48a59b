"""Which frame shows which part: the camera's counter, the trigger's counter and the clock must agree.

One lost or doubled trigger must never shift a verdict to the next part. So the two counters are tied once, by time,
and from then on every frame is checked against both.
"""

from enum import Enum

from inspector.domain.frame import Capture, seq_distance


class Match(Enum):
    """How a capture stands to the part whose picture we wait for."""

    MINE = "mine"
    OLDER = "older"
    NEWER = "newer"
    DISAGREE = "disagree"


class FrameSync:
    """Ties frame numbers to part numbers.

    Args:
        window_s: how far the exposure may lie from the moment we learnt of the trigger; below half the pitch.
        paced: frames come when the outside world triggers them; without a counter, time alone must then agree.
    """

    def __init__(self, *, window_s: float, paced: bool = False) -> None:
        self._window_s = window_s
        self._paced = paced
        self._tie: tuple[int, int] | None = None

    @property
    def tied(self) -> bool:
        """Whether the counters are tied."""
        return self._tie is not None

    @property
    def counting(self) -> bool:
        """Whether frames must agree with the trigger at all (a source that is read on demand need not)."""
        return self._paced

    def loosen(self) -> None:
        """Forget the tie: the next pair is matched by time again."""
        self._tie = None

    def match(self, part_seq: int, trigger_at: float, capture: Capture) -> Match:
        """Compare; ties the counters at the first pair that agrees in time.

        ``trigger_at``: monotonic seconds. A capture without a frame number, from a source that is read on
        demand (a folder of files), is taken as it comes.
        """
        if capture.frame_no is None and not self._paced:
            return Match.MINE
        in_time = abs(capture.taken_at - trigger_at) <= self._window_s
        if self._tie is None or capture.frame_no is None:
            if not in_time:
                return Match.OLDER if capture.taken_at < trigger_at else Match.NEWER
            if capture.frame_no is not None:
                self._tie = (part_seq, capture.frame_no)
            return Match.MINE
        tied_part, tied_frame = self._tie
        ahead = (capture.frame_no - tied_frame) - seq_distance(part_seq, tied_part)
        if ahead == 0:
            return self._agreed(part_seq, capture.frame_no) if in_time else Match.DISAGREE
        later = capture.taken_at > trigger_at
        if in_time or later != (ahead > 0):  # a camera does not count what it did not take
            return Match.DISAGREE
        return Match.NEWER if later else Match.OLDER

    def _agreed(self, part_seq: int, frame_no: int) -> Match:
        self._tie = (part_seq, frame_no)  # moves along, so that neither wrap is ever far away
        return Match.MINE
