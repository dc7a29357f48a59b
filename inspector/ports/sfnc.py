"""Names of the features of GenICam cameras, and the order in which they are set.

The Standard Features Naming Convention came late: cameras that are older than it call the same thing otherwise, so
every name has its fallbacks. What is set is read back: a camera that rounds or ignores a value makes another picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from inspector.domain.errors import DeviceError
from inspector.ports.feed import Manner
from inspector.ports.pixel_wire import wire_format

Value = bool | int | float | str

EXPOSURE = ("ExposureTime", "ExposureTimeAbs", "ExposureTimeRaw")
GAIN = ("Gain", "GainAbs", "GainRaw")
RATE_ENABLE = ("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled")
RATE = ("AcquisitionFrameRate", "AcquisitionFrameRateAbs")
PACKET_SIZE = "GevSCPSPacketSize"
FORMATS: Mapping[str, tuple[str, ...]] = {"RGB8": ("RGB8", "RGB8Packed"), "BGR8": ("BGR8", "BGR8Packed")}
"""Other names of the same format of pixels; a format that is not here has but one."""
TRIGGERS = ("FrameStart", "ExposureStart", "AcquisitionStart")
"""Triggers that one edge makes one frame of; the last of them only where a frame count of 1 can be set with it."""
_NEAR = 0.01


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


def set_packet_size(nodes: Nodes, size: int | None, *, device: str) -> None:
    """GigE: set how many bytes a packet has; None: leave it to the library.

    Raises:
        DeviceError: the camera has no packets, refused the size, or took another one.
    """
    if size is None:
        return
    if not nodes.has(PACKET_SIZE):
        raise DeviceError(
            device, f"camera.packet_size = {size}: it has no {PACKET_SIZE}, so it is no GigE camera; leave it out"
        )
    _set(nodes, PACKET_SIZE, size)
    took = nodes.read(PACKET_SIZE)
    if took != size:
        raise DeviceError(device, f"camera.packet_size = {size}: the camera took {took}; set that, or another")


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
    selectors = nodes.choices("TriggerSelector")
    for selector in selectors:
        nodes.write("TriggerSelector", selector)
        nodes.write("TriggerMode", "Off")
    if not selectors:
        nodes.write("TriggerMode", "Off")
    if wanted.manner not in {Manner.LINE, Manner.SOFTWARE}:
        return
    if nodes.has("TriggerSelector"):
        _select(nodes, selectors, device)
    source = "Software" if wanted.manner is Manner.SOFTWARE else wanted.line
    there = nodes.choices("TriggerSource")
    if source not in there:
        raise DeviceError(device, f"camera.line = {source!r}: it has not got it; it has {', '.join(there)}")
    nodes.write("TriggerSource", source)
    if wanted.manner is Manner.LINE and nodes.has("TriggerActivation"):
        nodes.write("TriggerActivation", wanted.activation)
    nodes.write("TriggerMode", "On")


def _select(nodes: Nodes, there: Sequence[str], device: str) -> None:
    """Select the trigger of a single frame; a start of the acquisition would expose without end, but for its count."""
    selector = next((name for name in TRIGGERS if name in there), None)
    if selector is None:
        raise DeviceError(
            device,
            f"none of its triggers starts a frame: it has {', '.join(there) or 'none'}; "
            f"{' or '.join(TRIGGERS)} would be right",
        )
    nodes.write("TriggerSelector", selector)
    if selector != "AcquisitionStart":
        return
    if not nodes.has("AcquisitionFrameCount"):
        raise DeviceError(
            device,
            f"its trigger AcquisitionStart has no AcquisitionFrameCount: one edge would expose without end; "
            f"it has {', '.join(there)}; {' or '.join(TRIGGERS[:-1])} would be right",
        )
    _set(nodes, "AcquisitionFrameCount", 1)


def _read(nodes: Nodes, names: Sequence[str]) -> float | None:
    name = first(nodes, names)
    return float(nodes.read(name)) if name is not None else None
