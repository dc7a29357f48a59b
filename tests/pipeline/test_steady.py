"""Triggers, counters and loss of an industrial camera, over a feed of thirty lines."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import ids_ahead
from inspector.pipeline.steady import SteadyCamera
from inspector.ports.camera import Reopening, SelfWatching
from inspector.ports.feed import Delivery, FeedInfo, Manner
from tests.fakes import wait_until

INFO = FeedInfo(
    name="fake", serial="7", width=8, height=4, wire_format="Mono8", manner=Manner.FREE, silent_s=30.0, period_s=0.0
)


class FakeFeed:
    """Gives what is put into ``coming``; ``answer``: how it takes a trigger or a question."""

    def __init__(self, info: FeedInfo) -> None:
        self.info = info
        self.coming: deque[Delivery] = deque()
        self.fired = 0
        self.probed = threading.Event()
        self.trouble = ""
        self.patience = threading.Event()
        self.patience.set()
        self.exposes = True

    def fire(self) -> None:
        self._answer()
        self.fired += 1
        if self.exposes:
            self.give(self.fired)

    def next(self, timeout_s: float) -> Delivery | None:
        if self.trouble:
            raise DeviceError("camera fake", self.trouble)
        wait_until(lambda: bool(self.coming), timeout_s)
        return self.coming.popleft() if self.coming else None

    def probe(self) -> None:
        self.probed.set()
        self._answer()

    def give(self, frame_id: int, *, fault: str = "", at: float | None = None, stamp_ns: int | None = None) -> None:
        pixels = np.full((4, 8), frame_id % 251, np.uint8)
        arrived_at = time.monotonic() if at is None else at
        self.coming.append(
            Delivery(pixels=pixels, frame_id=frame_id, arrived_at=arrived_at, fault=fault, device_timestamp_ns=stamp_ns)
        )

    def _answer(self) -> None:
        assert self.patience.wait(20)
        if self.trouble:
            raise DeviceError("camera fake", self.trouble)


class Rig:
    """Opens a new feed each time; ``away``: it cannot be opened; ``bug``: raised instead."""

    def __init__(self, info: FeedInfo) -> None:
        self.info = info
        self.feeds: list[FakeFeed] = []
        self.closed = 0
        self.away = False
        self.bug: Exception | None = None

    @contextmanager
    def open(self) -> Iterator[FakeFeed]:
        if self.bug is not None:
            raise self.bug
        if self.away:
            raise DeviceError("camera fake", "not there")
        self.feeds.append(FakeFeed(self.info))
        yield self.feeds[-1]
        self.closed += 1


def buffer() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.zeros((4, 8), np.uint8)


def test_ids_wrap_at_sixteen_bits_and_a_restart_is_told_from_a_gap() -> None:
    assert ids_ahead(7, 5) == 2
    assert ids_ahead(1, 65535) == 1
    assert ids_ahead(3, 65534) == 4
    assert ids_ahead(70_000, 65_535) == 4465
    assert ids_ahead(1, 40) is None
    assert ids_ahead(1, 2**40) is None
    assert ids_ahead(9, 9) == 0


def test_frames_are_numbered_across_the_wrap_and_gaps_stay_gaps() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        for frame_id in (65534, 65535, 1, 4):
            rig.feeds[0].give(frame_id)
        assert [camera.grab(buffer(), 1.0).frame_no for _ in range(4)] == [1, 2, 3, 6]


def test_the_cameras_own_time_is_handed_on_and_tells_an_exposure_that_comes_twice_where_no_number_does() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        for stamp_ns in (None, None, 500, 500, 700):
            rig.feeds[0].give(1, stamp_ns=stamp_ns)
            rig.feeds[0].coming[-1] = replace(rig.feeds[0].coming[-1], frame_id=None)
        assert [camera.grab(buffer(), 1.0).device_timestamp_ns for _ in range(3)] == [None, None, 500]
        with pytest.raises(FrameError, match="one exposure came twice"):
            camera.grab(buffer(), 1.0)
        assert camera.grab(buffer(), 1.0).device_timestamp_ns == 700
        for frame_id in (8, 9):
            rig.feeds[0].give(frame_id, stamp_ns=900)
        assert [camera.grab(buffer(), 1.0).device_timestamp_ns for _ in range(2)] == [900, 900]


def test_a_long_exposure_is_no_silence() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE, silent_s=1.0, exposure_us=20e6))
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].exposes = False
        with pytest.raises(DeviceError, match="is the exposure longer than that") as said:
            camera.grab(buffer(), 1.6)
        assert not said.value.lost


def test_a_torn_frame_has_its_number_and_nothing_of_it_is_handed_over() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].give(1)
        rig.feeds[0].give(2, fault="3 packets are missing")
        rig.feeds[0].give(3)
        into = buffer()
        assert camera.grab(into, 1.0).frame_no == 1
        with pytest.raises(FrameError, match="3 packets are missing") as said:
            camera.grab(into, 1.0)
        assert (into == 1).all()
        assert said.value.frame_no == 2
        assert camera.grab(into, 1.0).frame_no == 3


def test_a_counter_that_began_anew_is_a_lost_camera() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].give(500)
        camera.grab(buffer(), 1.0)
        rig.feeds[0].give(1)
        with pytest.raises(DeviceError, match="went from 500 to 1: it was restarted") as said:
            camera.grab(buffer(), 1.0)
        assert said.value.lost
        assert wait_until(lambda: len(rig.feeds) == 2)
        rig.feeds[1].give(1)
        assert wait_until(lambda: not camera._lost)
        assert camera.grab(buffer(), 5.0).frame_no == 2


def test_a_lost_feed_is_closed_before_another_is_opened_and_tried_until_it_works() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        rig.away = True
        rig.feeds[0].trouble = "unplugged"
        with pytest.raises(DeviceError, match="lost: unplugged") as said:
            camera.grab(buffer(), 1.0)
        assert (said.value.lost, said.value.retry) == (True, True)
        assert wait_until(lambda: rig.closed == 1)
        rig.away = False
        assert wait_until(lambda: len(rig.feeds) == 2 and not camera._lost)
        rig.feeds[1].give(9)
        assert camera.grab(buffer(), 5.0).frame_no == 1
    assert rig.closed == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("manner", [Manner.FREE, Manner.LINE, Manner.SOFTWARE])
def test_an_error_that_nobody_foresaw_while_it_is_opened_anew_ends_the_loop_that_asks(manner: Manner) -> None:
    rig = Rig(replace(INFO, manner=manner))
    with SteadyCamera(rig.open) as camera:
        rig.bug = ZeroDivisionError("a bug in a driver")
        rig.feeds[0].trouble = "unplugged"
        with pytest.raises(DeviceError, match="lost: unplugged"):
            camera.grab(buffer(), 1.0)
        assert wait_until(lambda: not camera._hand.is_alive())
        with pytest.raises(RuntimeError, match="the thread that opens it anew has ended"):
            camera.grab(buffer(), 1.0)
        with pytest.raises(RuntimeError, match="the thread that opens it anew has ended"):
            camera.trouble()


def test_one_that_comes_back_with_another_size_stays_lost() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        rig.info = replace(INFO, width=16, reopen_max_s=0.01)
        rig.feeds[0].trouble = "unplugged"
        with pytest.raises(DeviceError):
            camera.grab(buffer(), 1.0)
        assert wait_until(lambda: "it came back as 16 x 4 px Mono8, opened as 8 x 4 px" in camera._lost)


def test_a_register_that_is_not_answered_makes_it_lost_while_no_part_comes() -> None:
    rig = Rig(replace(INFO, manner=Manner.LINE, silent_s=0.2))
    with SteadyCamera(rig.open) as camera:
        feed = rig.feeds[0]
        feed.patience.clear()
        assert feed.probed.wait(20)
        said = ""
        while "it did not answer" not in said:
            with pytest.raises(DeviceError) as error:
                camera.grab(buffer(), 0.1)
            said = str(error.value)
        feed.patience.set()


def test_it_tells_of_its_loss_while_nobody_grabs() -> None:
    rig = Rig(replace(INFO, manner=Manner.LINE))
    with SteadyCamera(rig.open) as camera:
        assert isinstance(camera, SelfWatching)
        assert camera.trouble() == ""
        rig.away = True
        rig.feeds[0].trouble = "unplugged"
        assert wait_until(lambda: "lost: unplugged" in camera.trouble())
        rig.away = False
        assert wait_until(lambda: not camera.trouble())


def test_a_camera_with_a_pace_of_its_own_that_falls_silent_is_lost() -> None:
    rig = Rig(replace(INFO, silent_s=0.2, period_s=0.15))
    with SteadyCamera(rig.open) as camera, pytest.raises(DeviceError, match=r"no frame for 0\.3 s") as said:
        camera.grab(buffer(), 10.0)
    assert said.value.lost


@pytest.mark.parametrize("manner", list(Manner))
def test_only_one_that_a_wire_triggers_is_opened_anew_because_the_count_of_parts_says_so(manner: Manner) -> None:
    rig = Rig(replace(INFO, manner=manner))
    with SteadyCamera(rig.open) as camera:
        assert isinstance(camera, Reopening)
        rig.away = True
        camera.take_for_lost("2 counted parts in a row got no frame")
        if manner is not Manner.LINE:
            assert camera.trouble() == ""
            return
        with pytest.raises(DeviceError, match="lost: 2 counted parts in a row got no frame") as said:
            camera.grab(buffer(), 1.0)
        assert said.value.lost
        assert wait_until(lambda: rig.closed == 1)
        rig.away = False
        assert wait_until(lambda: len(rig.feeds) == 2 and not camera.trouble())
        rig.feeds[1].give(1)
        assert camera.grab(buffer(), 5.0).frame_no == 1


def test_by_software_each_grab_fires_once_and_gets_its_own_frame() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE))
    with SteadyCamera(rig.open) as camera:
        for number in (1, 2, 3):
            called_at = time.monotonic()
            capture = camera.grab(buffer(), 5.0)
            assert (capture.pixels == number).all()
            assert capture.frame_no is None
            assert called_at <= capture.taken_at <= time.monotonic()
        assert rig.feeds[0].fired == 3


def test_a_frame_that_is_owed_to_an_earlier_part_is_waited_for_and_thrown_away() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE))
    with SteadyCamera(rig.open) as camera:
        feed = rig.feeds[0]
        camera.grab(buffer(), 5.0)
        feed.exposes = False
        with pytest.raises(DeviceError) as said:
            camera.grab(buffer(), 0.1)
        assert not said.value.lost
        with pytest.raises(DeviceError) as said:
            camera.grab(buffer(), 0.1)
        assert not said.value.lost
        assert feed.fired == 2, "no second trigger while a frame is owed"
        feed.give(2)
        feed.exposes = True
        assert (camera.grab(buffer(), 5.0).pixels == 3).all()


def test_a_frame_that_never_comes_after_a_trigger_makes_the_camera_lost() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE, silent_s=0.1))
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].exposes = False
        with pytest.raises(DeviceError, match=r"triggered, it gave no frame for 0\.1 s") as said:
            camera.grab(buffer(), 5.0)
        assert said.value.lost


def test_a_frame_that_something_else_triggered_is_not_taken_for_ours() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE))
    with SteadyCamera(rig.open) as camera:
        feed = rig.feeds[0]
        camera.grab(buffer(), 5.0)
        feed.fired = 5  # four exposures that we did not ask for, lost on the way
        with pytest.raises(FrameError, match="5 frames were exposed where one was asked for"):
            camera.grab(buffer(), 5.0)


def test_a_trigger_that_the_camera_refuses_makes_it_lost() -> None:
    rig = Rig(replace(INFO, manner=Manner.SOFTWARE))
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].trouble = "write_register timeout"
        with pytest.raises(DeviceError, match="write_register timeout") as said:
            camera.grab(buffer(), 5.0)
        assert said.value.lost


def test_live_skips_what_is_older_than_half_an_interval() -> None:
    rig = Rig(replace(INFO, manner=Manner.LIVE))
    with SteadyCamera(rig.open) as camera:
        now = time.monotonic()
        for frame_id, age_s in ((1, 9.0), (2, 6.0), (3, 3.0)):
            rig.feeds[0].give(frame_id, at=now - age_s)
        rig.feeds[0].give(4, at=now + 0.5)
        capture = camera.grab(buffer(), 5.0)
        assert (capture.pixels == 4).all()
        assert capture.frame_no is None


def test_a_flush_forgets_what_came_before_it() -> None:
    rig = Rig(INFO)
    with SteadyCamera(rig.open) as camera:
        rig.feeds[0].give(1)
        camera.flush()
        rig.feeds[0].give(2, at=time.monotonic() - 5)  # on its way while we flushed
        rig.feeds[0].give(3)
        assert camera.grab(buffer(), 5.0).frame_no == 3
