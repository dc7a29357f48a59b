"""Finds plug-ins by their entry points: no scan, no registry, no if/elif."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel

from inspector.app import toml_file
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Plugin


def names(port: str) -> list[str]:
    """Every installed kind of this port."""
    return sorted({point.name for point in entry_points(group=f"inspector.{port}")})


def find(port: str, kind: str, *, where: str, key: str) -> Plugin:
    """The plug-in of this kind.

    Raises:
        ConfigError: no such kind, or it cannot be imported (a missing extra).
    """
    for point in entry_points(group=f"inspector.{port}", name=kind):
        try:
            plugin = point.load()
        except ImportError as error:
            raise ConfigError(f"{where}: {key}.kind = {kind!r} cannot be loaded: {error}") from error
        if not isinstance(plugin, Plugin):
            raise ConfigError(f"{where}: {key}.kind = {kind!r}: {point.value} is not a Plugin")
        return plugin
    raise ConfigError(f"{where}: {key}.kind = {kind!r} is unknown; there are: {', '.join(names(port))}")


def settings(
    plugin: Plugin, table: Mapping[str, Any], *, origin: toml_file.Origin, prefix: tuple[str, ...]
) -> BaseModel:
    """The plug-in's own settings from its table (without ``kind`` and ``name``)."""
    own = {key: value for key, value in table.items() if key not in {"kind", "name"}}
    model: type[BaseModel] = plugin.settings_model
    return toml_file.validate(model, own, origin=origin, prefix=prefix)
