"""A camera that comes back: triggers, counters and loss of an industrial camera, whatever its library.

    grab():  [software: ask the hand to fire] ─▶ feed.next ─▶ is it ours, whole, in order? ─▶ into the lent buffer
    hand:    fire │ probe a camera that is silent │ lost: close the feed, open another, with back-off

The hand is a thread of its own, because a register of a camera that hangs blocks for seconds, and no part may wait for
that. A camera is lost when its library says so, when a register is not answered within ``silent_s``, when a frame that
was asked for by software is not there by then (its exposure left out), when a camera with a pace of its own is silent
for as long or two periods, or when one that a wire triggers is silent and whoever counts the parts says so. Nothing of
a lost feed is used again: what is in its buffers may belong to any part. A hand that an error nobody foresaw has ended
opens nothing anew: whoever asks next is told by an error that ends the process.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import structlog

from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import CameraStamp, Capture, Pixels
from inspector.pipeline.frame_count import FrameCount
from inspector.pipeline.wire import line_format, put_into
from inspector.ports.camera import Camera, CameraInfo
from inspector.ports.feed import Delivery, Feed, FeedInfo, Manner
from inspector.ports.plugin import Context, Plugin

log = structlog.get_logger(__name__)

_SLICE_S = 0.05
_PROBE_EVERY_S = 0.1
_LEAST_WAIT_S = 0.02
_FIRST_PAUSE_S = 0.1
_FRESH_S = 0.1
_JOIN_S = 15.0

OpenFeed = Callable[[], AbstractContextManager[Feed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A frame that we triggered: when, and of which opening of the camera."""

    at: float
    session: int


class SteadyCamera:
    """One industrial camera, opened; after a loss it is closed and opened anew until it is back.

    The first opening is made at ``__enter__`` and raises; every later one is tried by the hand until it succeeds.
    """

    def __init__(self, open_feed: OpenFeed) -> None:
        self._open_feed = open_feed
        self._changed = threading.Condition()
        self._using = threading.Lock()
        self._stack = ExitStack()
        self._feed: Feed | None = None
        self._session = self._of_session = 0
        self._lost = ""
        self._busy_since: float | None = None
        self._fire_wanted = False
        self._fired_at: float | None = None
        self._owed_since: float | None = None
        self._heard_at = 0.0
        self._last_arrival: float | None = None
        self._frames = FrameCount()
        self._stamp: tuple[int, int | None] = (0, None)
        self._repeated = False
        self._not_before = 0.0
        self._stopping = threading.Event()
        self._hand = threading.Thread(target=self._work, name="camera-hand", daemon=True)

    def __enter__(self) -> Self:
        self._feed = self._stack.enter_context(self._open_feed())
        self._info = self._feed.info
        self._device = f"camera {self._info.name} {self._info.serial}"
        self._camera = _describe(self._info)
        self._heard_at = time.monotonic()
        self._hand.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._hand.join(_JOIN_S)
        if self._hand.is_alive():
            log.warning("camera.hangs", device=self._device)
            return
        self._stack.close()

    def describe(self) -> CameraInfo:
        """Size and format that the camera was set to."""
        return self._camera

    def grab(self, into: Pixels, timeout_s: float) -> Capture:
        """The next frame, written into ``into``. See the port for what is raised."""
        self._notice_a_dead_hand()
        called_at = time.monotonic()
        deadline = called_at + timeout_s
        asked = self._ask(deadline, timeout_s) if self._info.manner is Manner.SOFTWARE else None
        while True:
            delivery = self._wait_for_delivery(deadline, timeout_s)
            if asked is not None:
                self._owed_since = None
                return self._capture(delivery, into, asked)
            if not self._is_stale(delivery, called_at):
                return self._capture(delivery, into, None)

    def flush(self) -> None:
        """Forget frames that came before this call."""
        self._not_before = time.monotonic()
        self._drain()

    def trouble(self) -> str:
        """Why it is lost now; "" while it is well."""
        self._notice_a_dead_hand()
        self._notice_a_stuck_hand()
        return str(self._loss()) if self._lost else ""

    def take_for_lost(self, reason: str) -> None:
        """Open one anew that a wire triggers; the silence of any other is noticed here, by its trigger or its pace."""
        if self._info.manner is Manner.LINE:
            self._lose(reason)

    # what the capture thread does

    def _is_stale(self, delivery: Delivery, called_at: float) -> bool:
        """Whether it came before the flush, or, live, is not the frame nearest to the call."""
        if self._info.manner is not Manner.LIVE:
            stale = delivery.arrived_at < self._not_before
        else:
            before, self._last_arrival = self._last_arrival, delivery.arrived_at
            interval_s = delivery.arrived_at - before if before is not None else 0.0
            oldest = max(called_at - min(interval_s / 2, _FRESH_S), self._not_before)
            stale = delivery.arrived_at < oldest
        if stale:
            self._count(delivery)
        return stale

    def _capture(self, delivery: Delivery, into: Pixels, asked: _Asked | None) -> Capture:
        ahead = self._count(delivery)
        if asked is not None and asked.session != self._of_session:
            raise DeviceError(self._device, "was lost while its frame was waited for; it is back")
        number = self._frames.number if self._info.manner.numbered else None
        if delivery.fault:
            raise FrameError(f"{self._device}: {delivery.fault}", frame_no=number)
        if self._repeated:
            stamp = delivery.device_timestamp_ns
            raise FrameError(f"{self._device}: one exposure came twice (its own clock: {stamp} ns)", frame_no=number)
        if asked is not None and ahead != 1:
            raise FrameError(
                f"{self._device}: {ahead} frames were exposed where one was asked for; does something else trigger it?"
            )
        info = self._info
        put_into(into, delivery.pixels, wire_name=info.wire_format, window=info.window, device=self._device)
        pixels = into.view()
        pixels.flags.writeable = False
        taken_at = delivery.arrived_at if asked is None else asked.at
        exposure_us = info.exposure_us if delivery.exposure_us is None else delivery.exposure_us
        return Capture(
            pixels=pixels,
            pixel_format=self._camera.pixel_format,
            frame_no=number,
            taken_at=taken_at,
            taken_utc=datetime.now(UTC) - timedelta(seconds=time.monotonic() - taken_at),
            camera=CameraStamp(serial=self._camera.serial, exposure_us=exposure_us, gain_db=info.gain),
            device_timestamp_ns=delivery.device_timestamp_ns,
        )

    def _count(self, delivery: Delivery) -> int:
        """Move the counters on to this frame; how many the camera took since the one before.

        One without a number whose exposure has the moment of the one before, by the camera's own clock, is that one.
        """
        before_it, self._stamp = self._stamp, (self._of_session, delivery.device_timestamp_ns)
        unnumbered = delivery.frame_id is None and delivery.device_timestamp_ns is not None
        self._repeated = unnumbered and self._stamp == before_it
        before = self._frames.last_id
        ahead = self._frames.move_on(delivery.frame_id, session=self._of_session)
        if not ahead:
            self._lose(f"its frame counter went from {before} to {delivery.frame_id}: it was restarted")
            raise self._loss()
        return ahead

    def _wait_for_delivery(self, deadline: float, timeout_s: float) -> Delivery:
        while True:
            left = deadline - time.monotonic()
            self._notice_a_dead_hand()
            self._notice_a_stuck_hand()
            if self._lost:
                loss = self._loss()
                with self._changed:  # whoever asks again at once must not keep a core busy
                    self._changed.wait(max(min(left, _SLICE_S), 0.0))
                raise loss
            delivery = self._next(min(max(left, 0.0), _SLICE_S))
            if delivery is not None:
                self._heard_at = time.monotonic()
                return delivery
            self._notice_silence()
            if left <= 0 and not self._lost:
                raise DeviceError(
                    self._device, f"no frame within {timeout_s:g} s; {_WHY[self._info.manner]}", lost=False
                )

    def _next(self, timeout_s: float) -> Delivery | None:
        with self._using:
            if self._feed is None or self._lost:
                return None
            self._of_session = self._session
            try:
                return self._feed.next(timeout_s)
            except DeviceError as error:
                self._lose(error.reason)
                return None

    def _notice_silence(self) -> None:
        now = time.monotonic()
        patience_s = self._info.silent_s + (self._info.exposure_us or 0.0) / 1e6
        if self._owed_since is not None and now - self._owed_since > patience_s:
            self._lose(f"triggered, it gave no frame for {patience_s:g} s")
        own_pace = self._info.manner in {Manner.FREE, Manner.LIVE}
        limit_s = max(patience_s, 2 * self._info.period_s)
        if own_pace and now - self._heard_at > limit_s:
            self._lose(f"it gave no frame for {limit_s:g} s")

    def _notice_a_stuck_hand(self) -> None:
        since = self._busy_since
        if since is not None and time.monotonic() - since > self._info.silent_s:
            self._lose(f"it did not answer for {self._info.silent_s:g} s")

    def _notice_a_dead_hand(self) -> None:
        """Nobody would open the camera anew, and each part would be UNDECIDED for ever: the process must end."""
        if not self._hand.is_alive() and not self._stopping.is_set():
            raise RuntimeError(f"{self._device}: the thread that opens it anew has ended by an error nobody foresaw")

    def _ask(self, deadline: float, timeout_s: float) -> _Asked:
        """Have one frame exposed. A frame that is still owed for an earlier part comes first, and is thrown away."""
        while self._owed_since is not None and not self._lost:
            self._wait_for_delivery_of_another(deadline, timeout_s)
        self._drain()
        with self._changed:
            if self._lost:
                raise self._loss()
            self._fired_at, self._fire_wanted = None, True
            self._changed.notify_all()
            session = self._session
            while self._fired()[0] is None and not self._fired()[2] and time.monotonic() < deadline:
                self._changed.wait(min(max(deadline - time.monotonic(), 0.0), _SLICE_S))
                self._notice_a_stuck_hand()
            fired_at, withdrawn, lost = self._fired()
            self._fire_wanted = False
        if lost or session != self._session:
            raise self._loss()
        if fired_at is None:
            if not withdrawn:  # under way: the camera may take it or not
                self._owed_since = time.monotonic()
            raise DeviceError(self._device, f"could not be triggered within {timeout_s:g} s", lost=False)
        self._owed_since = fired_at
        return _Asked(at=fired_at, session=session)

    def _fired(self) -> tuple[float | None, bool, bool]:
        """When the hand triggered the camera; whether it has not yet begun to; whether the camera is lost."""
        return self._fired_at, self._fire_wanted, bool(self._lost)

    def _wait_for_delivery_of_another(self, deadline: float, timeout_s: float) -> None:
        delivery = self._wait_for_delivery(deadline, timeout_s)
        self._owed_since = None
        self._count(delivery)

    def _drain(self) -> None:
        while (delivery := self._next(0.0)) is not None:
            self._heard_at = time.monotonic()
            self._last_arrival = delivery.arrived_at
            self._count(delivery)

    def _lose(self, reason: str) -> None:
        with self._changed:
            if not self._lost:
                self._lost = reason
                log.warning("camera.lost", device=self._device, reason=reason)
            self._changed.notify_all()

    def _loss(self) -> DeviceError:
        return DeviceError(self._device, f"lost: {self._lost or 'a moment ago'}; it is being opened anew")

    # what the hand does

    def _work(self) -> None:
        while not self._stopping.is_set():
            with self._changed:
                if not (self._fire_wanted or self._lost):
                    self._changed.wait(self._until_probe_s())
                fire = self._fire_wanted and not self._lost
                if fire:
                    self._fire_wanted = False
                    self._busy_since = time.monotonic()
            if self._stopping.is_set():
                return
            if self._lost:
                self._reopen()
            elif fire:
                self._fire()
            elif time.monotonic() - self._heard_at > _PROBE_EVERY_S:
                self._probe()

    def _until_probe_s(self) -> float:
        """Until a camera that stays silent is asked whether it lives; one that was asked just now is asked again."""
        due_s = self._heard_at + _PROBE_EVERY_S - time.monotonic()
        return max(due_s, _LEAST_WAIT_S) if due_s > 0 else _PROBE_EVERY_S

    def _fire(self) -> None:
        at = time.monotonic()
        if self._asked(lambda feed: feed.fire()):
            with self._changed:
                self._fired_at = at
                self._changed.notify_all()

    def _probe(self) -> None:
        self._busy_since = time.monotonic()
        self._asked(lambda feed: feed.probe())

    def _asked(self, question: Callable[[Feed], None]) -> bool:
        feed = self._feed
        if feed is None:
            return False
        try:
            question(feed)
        except DeviceError as error:
            self._lose(error.reason)
            return False
        finally:
            self._busy_since = None
        return True

    def _reopen(self) -> None:
        """Close what is left and open anew until it works or we are to end."""
        with self._using:
            self._feed = None
        self._stack.close()
        pause_s, said = _FIRST_PAUSE_S, ""
        while not self._stopping.wait(pause_s):
            try:
                feed = self._stack.enter_context(self._open_feed())
            except DeviceError as error:
                if error.reason != said:
                    log.warning("camera.away", device=self._device, reason=error.reason)
                said = error.reason
                pause_s = min(pause_s * 2, self._info.reopen_max_s)
                continue
            if (feed.info.width, feed.info.height, feed.info.wire_format) != _shape(self._info):
                self._stack.close()
                self._lost = f"it came back as {_told(feed.info)}, opened as {_told(self._info)}; restart the line"
                pause_s = self._info.reopen_max_s
                continue
            self._take(feed)
            return

    def _take(self, feed: Feed) -> None:
        with self._changed:
            self._feed = feed
            self._session += 1
            self._owed_since = None
            self._fired_at = None
            self._fire_wanted = False
            self._heard_at = time.monotonic()
            self._lost = ""
            self._changed.notify_all()
        log.info("camera.back", device=self._device, session=self._session)


def open_camera(plugin: Plugin, settings: object, context: Context) -> AbstractContextManager[Camera]:
    """The camera of a plug-in; of one that gives a feed, the camera that the line makes of it."""
    if not plugin.feeds:
        return plugin.open(settings, context)
    return SteadyCamera(lambda: plugin.open(settings, context))


_WHY = {
    Manner.LINE: "does the wire trigger it?",
    Manner.SOFTWARE: "is the exposure longer than that?",
    Manner.FREE: "is its frame rate lower than that?",
    Manner.LIVE: "is its frame rate lower than that?",
}


def _shape(info: FeedInfo) -> tuple[int, int, str]:
    return info.width, info.height, info.wire_format


def _told(info: FeedInfo) -> str:
    return f"{info.width} x {info.height} px {info.wire_format}"


def _describe(info: FeedInfo) -> CameraInfo:
    return CameraInfo(
        name=info.name,
        serial=info.serial,
        width=info.width,
        height=info.height,
        pixel_format=line_format(info.wire_format, info.window),
        counts_frames=info.manner.numbered,
        paced=True,
        exposes_when_asked=info.manner is Manner.SOFTWARE,
    )
