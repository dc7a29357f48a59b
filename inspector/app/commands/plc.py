"""`inspector plc`: what a PLC programmer needs."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Annotated

import typer

from inspector.adapters.gate_modbus import ModbusGateSettings, symbols
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.adapters.gate_modbus.structured_text import to_structured_text
from inspector.app import options, plugins, service
from inspector.app.asking import ENDINGS, Errand, ask, wait_for_life
from inspector.app.exits import speaking_plainly
from inspector.app.settings import Loaded
from inspector.app.wiring import symbols_of
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.request import FORCE, FORCED_MOST_S, RequestState
from inspector.pipeline.force import FORCE_ALARM
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.liveness import Life

_KINDS = ("modbus", "modbus_server")
_LOOK_S = 0.25
_SHOWN = "the words of a running line are shown"

app = typer.Typer(no_args_is_help=True, help="What a PLC programmer needs.")


@app.callback()
def root() -> None:
    """Tell a PLC programmer what he needs."""


class Format(Enum):
    """What the list is printed as."""

    CSV = "csv"
    ST = "st"


@app.command("symbols")
def print_symbols(
    *,
    form: Annotated[Format, typer.Option("--format", help="csv, or st: an IEC 61131-3 function block.")] = Format.CSV,
    config: options.Config = None,
    station: options.StationName = None,
    as_json: options.Json = False,
) -> None:
    """Print every word and bit between station and PLC as CSV, from the station's own settings.

    With --format st: the PLC's side of the client role as structured text, with handshake, default reject and shift
    register.

    Example: inspector plc symbols --station left > left.csv
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        settings = _gate_settings(loaded)
        if form is Format.ST:
            sys.stdout.write(_structured_text(loaded, settings))
            return
        rows = symbols_of(settings)
        if as_json:
            sys.stdout.write(json.dumps([asdict(row) for row in rows], default=str) + "\n")
        else:
            sys.stdout.write(symbols.to_csv(rows))


def _structured_text(loaded: Loaded, settings: ModbusGateSettings | ModbusServerSettings) -> str:
    if isinstance(settings, ModbusGateSettings):
        return to_structured_text(settings)
    raise ConfigError(
        f'{loaded.origin(("gate",))}: --format st is of the client role (gate.kind = "modbus"); in the server role the '
        "PLC polls with its own maker's Modbus client: see docs/plc-server.md, and --format csv"
    )


def _gate_settings(loaded: Loaded) -> ModbusGateSettings | ModbusServerSettings:
    """The settings of the role that the station's gate plays."""
    gate, where = loaded.settings.gate, loaded.origin(("gate",))
    kind = gate.get("kind")
    if kind not in _KINDS:
        raise ConfigError(
            f"{where}: gate.kind = {kind!r} has no symbols; set gate.kind = "
            f"{' or '.join(f'{known!r}' for known in _KINDS)} (samples: config/samples/gate_modbus*.toml)"
        )
    plugin = plugins.find("gate", kind, where=where, key="gate")
    settings = plugins.settings(plugin, gate, origin=loaded.origin, prefix=("gate",))
    if isinstance(settings, ModbusGateSettings | ModbusServerSettings):
        return settings
    raise ConfigError(f"{where}: gate.kind = {kind!r} is another package's plug-in")


@app.command("monitor")
def monitor(
    *,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    only: Annotated[str, typer.Option("--only", help="Only names that contain this.")] = "",
    config: options.Config = None,
    station: options.StationName = None,
    as_json: options.Json = False,
) -> None:
    """Show every bit and word between station and PLC by name, as the running line has it, four times a second.

    Lines that changed since the last look are marked. Ctrl-C ends.

    Example: inspector plc monitor --station left --only ack
    """
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = options.load(config, station)
        watch = StatusWatch(loaded.path("run_dir") / loaded.name / "status.json")
        wait_for_life(watch, f"line {loaded.name}", _SHOWN, stop)
        meanings = {row.name: row.meaning for row in symbols_of(_gate_settings(loaded))}
        before: Mapping[str, int] = {}
        while True:
            before = _shown(loaded.name, watch, meanings, before, only, as_json=as_json)
            if once or stop.wait(_LOOK_S):
                return


def _shown(
    station: str,
    watch: StatusWatch,
    meanings: Mapping[str, str],
    before: Mapping[str, int],
    only: str,
    *,
    as_json: bool,
) -> Mapping[str, int]:
    """Print one look; what was seen."""
    seen = watch.look()
    if seen.life is not Life.ALIVE:
        reason = seen.reason or "it gives no sign of life"
        raise DeviceError(f"line {station}", f"{reason}; {_SHOWN}: start it", retry=False)
    status = seen.status
    words: dict[str, int] = {name: value for name, value in status.get("plc", {}).items() if only in name}
    health = status.get("health", {})
    link = health.get("plc", {})
    forced = health.get("alarms", {}).get(FORCE_ALARM, "")
    if as_json:
        ready = status.get("ready_after", {})
        told = {"station": station, "link": link, "forced": forced, "ready_after": ready, "words": words}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        return words
    lines = [
        f"{'*' if before.get(name, value) != value else ' '} {name:40} {value:>6}" for name, value in words.items()
    ]
    notes = [f"  {meanings.get(name, '')}" for name in words]
    text = "\n".join(line + note for line, note in zip(lines, notes, strict=True))
    alive = "alive" if link.get("alive") else f"DEAD: {link.get('reason', '')}"
    clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() else ""
    sys.stdout.write(f"{clear}{station}: link {alive}{f'; {forced}' if forced else ''}\n{text}\n")
    sys.stdout.flush()
    return words


@app.command("force")
def force(
    output: Annotated[str, typer.Argument(help="Name of the output, as `inspector plc symbols` lists it.")],
    *,
    high: Annotated[bool, typer.Option("--on/--off", help="High or low.")],
    seconds: Annotated[int, typer.Option("--seconds", min=1, max=FORCED_MOST_S, help="Released after this.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Confirmed: do not ask.")] = False,
    config: options.Config = None,
    station: options.StationName = None,
) -> None:
    """Drive an output towards the PLC while the line runs: ready and run_permit are low meanwhile.

    It is shown as forced (alarm plc.forced), and released after its time, by Ctrl-C, and when the line ends.

    Example: inspector plc force to_plc.state.bypass --on --seconds 10 --station left
    """
    service.configure_logs()
    with speaking_plainly():
        loaded = options.load(config, station)
        if not yes:
            asked = (
                f"{loaded.name}: force {output} = {int(high)} for {seconds} s; the belt's permit goes low. Force it?"
            )
            typer.confirm(asked, abort=True)
        errand = Errand(
            kind=FORCE,
            content={"output": output, "high": high, "seconds": seconds},
            verb="plc force",
            purpose="outputs of a running line are forced",
        )
        with service.stop_on_signals() as stop:
            last = ask(loaded, errand, stop=stop, tell=lambda answer: typer.echo(f"FORCED: {answer.text}"))
        typer.echo(f"{last.state.value}: {last.text}", err=last.state is not RequestState.DONE)
        raise SystemExit(ENDINGS[last.state])
