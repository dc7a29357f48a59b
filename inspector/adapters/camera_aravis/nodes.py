"""The features of a camera, by Aravis: its errors become the house's here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from inspector.adapters.camera_aravis.library import Aravis, GLib
from inspector.domain.errors import DeviceError
from inspector.ports.sfnc import Value


@contextmanager
def spoken_for(device: str, doing: str) -> Iterator[None]:
    """Turn what Aravis raises into a DeviceError: what was done, and what the camera said."""
    try:
        yield
    except GLib.Error as error:
        raise DeviceError(device, f"{doing}: {error.message}") from error


class AravisNodes:
    """Features by name; the range that a camera allows is checked before anything is sent."""

    def __init__(self, native: Any, *, device: str) -> None:
        self._native = native
        self._device = device
        native.set_range_check_policy(Aravis.RangeCheckPolicy.ENABLE)

    def has(self, name: str) -> bool:
        """Whether the camera has it and lets us use it now."""
        with spoken_for(self._device, f"is {name} there?"):
            return bool(self._native.is_feature_available(name))

    def read(self, name: str) -> Value:
        """Its value. See the port for what is raised."""
        node, native = self._native.get_feature(name), self._native
        with spoken_for(self._device, f"{name} cannot be read"):
            if isinstance(node, Aravis.GcBoolean):
                return bool(native.get_boolean_feature_value(name))
            if isinstance(node, Aravis.GcEnumeration):
                return str(native.get_string_feature_value(name))
            if isinstance(node, Aravis.GcFloat):
                return float(native.get_float_feature_value(name))
            if isinstance(node, Aravis.GcInteger):
                return int(native.get_integer_feature_value(name))
            return str(native.get_string_feature_value(name))

    def write(self, name: str, value: Value) -> None:
        """Set it. See the port for what is raised."""
        node, native = self._native.get_feature(name), self._native
        with spoken_for(self._device, f"{name} = {value!r} is refused{self._range(name, node)}"):
            if isinstance(node, Aravis.GcCommand):
                native.execute_command(name)
            elif isinstance(node, Aravis.GcBoolean):
                native.set_boolean_feature_value(name, bool(value))
            elif isinstance(node, Aravis.GcEnumeration):
                native.set_string_feature_value(name, str(value))
            elif isinstance(node, Aravis.GcFloat):
                native.set_float_feature_value(name, float(value))
            elif isinstance(node, Aravis.GcInteger):
                native.set_integer_feature_value(name, round(float(value)))
            else:
                native.set_string_feature_value(name, str(value))

    def choices(self, name: str) -> Sequence[str]:
        """What a feature with named values can be now."""
        if not isinstance(self._native.get_feature(name), Aravis.GcEnumeration) or not self.has(name):
            return ()
        with spoken_for(self._device, f"the choices of {name} cannot be read"):
            return tuple(self._native.dup_available_enumeration_feature_values_as_strings(name) or ())

    def _range(self, name: str, node: Any) -> str:
        """What would be right, for the error that a wrong value makes."""
        try:
            if isinstance(node, Aravis.GcEnumeration):
                return f" ({', '.join(self.choices(name))} would be right)"
            if isinstance(node, Aravis.GcFloat):
                low, high = self._native.get_float_feature_bounds(name)
                return f" ({low:g} to {high:g} would be right)"
            if isinstance(node, Aravis.GcInteger):
                low, high = self._native.get_integer_feature_bounds(name)
                return f" ({low} to {high} would be right)"
        except (GLib.Error, DeviceError):
            return ""
        return ""
