"""One opened GigE Vision or USB3 Vision camera, streaming."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog

from inspector.adapters.camera_aravis.library import Aravis, GLib
from inspector.adapters.camera_aravis.nodes import AravisNodes, spoken_for
from inspector.adapters.camera_aravis.settings import CameraAravisSettings
from inspector.domain.errors import DeviceError
from inspector.domain.frame import Pixels, ids_ahead
from inspector.ports import feed_settings, sfnc
from inspector.ports.feed import Delivery, FeedInfo
from inspector.ports.plugin import FoundCamera

log = structlog.get_logger(__name__)

_CONTROL_CHANNEL = 0x0A00
_OURS = 0x3
_OLDEST_S = 60.0
_NOTHING: Pixels = np.empty((0, 0), np.uint8)
_CHUNKS = ("Timestamp", "ExposureTime")


class AravisFeed:
    """A camera that we control alone. GigE: only its own address is spoken to."""

    def __init__(self, settings: CameraAravisSettings) -> None:
        self._settings = settings
        self._device = f"camera aravis {settings.place}"
        self._stack = ExitStack()
        self._control_lost = threading.Event()
        self._unanswered = False
        self._newest_id: int | None = None
        self._chunks: Any = None

    def __enter__(self) -> Self:
        with self._stack:
            self._camera = self._connect()
            self._native = self._camera.get_device()
            self._stack.callback(self._forget)
            self._take_control()
            nodes = AravisNodes(self._native, device=self._device)
            found = sfnc.set_up(nodes, feed_settings.wanted(self._settings), device=self._device)
            self._info = self._describe(found)
            self._set_up_chunks(nodes)
            self._set_up_transport()
            self._stream_on(found)
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
        self._ask("it does not take a software trigger", lambda: self._native.execute_command("TriggerSoftware"))

    def next(self, timeout_s: float) -> Delivery | None:
        """The next frame. See the port for what is raised."""
        if self._control_lost.is_set():
            raise DeviceError(self._device, "control was lost: it is off, unplugged, or another program took it")
        stream = self._stream
        buffer = stream.timeout_pop_buffer(int(timeout_s * 1e6)) if timeout_s > 0 else stream.try_pop_buffer()
        if buffer is None:
            return None
        try:
            return self._delivery(buffer)
        finally:
            self._stream.push_buffer(buffer)

    def probe(self) -> None:
        """Read a register. See the port for what is raised."""
        if not self._camera.is_gv_device():
            self._ask("it does not answer", lambda: self._native.get_integer_feature_value("Width"))
            return
        held = self._ask("it does not answer", lambda: self._native.read_register(_CONTROL_CHANNEL))
        if not held & _OURS:
            raise DeviceError(self._device, "control was lost: another program or the camera itself ended it")

    @property
    def _silent(self) -> bool:
        """Whether the camera answers no more: each further question would cost seconds."""
        return self._unanswered or self._control_lost.is_set()

    def _ask(self, doing: str, question: Callable[[], Any]) -> Any:
        try:
            with spoken_for(self._device, doing):
                return question()
        except DeviceError:
            self._unanswered = True
            raise

    def _connect(self) -> Any:
        settings = self._settings
        if settings.usb:
            Aravis.disable_interface("GigEVision")  # looking for a USB camera must not call into the plant's network
        try:
            return Aravis.Camera.new(settings.place)
        except GLib.Error as error:
            which = "camera.address" if settings.address else "camera.usb"
            raise DeviceError(
                self._device, f"cannot be opened: {error.message}; is it on, is the cable in, is {which} right?"
            ) from error

    def _forget(self) -> None:
        """Let the camera go now, not when Python's collector comes by."""
        if not self._silent and self._camera.is_gv_device() and self._native.is_controller():
            try:
                self._native.leave_control()
            except GLib.Error as error:
                log.info("camera.not_released", device=self._device, reason=error.message)
        self._chunks = None
        del self._native, self._camera

    def _take_control(self) -> None:
        self._native.connect("control-lost", lambda _native: self._control_lost.set())
        if self._camera.is_gv_device() and not self._native.is_controller():
            raise DeviceError(
                self._device, "another program controls it; end that one (a viewer, another line, a second appliance)"
            )

    def _describe(self, found: sfnc.Found) -> FeedInfo:
        settings = self._settings
        with spoken_for(self._device, "it does not say what it is"):
            serial = self._camera.get_device_serial_number()
            model = f"{self._camera.get_vendor_name()} {self._camera.get_model_name()}"
        return feed_settings.described("aravis", serial or f"{model} {settings.place}", self._settings, found)

    def _set_up_chunks(self, nodes: AravisNodes) -> None:
        """Have the camera tell with each frame how it was exposed, where it can."""
        with spoken_for(self._device, "chunks cannot be set"):
            if not nodes.has("ChunkModeActive"):
                return
            there = nodes.choices("ChunkSelector")
            wanted = [name for name in _CHUNKS if name in there]
            if wanted:
                self._camera.set_chunks(",".join(wanted))
                self._chunks = self._camera.create_chunk_parser() if "ExposureTime" in wanted else None

    def _set_up_transport(self) -> None:
        settings, camera = self._settings, self._camera
        if not camera.is_gv_device():
            return
        with spoken_for(self._device, f"camera.packet_size = {settings.packet_size} is refused"):
            if settings.packet_size is None:
                camera.gv_auto_packet_size()
            else:
                camera.gv_set_packet_size(settings.packet_size)
            if settings.packet_delay_ns is not None:
                camera.gv_set_packet_delay(settings.packet_delay_ns)
        if not settings.packet_socket:
            camera.gv_set_stream_options(Aravis.GvStreamOption.PACKET_SOCKET_DISABLED)

    def _stream_on(self, found: sfnc.Found) -> None:
        settings, camera = self._settings, self._camera
        with spoken_for(self._device, "it cannot stream"):
            self._stream = camera.create_stream(None, None)
            self._stack.callback(self._forget_stream)
            if camera.is_gv_device():
                self._stream.set_property("socket-buffer", Aravis.GvStreamSocketBuffer.FIXED)
                self._stream.set_property("socket-buffer-size", settings.buffer_mb << 20)
                resend = Aravis.GvStreamPacketResend
                self._stream.set_property("packet-resend", resend.ALWAYS if settings.resend else resend.NEVER)
            payload = camera.get_payload()
            for _ in range(settings.buffers):
                self._stream.push_buffer(Aravis.Buffer.new_allocate(payload))
            self._stack.callback(self._stop)
            camera.start_acquisition()
        log.info(
            "camera.streams",
            device=self._device,
            width=found.width,
            height=found.height,
            packet_size=camera.gv_get_packet_size() if camera.is_gv_device() else None,
        )

    def _forget_stream(self) -> None:
        del self._stream

    def _stop(self) -> None:
        if self._silent:
            return
        try:
            self._camera.stop_acquisition()
        except GLib.Error as error:
            log.info("camera.not_stopped", device=self._device, reason=error.message)

    def _delivery(self, buffer: Any) -> Delivery:
        now, utc = time.monotonic(), time.time()
        age_s = utc - buffer.get_system_timestamp() / 1e9
        fault = self._fault(buffer)
        pixels = self._pixels(buffer) if not fault else _NOTHING
        return Delivery(
            pixels=pixels,
            frame_id=self._frame_id(buffer, torn=bool(fault)),
            arrived_at=now - age_s if 0 <= age_s < _OLDEST_S else now,
            fault=fault,
            exposure_us=None if fault else self._exposure_of(buffer),
            device_timestamp_ns=None if fault else int(buffer.get_timestamp()) or None,
        )

    def _frame_id(self, buffer: Any, *, torn: bool) -> int | None:
        """The camera's number; None where the packet that tells it is lost: the buffer then keeps an older frame's."""
        number = int(buffer.get_frame_id())
        if torn and self._newest_id is not None and not ids_ahead(number, self._newest_id):
            return None
        self._newest_id = number
        return number

    def _fault(self, buffer: Any) -> str:
        status = buffer.get_status()
        if status != Aravis.BufferStatus.SUCCESS:
            return f"a torn frame ({_WORDS.get(status, str(status))})"
        count = len(buffer.get_image_data())
        return feed_settings.fault_of(self._info, buffer.get_image_width(), buffer.get_image_height(), count)

    def _pixels(self, buffer: Any) -> Pixels:
        return feed_settings.image(self._info, np.frombuffer(buffer.get_image_data(), np.uint8))

    def _exposure_of(self, buffer: Any) -> float | None:
        if self._chunks is None:
            return None
        try:
            return float(self._chunks.get_float_value(buffer, "ChunkExposureTime"))
        except GLib.Error:  # a frame without the chunk: what was set holds
            return None


_WORDS = {
    Aravis.BufferStatus.MISSING_PACKETS: "packets are missing: look at the cable, the switch and the receive buffers",
    Aravis.BufferStatus.TIMEOUT: "its packets came too late or never: look at the cable, the switch and the load",
    Aravis.BufferStatus.ABORTED: "it was cut off",
    Aravis.BufferStatus.WRONG_PACKET_ID: "its packets were mixed up",
    Aravis.BufferStatus.SIZE_MISMATCH: "it is of another size than announced",
    Aravis.BufferStatus.FILLING: "it was not finished",
}


def seen_cameras() -> Sequence[FoundCamera]:
    """Every camera that answers a call into all networks and USB buses of this PC."""
    Aravis.update_device_list()
    found: list[FoundCamera] = []
    for index in range(Aravis.get_n_devices()):
        address = Aravis.get_device_address(index)
        gige = Aravis.get_device_protocol(index) == "GigEVision"
        named = f'address = "{address}"' if gige else f'usb = "{Aravis.get_device_id(index)}"'
        model = f"{Aravis.get_device_vendor(index)} {Aravis.get_device_model(index)}"
        found.append(FoundCamera(model=model, serial=Aravis.get_device_serial_nbr(index) or "", setting=named))
    return found
