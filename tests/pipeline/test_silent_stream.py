"""A camera that a wire triggers and whose stream is dead while its registers answer: only the count of parts tells."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.domain.errors import DeviceError, FrameError, InspectorError
from inspector.domain.verdict import Outcome
from inspector.pipeline.steady import SteadyCamera
from inspector.ports.feed import Delivery, FeedInfo, Manner
from tests import fakes
from tests.fakes import Shot, wait_until
from tests.pipeline.plant import Plant

PASS, UNDECIDED = Outcome.PASS, Outcome.UNDECIDED
SILENT = DeviceError("camera fake", "no frame within 5 s", lost=False)
LOST = DeviceError("camera fake", "lost: unplugged")
TORN = FrameError("torn: 3 packets missing")
PITCH_S = 0.4
INFO = FeedInfo(
    name="fake",
    serial="7",
    width=fakes.SIDE,
    height=fakes.SIDE,
    wire_format="Mono8",
    manner=Manner.LINE,
    silent_s=30.0,
)


class ReopeningCamera(fakes.FakeCamera):
    """Keeps why it was taken for lost, and after which part; stays as scripted."""

    def __init__(self, shots: list[Shot | InspectorError], taken_for_lost: list[str]) -> None:
        super().__init__(shots)
        self._taken_for_lost = taken_for_lost

    def take_for_lost(self, reason: str) -> None:
        self._taken_for_lost.append(reason)


def said_of(folder: Path, shots: list[Shot | InspectorError], *, late: bool = False) -> list[str]:
    """Why the camera was taken for lost, over a line whose camera gives these, one for each part."""
    said: list[str] = []
    plant = Plant(folder, events=range(1, len(shots) + 1), shots=shots)
    counted = plant.trigger.counted_at
    plant.camera = ReopeningCamera(shots, said)
    plant.camera.taken_at = lambda shot: counted[shot.part_seq]
    if late:
        plant.station = replace(plant.station, grab_timeout_s=0.0)
    plant.run()
    plant.law_holds(range(1, len(shots) + 1))
    return said


@pytest.mark.parametrize(
    ("between", "lost"),
    [([], True), ([Shot(part_seq=2)], False), ([TORN], False), ([LOST], False)],
    ids=["in a row", "a frame", "a torn frame", "a loss of its own"],
)
def test_two_parts_in_a_row_without_a_frame_are_a_lost_camera(
    tmp_path: Path, between: list[Shot | InspectorError], lost: bool
) -> None:
    said = said_of(tmp_path, [SILENT, *between, SILENT])
    assert said == (["2 counted parts in a row got no frame"] if lost else [])


def test_as_long_as_no_frame_comes_each_further_time_takes_twice_as_many_parts(tmp_path: Path) -> None:
    said = said_of(tmp_path, [SILENT] * 13 + [Shot(part_seq=14), SILENT, SILENT])
    assert [int(reason.split()[0]) for reason in said] == [2, 4, 2]


def test_parts_that_were_learnt_of_too_late_to_wait_for_say_nothing_about_the_camera(tmp_path: Path) -> None:
    assert said_of(tmp_path, [SILENT] * 4, late=True) == []


class FakeFeed:
    """Its registers always answer; ``dead``: its stream gives nothing."""

    info = INFO

    def __init__(self, *, dead: bool) -> None:
        self.dead = dead
        self.coming: deque[Delivery] = deque()

    def fire(self) -> None:
        raise DeviceError("camera fake", "a wire triggers it")

    def next(self, timeout_s: float) -> Delivery | None:
        wait_until(lambda: bool(self.coming), timeout_s)
        return self.coming.popleft() if self.coming else None

    def probe(self) -> None:
        """It is well, it says."""

    def expose(self, part_seq: int, at: float) -> None:
        if self.dead:
            return
        pixels = np.full((fakes.SIDE, fakes.SIDE), 128, np.uint8)
        pixels[16::32] = 90
        pixels[0, :6] = [*part_seq.to_bytes(4, "big"), 0, part_seq]
        self.coming.append(Delivery(pixels=pixels, frame_id=part_seq, arrived_at=at))


def test_a_dead_stream_is_opened_anew_and_the_parts_after_it_are_judged(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=range(1, 6), shots=[], pitch_s=PITCH_S)
    plant.station = replace(plant.station, grab_timeout_s=0.2)
    feeds: list[FakeFeed] = []

    @contextmanager
    def opened() -> Iterator[FakeFeed]:
        feeds.append(FakeFeed(dead=False))
        yield feeds[-1]

    def expose(part_seq: int) -> None:
        if part_seq == 2:
            feeds[0].dead = True
        if part_seq == 4:
            assert wait_until(lambda: len(feeds) == 2 and not camera.trouble())
        feeds[-1].expose(part_seq, plant.trigger._begun + PITCH_S * part_seq)

    with SteadyCamera(opened) as camera:
        plant.camera = camera  # type: ignore[assignment]
        plant.trigger.before = expose
        plant.run()
    plant.law_holds(range(1, 6))
    assert plant.outcomes() == {1: PASS, 2: UNDECIDED, 3: UNDECIDED, 4: PASS, 5: PASS}
    assert "no frame within" in plant.recorder.of(3).verdict.reason
