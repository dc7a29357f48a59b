"""`inspector plc`: what a PLC programmer needs."""

import json
import sys
from dataclasses import asdict

import typer

from inspector.adapters.gate_modbus import ModbusGateSettings, symbols
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.adapters.gate_modbus.server import symbols as server_symbols
from inspector.app import options, plugins
from inspector.app.exits import speaking_plainly
from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError

_KINDS = ("modbus", "modbus_server")

app = typer.Typer(no_args_is_help=True, help="What a PLC programmer needs.")


@app.callback()
def root() -> None:
    """Tell a PLC programmer what he needs."""


@app.command("symbols")
def print_symbols(
    config: options.Config = None, station: options.StationName = None, *, as_json: options.Json = False
) -> None:
    """Print every word and bit between station and PLC as CSV, from the station's own settings.

    Example: inspector plc symbols --station left > left.csv
    """
    with speaking_plainly():
        rows = _symbols(options.load(config, station))
        if as_json:
            sys.stdout.write(json.dumps([asdict(row) for row in rows], default=str) + "\n")
        else:
            sys.stdout.write(symbols.to_csv(rows))


def _symbols(loaded: Loaded) -> list[symbols.Symbol]:
    """The list of the role that the station's gate plays."""
    gate, where = loaded.settings.gate, loaded.origin(("gate",))
    kind = gate.get("kind")
    if kind not in _KINDS:
        raise ConfigError(
            f"{where}: gate.kind = {kind!r} has no symbols; set gate.kind = "
            f"{' or '.join(f'{known!r}' for known in _KINDS)} (samples: config/samples/gate_modbus*.toml)"
        )
    plugin = plugins.find("gate", kind, where=where, key="gate")
    settings = plugins.settings(plugin, gate, origin=loaded.origin, prefix=("gate",))
    if isinstance(settings, ModbusGateSettings):
        return symbols.rows(settings)
    if isinstance(settings, ModbusServerSettings):
        return server_symbols.rows(settings)
    raise ConfigError(f"{where}: gate.kind = {kind!r} is another package's plug-in")
