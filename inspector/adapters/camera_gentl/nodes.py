"""The features of a camera, by GenApi: its errors become the house's here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from inspector.adapters.camera_gentl.library import genapi, gentl
from inspector.domain.errors import DeviceError
from inspector.ports.sfnc import Value


@contextmanager
def spoken_for(device: str, doing: str) -> Iterator[None]:
    """Turn what the libraries raise into a DeviceError: what was done, and what the library said."""
    try:
        yield
    except (genapi.GenericException, gentl.GenericException) as error:
        raise DeviceError(device, f"{doing}: {told(error)}") from error


def told(error: Exception) -> str:
    """What the library said, without the places in its own source that it adds."""
    return str(error).split(" : ", maxsplit=1)[0].strip()


class GentlNodes:
    """Features by name; the library checks the range that the camera allows."""

    def __init__(self, node_map: Any, *, device: str) -> None:
        self._node_map = node_map
        self._device = device

    def has(self, name: str) -> bool:
        """Whether the camera has it and lets us use it now."""
        with spoken_for(self._device, f"is {name} there?"):
            return bool(self._node_map.has_node(name)) and bool(genapi.is_available(self._node_map.get_node(name)))

    def read(self, name: str) -> Value:
        """Its value. See the port for what is raised."""
        with spoken_for(self._device, f"{name} cannot be read"):
            node = self._node_map.get_node(name)
            value: Value = node.to_string() if isinstance(node, genapi.IEnumeration) else node.value
            return value

    def write(self, name: str, value: Value) -> None:
        """Set it. See the port for what is raised."""
        node = self._node_map.get_node(name)
        with spoken_for(self._device, f"{name} = {value!r} is refused{self._range(name, node)}"):
            if isinstance(node, genapi.ICommand):
                node.execute()
            elif isinstance(node, genapi.IEnumeration):
                node.from_string(str(value))
            elif isinstance(node, genapi.IBoolean):
                node.set_value(bool(value))
            elif isinstance(node, genapi.IFloat):
                node.set_value(float(value))
            elif isinstance(node, genapi.IInteger):
                node.set_value(round(float(value)))
            else:
                node.set_value(str(value))

    def choices(self, name: str) -> Sequence[str]:
        """What a feature with named values can be now."""
        if not self.has(name):
            return ()
        node = self._node_map.get_node(name)
        return tuple(node.symbolics) if isinstance(node, genapi.IEnumeration) else ()

    def _range(self, name: str, node: Any) -> str:
        """What would be right, for the error that a wrong value makes."""
        try:
            if isinstance(node, genapi.IEnumeration):
                return f" ({', '.join(self.choices(name))} would be right)"
            if isinstance(node, genapi.IFloat | genapi.IInteger):
                return f" ({node.min:g} to {node.max:g} would be right)"
        except genapi.GenericException:
            return ""
        return ""
