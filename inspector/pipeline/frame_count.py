"""Numbers a camera's frames from 1 on, over losses and reopenings, by the camera's own ids where it has any."""

from inspector.domain.frame import SHORT_IDS, ids_ahead


class FrameCount:
    """Owned by one thread. ``number``: of the newest frame; ``last_id``: its id, where the camera has any."""

    def __init__(self) -> None:
        self.number = 0
        self.last_id: int | None = None
        self._session = 0

    def move_on(self, frame_id: int | None, *, session: int) -> int:
        """Count a frame of this opening of the camera; how many it took since the one before, 0: its ids began anew.

        ``frame_id``: None where it has none, or this frame, a torn one, has lost it.
        """
        if session != self._session:
            self._session, self.last_id = session, None
        before = self.last_id
        self.last_id = _id_after(before) if frame_id is None else frame_id
        ahead = 1 if before is None or frame_id is None else ids_ahead(frame_id, before) or 0
        self.number += ahead
        return ahead


def _id_after(frame_id: int | None) -> int | None:
    """The id that a frame without one would have had."""
    if frame_id is None:
        return None
    return 1 if frame_id == SHORT_IDS else frame_id + 1
