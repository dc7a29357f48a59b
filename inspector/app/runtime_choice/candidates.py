"""The runtimes there are to choose from, as ``[runtime] kind = "auto"`` sets them."""

from importlib.metadata import PackageNotFoundError, version

from pydantic import BaseModel, ConfigDict, Field

from inspector.app import plugins
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Plugin

AUTO = "auto"
REFERENCE = "onnx"
"""What a model's figures were made with; another runtime must answer as it does."""


class AutoSettings(BaseModel):
    """[runtime] kind = "auto": what every candidate is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=0, ge=0, le=64, description="threads for one inference; 0: one per core")


def installed(*, threads: int, where: str) -> dict[str, tuple[Plugin, BaseModel]]:
    """Every runtime that can be imported here, with these threads where it has threads to set; the reference first.

    Raises:
        ConfigError: not even the reference can be imported.
    """
    found = {}
    for kind in sorted(plugins.names("runtime"), key=lambda name: (name != REFERENCE, name)):
        try:
            plugin = plugins.find("runtime", kind, where=where, key="runtime")
        except ConfigError:
            if kind == REFERENCE:
                raise
            continue  # its extra is not installed
        found[kind] = plugin, plugin.settings_model(**settings_of(plugin, threads))
    return found


def settings_of(plugin: Plugin, threads: int) -> dict[str, int]:
    """Threads, if the runtime has them to set."""
    return {"threads": threads} if "threads" in plugin.settings_model.model_fields else {}


def vendor_version(plugin: Plugin) -> str:
    """Version of the vendor's library behind a plug-in; "" where it names none."""
    try:
        return version(plugin.vendor) if plugin.vendor else ""
    except PackageNotFoundError:
        return ""
