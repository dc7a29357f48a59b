"""How long a whole line takes to raise the alarm of a lost camera, and to judge again once the camera is back."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from inspector.domain.inspection import AlarmEvent, Disposal, Inspection
from inspector.domain.request import Answer
from inspector.domain.verdict import Outcome
from inspector.ports.camera import Camera
from tests import fakes
from tests.pipeline.plant import Plant

NOTICE_S, BACK_S = 1.0, 5.0
"""What is promised: the alarm after the loss (no part comes meanwhile), a judged part after the camera's return."""
TRIES = 3
_TICK_S = 0.01
_QUIET_S = 0.6
_PITCH_S = 0.5
_LINES_LOOK_S = 0.08
"""With what the scripted trigger waits itself, a tenth of a second between two looks, as a real one has it."""
_PATIENCE_S = 20.0


class Metronome:
    """Tells for how long a thread of this very process was not run though it was due: no fault of the line."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _tick(self) -> None:
        before = time.monotonic()
        while not self._end.wait(_TICK_S):
            now = time.monotonic()
            self._late.append((now, max(now - before - 2 * _TICK_S, 0.0)))
            before = now

    def stalled_s(self, begun: float, ended: float) -> float:
        return sum(late for at, late in self._late if begun < at <= ended)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """One loss. ``stalled_s``: for how long of each time this process was not run; ``last``: the last verdict."""

    noticed_s: float
    back_s: float
    stalled_s: tuple[float, float]
    last: str

    @property
    def in_time(self) -> bool:
        return self.noticed_s - self.stalled_s[0] <= NOTICE_S and self.back_s - self.stalled_s[1] <= BACK_S

    def __str__(self) -> str:
        return f"noticed {self.noticed_s:.1f} s, back {self.back_s:.1f} s"


class Stamping(fakes.FakeRecorder):
    """Stamps, by the line's own monotonic clock, the alarm and the first part that was judged after the return."""

    def __init__(self) -> None:
        super().__init__()
        self.raised_at = self.judged_at = 0.0
        self.returned_at = float("inf")

    def note(self, event: AlarmEvent | Disposal | Answer) -> None:
        now = time.monotonic()
        super().note(event)
        if isinstance(event, AlarmEvent) and event.code == "camera.lost" and event.action == "raised":
            self.raised_at = self.raised_at or now

    def close(self, inspection: Inspection) -> None:
        now = time.monotonic()
        super().close(inspection)
        verdict = inspection.verdict  # some peers' own pictures are burnt out: they were looked at all the same
        looked_at = verdict.outcome is not Outcome.UNDECIDED or verdict.decision.rule == "law.optics"
        if looked_at and now > self.returned_at:
            self.judged_at = self.judged_at or now


class Script:
    """One part, a loss while none comes, ``away_s`` later the return, then parts until one is judged.

    ``idle`` is what the trigger asks, in the capture thread, before each part.
    """

    def __init__(
        self, plant: Plant, book: Stamping, lose: Callable[[], object], give_back: Callable[[], object], away_s: float
    ) -> None:
        self._plant, self._book = plant, book
        self._lose, self._give_back, self._away_s = lose, give_back, away_s
        self._quiet_since = 0.0
        self._returning: threading.Thread | None = None
        self.lost_at = 0.0

    def idle(self) -> bool:
        now = time.monotonic()
        if self._book.judged_at or (self.lost_at and now - self.lost_at > _PATIENCE_S):
            self._plant.stop.set()
            return False
        if self._returning is not None:
            time.sleep(_PITCH_S)
            return True
        time.sleep(_LINES_LOOK_S)
        self._quiet_since = self._quiet_since or now
        if self.lost_at:
            self._return_in_time(now)
        elif now - self._quiet_since > _QUIET_S:
            self._begin()
        return False

    def join(self) -> None:
        if self._returning is not None:
            self._returning.join(_PATIENCE_S)

    def _begin(self) -> None:
        self.lost_at = time.monotonic()
        if not self._away_s:
            self._book.returned_at = self.lost_at
        self._lose()

    def _return_in_time(self, now: float) -> None:
        if self._book.raised_at and now - self.lost_at >= self._away_s:
            self._returning = threading.Thread(target=self._come_back, daemon=True)
            self._returning.start()

    def _come_back(self) -> None:
        if self._away_s:
            self._give_back()
            self._book.returned_at = time.monotonic()


def outage(
    folder: Path, camera: Camera, lose: Callable[[], object], give_back: Callable[[], object], away_s: float
) -> Outage:
    """Run a line over the script."""
    plant = Plant(folder, events=range(1, 1000), shots=())
    book = Stamping()
    plant.recorder = plant.trigger._recorder = book
    plant.journal_health = book.health
    plant.tuning = replace(plant.tuning, sync_window_s=0.4)
    plant.station = replace(plant.station, grab_timeout_s=2.0)
    plant.camera = camera  # type: ignore[assignment]
    script = Script(plant, book, lose, give_back, away_s)
    plant.trigger.idle_until = script.idle
    with Metronome() as metronome:
        assert plant.run() == 0
    script.join()
    never = float("inf")
    return Outage(
        noticed_s=book.raised_at - script.lost_at if book.raised_at else never,
        back_s=book.judged_at - book.returned_at if book.judged_at else never,
        stalled_s=(
            metronome.stalled_s(script.lost_at, book.raised_at),
            metronome.stalled_s(book.returned_at, book.judged_at),
        ),
        last=book.closed[-1].verdict.reason if book.closed else "no part",
    )


def in_time(
    folder: Path,
    opened: Callable[[], AbstractContextManager[Camera]],
    lose: Callable[[Camera], object],
    give_back: Callable[[], object] = lambda: None,
    *,
    away_s: float = 1.5,
) -> Outage:
    """The first outage of a few that kept what is promised: the peer, too, has its moments on a busy PC.

    ``away_s`` 0: the camera was only lost to us, and is back at once.
    """
    seen: list[Outage] = []
    for number in range(TRIES):
        place = folder / f"try{number}"
        place.mkdir()
        with opened() as camera:
            seen.append(outage(place, camera, lambda: lose(camera), give_back, away_s))
        if seen[-1].in_time:
            return seen[-1]
    raise AssertionError(f"{NOTICE_S:g} s and {BACK_S:g} s are promised: {seen}")
