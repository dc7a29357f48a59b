"""Numbers a camera's frames from 1 on, over losses and reopenings, by the camera's own ids where it has any."""

from inspector.domain.frame import SHORT_IDS, ids_ahead


class FrameCount:
    """Owned by one thread. ``number``: of the newest frame; ``last_id``: the newest id, where the camera has any."""

    def __init__(self) -> None:
        self.number = 0
        self.last_id: int | None = None
        self._nameless = 0  # frames since that id that have lost theirs
        self._long = False  # this opening has shown an id that 16 bits do not hold
        self._session = 0

    def move_on(self, frame_id: int | None, *, session: int) -> int:
        """Count a frame of this opening of the camera; how many it took since the one before, 0: its ids began anew.

        ``frame_id``: None where it has none, or this frame, a torn one, has lost it.
        """
        if session != self._session:
            self._session, self.last_id, self._nameless, self._long = session, None, 0, False
        if frame_id is None:
            self._nameless += 1
            self.number += 1
            return 1
        ahead = self._ahead(frame_id)
        self.last_id, self._nameless = frame_id, 0
        self._long = self._long or frame_id > SHORT_IDS
        self.number += ahead
        return ahead

    def _ahead(self, frame_id: int) -> int:
        """What lies between two known ids, less what came between them without one."""
        before = self.last_id
        if before is None:
            return 1
        if self._long and frame_id < before:
            return 0
        return max((ids_ahead(frame_id, before) or 0) - self._nameless, 0)
