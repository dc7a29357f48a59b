"""The devices, runtimes and sinks that a station's settings name: found, and checked against each other."""

from pydantic import BaseModel

from inspector.app import commissioning, plugins, toml_file
from inspector.app.runtime_choice.candidates import AUTO, AutoSettings, installed
from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Plugin

TRACKING = ("plc", "time", "encoder")


def camera_of(loaded: Loaded) -> tuple[Plugin, BaseModel]:
    """The station's camera, whatever else is wrong with its settings.

    Raises:
        ConfigError: no such kind, or its settings are wrong.
    """
    return found(loaded, "camera", loaded.settings.camera, "camera")


def found(loaded: Loaded, port: str, table: dict[str, object], key: str) -> tuple[Plugin, BaseModel]:
    """The plug-in that a table names, and its settings.

    Raises:
        ConfigError: no such kind, or its settings are wrong.
    """
    kind = table.get("kind")
    where = loaded.origin((key,))
    if not isinstance(kind, str):
        raise ConfigError(f"{where}: {key}.kind is missing; there are: {', '.join(plugins.names(port))}")
    plugin = plugins.find(port, kind, where=where, key=key)
    return plugin, plugins.settings(plugin, table, origin=loaded.origin, prefix=(key,))


def gate_of(loaded: Loaded) -> tuple[Plugin, BaseModel]:
    """The gate, which must be able to do what gate.tracking asks; and whoever fires must have been commissioned."""
    tracking = loaded.settings.tracking
    where = loaded.origin(("gate", "tracking"))
    if tracking not in TRACKING:
        raise ConfigError(f"{where}: gate.tracking = {tracking!r} is unknown; there are: {', '.join(TRACKING)}")
    plugin, settings = wired_gate_of(loaded)
    kind = loaded.settings.gate.get("kind")
    if tracking == "plc" and plugin.tracks:
        raise ConfigError(
            f"{where}: gate.kind = {kind!r} has coils, and a coil carries no part number: no PLC can track by it; "
            'set gate.tracking = "encoder" or "time", or gate.kind = "modbus"'
        )
    if tracking != "plc" and not plugin.tracks:
        raise ConfigError(
            f"{where}: gate.tracking = {tracking!r}, but gate.kind = {kind!r} moves no ejector; set gate.kind = "
            '"remote_io", or gate.tracking = "plc"'
        )
    if tracking != "plc" and not (getattr(settings, "trigger", "") and getattr(settings, "ejector", "")):
        raise ConfigError(f"{where}: gate.tracking = {tracking!r} needs gate.trigger and gate.ejector to be wired")
    if tracking == "encoder" and not (getattr(settings, "encoder", "") and getattr(settings, "trigger_encoder", "")):
        raise ConfigError(
            f'{where}: gate.tracking = "encoder" needs gate.encoder and gate.trigger_encoder: the count now, and the '
            "count latched at the trigger, of one counter"
        )
    if tracking == "time" and not getattr(settings, "belt_at_speed", ""):
        raise ConfigError(
            f'{where}: gate.tracking = "time" needs gate.belt_at_speed: nothing else tells that the belt stopped'
        )
    if tracking != "plc" and loaded.settings.trigger.get("kind") != "gate":
        raise ConfigError(f'{where}: gate.tracking = {tracking!r} needs trigger.kind = "gate": the module counts')
    if tracking != "plc":
        _closes_in_time(loaded, float(getattr(settings, "watchdog_ms", 0.0)))
    _polls_often_enough(loaded, int(getattr(settings, "poll_period_ms", 0)))
    commissioning.require(loaded)
    return plugin, settings


def wired_gate_of(loaded: Loaded) -> tuple[Plugin, BaseModel]:
    """The gate as it is wired, whoever fires."""
    table = {key: value for key, value in loaded.settings.gate.items() if key != "tracking"}
    return found(loaded, "gate", table, "gate")


def _polls_often_enough(loaded: Loaded, poll_ms: int) -> None:
    """A trigger is as old as the poll that found it may be; beyond the window its picture is not told by time."""
    window_ms = loaded.settings.station.sync_window_ms
    if loaded.settings.trigger.get("kind") == "gate" and poll_ms >= window_ms:
        raise ConfigError(
            f"{loaded.origin(('gate', 'poll_period_ms'))}: gate.poll_period_ms = {poll_ms} must be below "
            f"station.sync_window_ms = {window_ms:g}: no part's picture could be told from its neighbour's by time"
        )


def _closes_in_time(loaded: Loaded, watchdog_ms: float) -> None:
    """An output that a stalled process left on is dropped by the watchdog; by then no other part may be there."""
    table = loaded.settings.ejector
    runs_on_mm = watchdog_ms / 1e3 * table.speed_mm_s
    if table.after_mm + runs_on_mm > table.min_pitch_mm:
        raise ConfigError(
            f"{loaded.origin(('ejector', 'after_mm'))}: gate.watchdog_ms = {watchdog_ms:g} is {runs_on_mm:.0f} mm "
            f"of belt at ejector.speed_mm_s = {table.speed_mm_s:g}; with after_mm = {table.after_mm:g} the next part, "
            f"min_pitch_mm = {table.min_pitch_mm:g} behind, would be there before a stalled output is dropped; "
            "set a shorter watchdog (in the module too) or after_mm"
        )


def io_of(loaded: Loaded) -> tuple[Plugin, BaseModel] | None:
    """The remote I/O module beside a PLC: lamps, horn, sensors; None without one."""
    table = loaded.settings.io
    if table is None:
        return None
    where = loaded.origin(("io",))
    if loaded.settings.tracking != "plc":
        raise ConfigError(
            f"{where}: [io] stands beside a PLC; with gate.tracking = "
            f"{loaded.settings.tracking!r} everything is wired in [gate]"
        )
    plugin, settings = found(loaded, "gate", {"kind": "remote_io", **table}, "io")
    if getattr(settings, "ejector", ""):
        raise ConfigError(f"{where}: io.ejector is wired, but the PLC fires the ejector; leave it out")
    return plugin, settings


def runtimes_of(loaded: Loaded) -> dict[str, tuple[Plugin, BaseModel]]:
    """The runtime that is set; with "auto" every one that is installed, what the workshop proved models with first."""
    table = loaded.settings.runtime
    if table.get("kind") != AUTO:
        return {str(table.get("kind")): found(loaded, "runtime", table, "runtime")}
    own = {key: value for key, value in table.items() if key != "kind"}
    wish = toml_file.validate(AutoSettings, own, origin=loaded.origin, prefix=("runtime",))
    return installed(threads=wish.threads, where=loaded.origin(("runtime",)))


def sinks_of(loaded: Loaded) -> tuple[tuple[str, Plugin, BaseModel], ...]:
    """Where results go, by name."""
    sinks: list[tuple[str, Plugin, BaseModel]] = []
    for index, table in enumerate(loaded.settings.sink):
        plugin, settings = found(loaded, "sink", table, f"sink.{index}" if index else "sink")
        name = str(table.get("name", table["kind"]))
        if name in {known for known, _, _ in sinks}:
            raise ConfigError(f"{loaded.origin(('sink',))}: two sinks are named {name!r}; give each a name of its own")
        sinks.append((name, plugin, settings))
    return tuple(sinks)
