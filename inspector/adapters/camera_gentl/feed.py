"""One camera opened by a GenTL producer, streaming."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog

from inspector.adapters.camera_gentl.library import Harvester, genapi, gentl
from inspector.adapters.camera_gentl.nodes import GentlNodes, spoken_for, told
from inspector.adapters.camera_gentl.settings import CameraGentlSettings
from inspector.domain.errors import DeviceError
from inspector.domain.frame import Pixels
from inspector.ports import feed_settings, sfnc
from inspector.ports.feed import Delivery, FeedInfo
from inspector.ports.pixel_wire import Packing, wire_format

log = structlog.get_logger(__name__)

_FETCH_S = 0.2
_JOIN_S = 5.0
_NOTHING: Pixels = np.empty((0, 0), np.uint8)


class GentlFeed:
    """A camera that we alone have opened. A thread fetches its frames, so that each is known to have come when it came.

    When more frames wait than ``buffers``, the oldest is let go: its number then is missing, and the line sees that.
    """

    def __init__(self, settings: CameraGentlSettings) -> None:
        self._settings = settings
        self._device = f"camera gentl {settings.serial}"
        self._stack = ExitStack()
        self._came = threading.Condition()
        self._waiting: deque[Delivery] = deque(maxlen=settings.buffers)
        self._trouble = ""
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name="camera-gentl", daemon=True)

    def __enter__(self) -> Self:
        with self._stack:
            self._acquirer = self._connect()
            self._node_map = self._acquirer.remote_device.node_map
            nodes = GentlNodes(self._node_map, device=self._device)
            found = sfnc.set_up(nodes, feed_settings.wanted(self._settings), device=self._device)
            self._info = self._describe(found)
            self._stream_on()
            self._closing = self._stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    @property
    def info(self) -> FeedInfo:
        """What it was set to."""
        return self._info

    def fire(self) -> None:
        """Trigger by software. See the port for what is raised."""
        with spoken_for(self._device, "it does not take a software trigger"):
            self._node_map.get_node("TriggerSoftware").execute()

    def next(self, timeout_s: float) -> Delivery | None:
        """The next frame. See the port for what is raised."""
        with self._came:
            self._came.wait_for(lambda: bool(self._waiting or self._trouble), timeout_s)
            if self._trouble:
                raise DeviceError(self._device, self._trouble)
            return self._waiting.popleft() if self._waiting else None

    def probe(self) -> None:
        """Read a register. See the port for what is raised."""
        if self._trouble:  # its registers may answer all the same
            raise DeviceError(self._device, self._trouble)
        with spoken_for(self._device, "it does not answer"):
            self._node_map.get_node("Width").get_value(verify=False, ignore_cache=True)

    def _connect(self) -> Any:
        producer, serial = self._settings.producer, self._settings.serial
        if not producer.is_file():
            raise DeviceError(self._device, f"camera.producer = {producer}: there is no such file; is it installed?")
        harvester = Harvester()
        self._stack.callback(self._quietly, harvester.reset)
        with spoken_for(self._device, f"camera.producer = {producer} cannot be used"):
            harvester.add_file(str(producer))
            harvester.update()
            known = sorted(str(one.serial_number) for one in harvester.device_info_list)
        if serial not in known:
            told_known = ", ".join(known) or "none"
            raise DeviceError(
                self._device, f"is not there; the producer sees: {told_known}. Is it on, and free of other programs?"
            )
        with spoken_for(self._device, "cannot be opened (is another program using it?)"):
            acquirer = harvester.create({"serial_number": serial})
        self._stack.callback(self._quietly, acquirer.destroy)
        return acquirer

    def _stream_on(self) -> None:
        with spoken_for(self._device, "it cannot stream"):
            self._acquirer.num_buffers = max(self._settings.buffers, self._acquirer.min_num_buffers)
            self._acquirer.start()
            self._stack.callback(self._quietly, self._acquirer.stop)
        self._reader.start()
        self._stack.callback(self._end_reader)
        log.info("camera.streams", device=self._device, width=self._info.width, height=self._info.height)

    def _end_reader(self) -> None:
        self._stopping.set()
        self._reader.join(_JOIN_S)

    def _quietly(self, close: Callable[[], None]) -> None:
        """Close as far as it goes: a camera that was unplugged answers nothing more."""
        try:
            close()
        except (genapi.GenericException, gentl.GenericException) as error:
            log.info("camera.not_closed", device=self._device, reason=told(error))

    def _describe(self, found: sfnc.Found) -> FeedInfo:
        return feed_settings.described("gentl", self._settings.serial, self._settings, found)

    def _read(self) -> None:
        """What the reader's thread does, until it is asked to end; ended by anything else, it says so."""
        trouble = "the thread that reads its frames ended by an error nobody foresaw"
        try:
            self._fetch_on()
        except (genapi.GenericException, gentl.GenericException) as error:
            trouble = f"its stream broke: {told(error)}"
        finally:
            if not self._stopping.is_set():
                with self._came:
                    self._trouble = trouble
                    self._came.notify()

    def _fetch_on(self) -> None:
        """Fetch, note the time, copy, give the buffer back."""
        while not self._stopping.is_set():
            buffer = self._acquirer.try_fetch(timeout=_FETCH_S)
            if buffer is None:
                continue
            arrived_at = time.monotonic()
            try:
                delivery = self._delivery(arrived_at, buffer)
            finally:
                buffer.queue()
            with self._came:
                self._waiting.append(delivery)
                self._came.notify()

    def _delivery(self, arrived_at: float, buffer: Any) -> Delivery:
        fault, pixels = "", _NOTHING
        if not buffer.is_complete() or not buffer.payload.components:
            fault = "a torn frame (it is not complete)"
        else:
            image = buffer.payload.components[0]
            data = np.array(image.data)
            fault = feed_settings.fault_of(self._info, image.width, image.height, data.nbytes)
            if not fault:
                pixels = self._pixels(data)
        return Delivery(
            pixels=pixels,
            frame_id=int(buffer.frame_id),
            arrived_at=arrived_at,
            fault=fault,
            device_timestamp_ns=None if fault else _timestamp_ns(buffer),
        )

    def _pixels(self, data: Pixels) -> Pixels:
        """What the library has unpacked is (height, width) of two bytes; all else is as it came."""
        info = self._info
        if wire_format(info.wire_format).packing is not Packing.BYTES:
            return data.reshape(info.height, info.width)
        return feed_settings.image(info, data.view(np.uint8))


def _timestamp_ns(buffer: Any) -> int | None:
    """By the camera's own clock; None where its producer does not tell."""
    try:
        return int(buffer.timestamp_ns) or None
    except gentl.GenericException:
        return None
