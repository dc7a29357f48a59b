"""Names of the features of GenICam cameras, and the order in which they are set.

The Standard Features Naming Convention came late: cameras that are older than it call the same thing otherwise, so
every name has its fallbacks. What is set is read back: a camera that rounds or ignores a value makes another picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain.errors import DeviceError
from inspector.domain.frame import Pixels
from inspector.ports.feed import FeedInfo, Manner
from inspector.ports.pixel_wire import WireFormat, wire_format

Value = bool | int | float | str

EXPOSURE = ("ExposureTime", "ExposureTimeAbs", "ExposureTimeRaw")
GAIN = ("Gain", "GainAbs", "GainRaw")
RATE_ENABLE = ("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled")
RATE = ("AcquisitionFrameRate", "AcquisitionFrameRateAbs")
FORMATS: Mapping[str, tuple[str, ...]] = {"RGB8": ("RGB8", "RGB8Packed"), "BGR8": ("BGR8", "BGR8Packed")}
"""Other names of the same format of pixels; a format that is not here has but one."""
_NEAR = 0.01
_DEEPEST = 0xFFFF


class Settable(Protocol):
    """What can be set on every camera of these libraries, by the same keys; a plug-in's settings have more."""

    @property
    def trigger(self) -> str:
        """A ``Manner``'s value."""
        ...

    @property
    def pixel_format(self) -> str:
        """PFNC name."""
        ...

    @property
    def window(self) -> tuple[int, int] | None:
        """Grey levels that become 0 and 255."""
        ...

    @property
    def width(self) -> int | None:
        """Px; None: as it stands."""
        ...

    @property
    def height(self) -> int | None:
        """Px; None: as it stands."""
        ...

    @property
    def offset_x(self) -> int:
        """Columns left out."""
        ...

    @property
    def offset_y(self) -> int:
        """Rows left out."""
        ...

    @property
    def exposure_us(self) -> float | None:
        """None: as it stands."""
        ...

    @property
    def gain(self) -> float | None:
        """None: as it stands."""
        ...

    @property
    def fps(self) -> float | None:
        """None: as it stands."""
        ...

    @property
    def line(self) -> str:
        """The camera's input."""
        ...

    @property
    def activation(self) -> str:
        """What on the wire triggers."""
        ...

    @property
    def features(self) -> Mapping[str, Value]:
        """Further ones, by the camera's own names."""
        ...

    @property
    def silent_s(self) -> float:
        """See ``FeedInfo``."""
        ...

    @property
    def reopen_max_s(self) -> float:
        """See ``FeedInfo``."""
        ...


class Nodes(Protocol):
    """The features of one camera, by name."""

    def has(self, name: str) -> bool:
        """Whether the camera has it and lets us use it now."""
        ...

    def read(self, name: str) -> Value:
        """Its value.

        Raises:
            DeviceError: the camera does not tell it.
        """
        ...

    def write(self, name: str, value: Value) -> None:
        """Set it.

        Raises:
            DeviceError: names the feature, the value and what would be right.
        """
        ...

    def choices(self, name: str) -> Sequence[str]:
        """What a feature with named values can be now; empty for another."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a camera is to be set. None: as it is. ``line``: the input that a wire triggers.

    ``features``: further ones by their own names, set first, in this order.
    """

    manner: Manner
    pixel_format: str
    width: int | None
    height: int | None
    offset_x: int
    offset_y: int
    exposure_us: float | None
    gain: float | None
    fps: float | None
    line: str
    activation: str
    features: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How it stands after all was set, as the camera itself says."""

    width: int
    height: int
    exposure_us: float | None
    gain: float | None
    fps: float | None


def trouble(settings: Settable) -> str:
    """Why these settings do not fit together, and what would be right; "" if they do."""
    if (settings.width is None) != (settings.height is None):
        return "width and height: set both or none"
    try:
        return _trouble_with(wire_format(settings.pixel_format), settings)
    except ValueError as error:
        return str(error)


def _trouble_with(wire: WireFormat, settings: Settable) -> str:
    window = settings.window
    if window is not None and not (0 <= window[0] < window[1] <= _DEEPEST):
        return f"window = {list(window)}: two rising grey levels within 0 to {_DEEPEST} would be right"
    if window is not None and not wire.deep:
        return f'window is for pixels of more than 8 bits; pixel_format = "{wire.name}" has 8 bits'
    if window is None and wire.deep and wire.mosaic:
        return f'pixel_format = "{wire.name}" needs a window: the grey levels that become 0 and 255'
    if settings.width is not None and settings.width % wire.group:
        return f'width = {settings.width}: rows of "{wire.name}" end with a whole byte at multiples of {wire.group}'
    return ""


def wanted(settings: Settable) -> Wanted:
    """The features to set."""
    return Wanted(
        manner=Manner(settings.trigger),
        pixel_format=settings.pixel_format,
        width=settings.width,
        height=settings.height,
        offset_x=settings.offset_x,
        offset_y=settings.offset_y,
        exposure_us=settings.exposure_us,
        gain=settings.gain,
        fps=settings.fps,
        line=settings.line,
        activation=settings.activation,
        features=settings.features,
    )


def described(name: str, serial: str, settings: Settable, found: "Found") -> FeedInfo:
    """What a feed will deliver that was set up so."""
    return FeedInfo(
        name=name,
        serial=serial,
        width=found.width,
        height=found.height,
        wire_format=settings.pixel_format,
        manner=Manner(settings.trigger),
        window=settings.window,
        period_s=1.0 / found.fps if found.fps else 0.0,
        exposure_us=found.exposure_us,
        gain=found.gain,
        silent_s=settings.silent_s,
        reopen_max_s=settings.reopen_max_s,
    )


def fault_of(info: FeedInfo, width: int, height: int, count: int) -> str:
    """Why a frame of this size and so many bytes is not one of this camera; "" if it is."""
    if (width, height) != (info.width, info.height):
        return f"a frame of {width} x {height} px where {info.width} x {info.height} px is expected"
    expected = wire_format(info.wire_format).row_bytes(width) * height
    return f"a frame of {count} bytes where {expected} of {info.wire_format} are expected" if count < expected else ""


def image(info: FeedInfo, data: NDArray[np.uint8]) -> Pixels:
    """The bytes of a frame without a fault as ``Delivery`` has them; a view."""
    return wire_format(info.wire_format).frame(data, info.width, info.height)


def set_up(nodes: Nodes, wanted: Wanted, *, device: str) -> Found:
    """Set everything, in the order that cameras take it in, and read it back.

    Raises:
        DeviceError: the camera refused a value, or took another one.
    """
    for name, value in wanted.features.items():
        if not nodes.has(name):
            raise DeviceError(device, f"it has no feature {name!r}; mend camera.features")
        nodes.write(name, value)
    _format(nodes, wanted, device)
    _region(nodes, wanted, device)
    _turn_off(nodes, "ExposureAuto", wanted=wanted.exposure_us is not None)
    _turn_off(nodes, "GainAuto", wanted=wanted.gain is not None)
    _number(nodes, EXPOSURE, wanted.exposure_us, key="exposure_us", device=device)
    _number(nodes, GAIN, wanted.gain, key="gain", device=device)
    _rate(nodes, wanted, device)
    _trigger(nodes, wanted, device)
    if nodes.has("AcquisitionMode"):
        _set(nodes, "AcquisitionMode", "Continuous")
    width, group = int(nodes.read("Width")), wire_format(wanted.pixel_format).group
    if width % group:
        raise DeviceError(
            device, f"its rows are {width} px of {wanted.pixel_format}: set camera.width to a multiple of {group}"
        )
    return Found(
        width=width,
        height=int(nodes.read("Height")),
        exposure_us=_read(nodes, EXPOSURE),
        gain=_read(nodes, GAIN),
        fps=_read(nodes, RATE) if wanted.manner in {Manner.FREE, Manner.LIVE} else None,
    )


def first(nodes: Nodes, names: Sequence[str]) -> str | None:
    """The first of these names that the camera has."""
    return next((name for name in names if nodes.has(name)), None)


def _set(nodes: Nodes, name: str, value: Value) -> None:
    """Write it where it differs: what a camera has but one value of cannot be written."""
    if nodes.read(name) != value:
        nodes.write(name, value)


def _format(nodes: Nodes, wanted: Wanted, device: str) -> None:
    there = nodes.choices("PixelFormat")
    names = FORMATS.get(wanted.pixel_format, (wanted.pixel_format,))
    name = next((name for name in names if name in there), None)
    if name is None:
        raise DeviceError(
            device, f"camera.pixel_format = {wanted.pixel_format!r}: it has not got it; it has {', '.join(there)}"
        )
    _set(nodes, "PixelFormat", name)


def _region(nodes: Nodes, wanted: Wanted, device: str) -> None:
    """Offsets make room first: a size beyond what is left of the sensor would be refused."""
    offsets = {"OffsetX": wanted.offset_x, "OffsetY": wanted.offset_y}
    for name in offsets:
        if nodes.has(name):
            _set(nodes, name, 0)
    sizes = {"Width": wanted.width, "Height": wanted.height}
    for name, value in {**sizes, **{name: value for name, value in offsets.items() if value}}.items():
        if value is None:
            continue
        _set(nodes, name, value)
        if int(nodes.read(name)) != value:
            raise DeviceError(device, f"{name} = {value}: the camera took {nodes.read(name)}; set that, or another")


def _turn_off(nodes: Nodes, name: str, *, wanted: bool) -> None:
    """What the camera would change by itself."""
    if wanted and nodes.has(name):
        nodes.write(name, "Off")


def _number(nodes: Nodes, names: Sequence[str], value: float | None, *, key: str, device: str) -> None:
    if value is None:
        return
    name = first(nodes, names)
    if name is None:
        raise DeviceError(device, f"camera.{key} = {value:g}: it has none of {', '.join(names)}; leave it out")
    nodes.write(name, value)
    took = float(nodes.read(name))
    if abs(took - value) > max(_NEAR * abs(value), 0.5 if name.endswith("Raw") else 0.0):
        raise DeviceError(device, f"camera.{key} = {value:g}: the camera took {name} = {took:g}; set that, or another")


def _rate(nodes: Nodes, wanted: Wanted, device: str) -> None:
    if wanted.fps is None:
        return
    enable = first(nodes, RATE_ENABLE)
    if enable is not None:
        nodes.write(enable, value=True)
    _number(nodes, RATE, wanted.fps, key="fps", device=device)


def _trigger(nodes: Nodes, wanted: Wanted, device: str) -> None:
    if not nodes.has("TriggerMode"):
        if wanted.manner in {Manner.LINE, Manner.SOFTWARE}:
            raise DeviceError(device, f'camera.trigger = "{wanted.manner.value}": it has no trigger; "live" is right')
        return
    for selector in nodes.choices("TriggerSelector"):
        nodes.write("TriggerSelector", selector)
        nodes.write("TriggerMode", "Off")
    if not nodes.choices("TriggerSelector"):
        nodes.write("TriggerMode", "Off")
    if wanted.manner not in {Manner.LINE, Manner.SOFTWARE}:
        return
    if nodes.has("TriggerSelector"):
        nodes.write("TriggerSelector", "FrameStart")
    source = "Software" if wanted.manner is Manner.SOFTWARE else wanted.line
    there = nodes.choices("TriggerSource")
    if source not in there:
        raise DeviceError(device, f"camera.line = {source!r}: it has not got it; it has {', '.join(there)}")
    nodes.write("TriggerSource", source)
    if wanted.manner is Manner.LINE and nodes.has("TriggerActivation"):
        nodes.write("TriggerActivation", wanted.activation)
    nodes.write("TriggerMode", "On")


def _read(nodes: Nodes, names: Sequence[str]) -> float | None:
    name = first(nodes, names)
    return float(nodes.read(name)) if name is not None else None
