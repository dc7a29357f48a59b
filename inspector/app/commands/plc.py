"""`inspector plc`: what a PLC programmer needs."""

import json
import sys
from dataclasses import asdict

import typer

from inspector.adapters.gate_modbus import ModbusGateSettings, symbols
from inspector.app import options, plugins
from inspector.app.exits import speaking_plainly
from inspector.domain.errors import ConfigError

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
        loaded = options.load(config, station)
        gate = loaded.settings.gate
        if gate.get("kind") != "modbus":
            raise ConfigError(
                f"{loaded.origin(('gate',))}: gate.kind = {gate.get('kind')!r} has no symbols; "
                'set gate.kind = "modbus" (sample: config/samples/gate_modbus.toml)'
            )
        plugin = plugins.find("gate", "modbus", where=loaded.origin(("gate",)), key="gate")
        settings = plugins.settings(plugin, gate, origin=loaded.origin, prefix=("gate",))
        if not isinstance(settings, ModbusGateSettings):
            raise ConfigError(f"{loaded.origin(('gate',))}: gate.kind = 'modbus' is another package's plug-in")
        if as_json:
            sys.stdout.write(json.dumps([asdict(row) for row in symbols.rows(settings)], default=str) + "\n")
        else:
            sys.stdout.write(symbols.to_csv(settings))
