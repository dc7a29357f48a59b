"""One opened Basler camera, streaming."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog

from inspector.adapters.camera_pylon.library import genicam, pylon
from inspector.adapters.camera_pylon.nodes import PylonNodes, spoken_for, told
from inspector.adapters.camera_pylon.settings import CameraPylonSettings
from inspector.domain.errors import DeviceError
from inspector.domain.frame import Pixels
from inspector.ports import feed_settings, sfnc
from inspector.ports.feed import Delivery, FeedInfo
from inspector.ports.plugin import FoundCamera

log = structlog.get_logger(__name__)

_TICKS = "GevTimestampTickFrequency"
_EMULATOR = "BaslerCamEmu"
_NO_ID = (1 << 64) - 1
_NOTHING: Pixels = np.empty((0, 0), np.uint8)


class _Arrivals(pylon.ImageEventHandler):  # type: ignore[misc] # pypylon has no types
    """Called by pylon's own thread with each frame: notes when it came, and keeps it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._came = threading.Condition()
        self._waiting: deque[tuple[float, Any]] = deque(maxlen=most)

    def OnImageGrabbed(self, camera: Any, result: Any) -> None:  # noqa: ARG002, N802 - the library's name
        """Keep it: pylon has no more buffers than we keep, so none is pushed out."""
        with self._came:
            self._waiting.append((time.monotonic(), pylon.GrabResult(result)))
            self._came.notify()

    def next(self, timeout_s: float) -> tuple[float, Any] | None:
        """The oldest that was not yet given."""
        with self._came:
            self._came.wait_for(lambda: bool(self._waiting), timeout_s)
            return self._waiting.popleft() if self._waiting else None

    def forget(self) -> None:
        """Give every buffer back."""
        with self._came:
            self._waiting.clear()


class _Removal(pylon.ConfigurationEventHandler):  # type: ignore[misc] # pypylon has no types
    """Called by pylon's own thread when the camera is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.Event()

    def OnCameraDeviceRemoved(self, camera: Any) -> None:  # noqa: ARG002, N802 - the library's name
        """Note it: the emulator goes on to give frames all the same."""
        self.seen.set()


class PylonFeed:
    """A camera that we alone have opened."""

    def __init__(self, settings: CameraPylonSettings) -> None:
        self._settings = settings
        self._device = f"camera pylon {settings.place}"
        self._stack = ExitStack()
        self._arrivals = _Arrivals(settings.buffers)
        self._removal = _Removal()

    def __enter__(self) -> Self:
        with self._stack:
            self._camera = self._connect()
            nodes = PylonNodes(self._camera.GetNodeMap(), device=self._device)
            found = sfnc.set_up(nodes, feed_settings.wanted(self._settings), device=self._device)
            self._tick_ns = _tick_ns(nodes)
            sfnc.set_packet_size(nodes, self._settings.packet_size, device=self._device)
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
        camera, wait_ms = self._camera, int(self._settings.silent_s * 1000)
        with spoken_for(self._device, "it does not take a software trigger"):
            ready = not camera.CanWaitForFrameTriggerReady() or camera.WaitForFrameTriggerReady(
                wait_ms, pylon.TimeoutHandling_Return
            )
            if not ready:
                raise DeviceError(self._device, f"it was not ready for a trigger within {self._settings.silent_s:g} s")
            camera.ExecuteSoftwareTrigger()

    def next(self, timeout_s: float) -> Delivery | None:
        """The next frame. See the port for what is raised."""
        if self._removal.seen.is_set():
            raise DeviceError(self._device, "it was unplugged or switched off")
        came = self._arrivals.next(timeout_s)
        if came is None:
            return None
        arrived_at, result = came
        try:
            return self._delivery(arrived_at, result)
        finally:
            result.Release()

    def probe(self) -> None:
        """Read a register. See the port for what is raised."""
        with spoken_for(self._device, "it does not answer"):
            if self._camera.IsCameraDeviceRemoved():
                raise DeviceError(self._device, "it was unplugged or switched off")
            if not self._camera.IsGrabbing():  # pylon ends its loop when anything fails in it, and says nothing
                raise DeviceError(self._device, "its stream has ended")
            self._camera.GetNodeMap().GetNode("Width").GetValue(False, True)  # noqa: FBT003 - not from the cache

    def _connect(self) -> Any:
        settings, wanted = self._settings, pylon.DeviceInfo()
        if settings.emulated:
            os.environ.setdefault("PYLON_CAMEMU", "1")
            wanted.SetDeviceClass(_EMULATOR)
        elif settings.address:
            wanted.SetIpAddress(settings.address)
        else:
            wanted.SetSerialNumber(settings.serial)
        with spoken_for(self._device, "cannot be opened (is it on, plugged in, and free of other programs?)"):
            camera = pylon.InstantCamera(pylon.TlFactory.GetInstance().CreateFirstDevice(wanted))
            self._stack.callback(self._quietly, camera.DestroyDevice)
            # in place of pylon's own set-up, which turns the trigger off
            camera.RegisterConfiguration(self._removal, pylon.RegistrationMode_ReplaceAll, pylon.Cleanup_None)
            self._stack.callback(self._quietly, lambda: camera.DeregisterConfiguration(self._removal))
            camera.Open()
            self._stack.callback(self._quietly, camera.Close)
        return camera

    def _stream_on(self) -> None:
        camera = self._camera
        with spoken_for(self._device, "it cannot stream"):
            camera.MaxNumBuffer.Value = self._settings.buffers
            camera.RegisterImageEventHandler(self._arrivals, pylon.RegistrationMode_Append, pylon.Cleanup_None)
            self._stack.callback(self._quietly, lambda: camera.DeregisterImageEventHandler(self._arrivals))
            self._stack.callback(self._arrivals.forget)
            camera.StartGrabbing(pylon.GrabStrategy_OneByOne, pylon.GrabLoop_ProvidedByInstantCamera)
            self._stack.callback(self._quietly, camera.StopGrabbing)
        log.info("camera.streams", device=self._device, width=self._info.width, height=self._info.height)

    def _quietly(self, close: Callable[[], None]) -> None:
        """Close as far as it goes: a camera that was unplugged answers nothing more."""
        try:
            close()
        except genicam.GenericException as error:
            log.info("camera.not_closed", device=self._device, reason=told(error))

    def _describe(self, found: sfnc.Found) -> FeedInfo:
        return feed_settings.described(
            "pylon", str(self._camera.GetDeviceInfo().GetSerialNumber()), self._settings, found
        )

    def _delivery(self, arrived_at: float, result: Any) -> Delivery:
        fault = ""
        if not result.GrabSucceeded():
            fault = f"a torn frame ({result.GetErrorDescription()})"
        else:
            fault = feed_settings.fault_of(self._info, result.GetWidth(), result.GetHeight(), result.GetImageSize())
        block = int(result.GetBlockID())
        with spoken_for(self._device, "a frame cannot be read"):
            pixels = _NOTHING if fault else self._pixels(result)
        return Delivery(
            pixels=pixels,
            frame_id=None if block == _NO_ID else block,
            arrived_at=arrived_at,
            fault=fault,
            device_timestamp_ns=None if fault else round(int(result.GetTimeStamp()) * self._tick_ns) or None,
        )

    def _pixels(self, result: Any) -> Pixels:
        """Bytes as they came: pylon's own arrays are none of packed formats."""
        return feed_settings.image(self._info, np.frombuffer(result.GetBuffer(), np.uint8))


def _tick_ns(nodes: PylonNodes) -> Fraction:
    """What a tick of the camera's clock is: GigE cameras tell it, all others count nanoseconds."""
    hertz = int(nodes.read(_TICKS)) if nodes.has(_TICKS) else 0
    return Fraction(10**9, hertz) if hertz > 0 else Fraction(1)


def seen_cameras() -> Sequence[FoundCamera]:
    """Every camera that answers a call into all networks and USB buses of this PC."""
    found = pylon.TlFactory.GetInstance().EnumerateDevices()
    return [
        FoundCamera(
            model=one.GetModelName(), serial=one.GetSerialNumber(), setting=f'serial = "{one.GetSerialNumber()}"'
        )
        for one in found
    ]
