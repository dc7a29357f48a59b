"""The features of a camera, by pylon: its errors become the house's here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from inspector.adapters.camera_pylon.library import genicam
from inspector.domain.errors import DeviceError
from inspector.ports.sfnc import Value


@contextmanager
def spoken_for(device: str, doing: str) -> Iterator[None]:
    """Turn what pylon raises into a DeviceError: what was done, and what the library said."""
    try:
        yield
    except genicam.GenericException as error:
        raise DeviceError(device, f"{doing}: {told(error)}") from error


def told(error: Exception) -> str:
    """What the library said, without the places in its own source that it adds."""
    return str(error).split(" : ", maxsplit=1)[0].strip()


class PylonNodes:
    """Features by name; the library checks the range that the camera allows."""

    def __init__(self, node_map: Any, *, device: str) -> None:
        self._node_map = node_map
        self._device = device

    def has(self, name: str) -> bool:
        """Whether the camera has it and lets us use it now."""
        with spoken_for(self._device, f"is {name} there?"):
            node = self._node_map.GetNode(name)
            return node is not None and bool(genicam.IsAvailable(node))

    def read(self, name: str) -> Value:
        """Its value. See the port for what is raised."""
        with spoken_for(self._device, f"{name} cannot be read"):
            node = self._node_map.GetNode(name)
            value: Value = node.ToString() if isinstance(node, genicam.IEnumeration) else node.GetValue()
            return value

    def write(self, name: str, value: Value) -> None:
        """Set it. See the port for what is raised."""
        node = self._node_map.GetNode(name)
        with spoken_for(self._device, f"{name} = {value!r} is refused{self._range(name, node)}"):
            if isinstance(node, genicam.ICommand):
                node.Execute()
            elif isinstance(node, genicam.IEnumeration):
                node.FromString(str(value))
            elif isinstance(node, genicam.IBoolean):
                node.SetValue(bool(value))
            elif isinstance(node, genicam.IFloat):
                node.SetValue(float(value))
            elif isinstance(node, genicam.IInteger):
                node.SetValue(round(float(value)))
            else:
                node.SetValue(str(value))

    def choices(self, name: str) -> Sequence[str]:
        """What a feature with named values can be now."""
        if not self.has(name):
            return ()
        node = self._node_map.GetNode(name)
        return tuple(node.GetSymbolics()) if isinstance(node, genicam.IEnumeration) else ()

    def _range(self, name: str, node: Any) -> str:
        """What would be right, for the error that a wrong value makes."""
        try:
            if isinstance(node, genicam.IEnumeration):
                return f" ({', '.join(self.choices(name))} would be right)"
            if isinstance(node, genicam.IFloat | genicam.IInteger):
                return f" ({node.GetMin():g} to {node.GetMax():g} would be right)"
        except genicam.GenericException:
            return ""
        return ""
