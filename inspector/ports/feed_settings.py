"""What can be set on every camera of these libraries, and what its feed and its frames then are."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.domain.frame import Pixels
from inspector.ports.feed import FeedInfo, Manner
from inspector.ports.pixel_wire import WireFormat, wire_format
from inspector.ports.sfnc import Found, Value, Wanted

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


def described(name: str, serial: str, settings: Settable, found: Found) -> FeedInfo:
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
