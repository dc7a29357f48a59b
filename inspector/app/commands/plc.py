"""`inspector plc`: what a PLC programmer needs."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Annotated, Any

import typer

from inspector.adapters.gate_modbus import ModbusGateSettings, symbols
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.app import options, service
from inspector.app.asking import ENDINGS, Errand, ask, wait_for_life
from inspector.app.devices import io_of, wired_gate_of
from inspector.app.exits import speaking_plainly
from inspector.app.plc_look import seen_in
from inspector.app.settings import Loaded
from inspector.app.wiring import st_of, symbols_of, wiring_between
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.request import FORCE, FORCED_MOST_S, RequestState
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.liveness import Life
from inspector.ports.wiring import Wiring

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

    With --format st: the PLC's side of the station's role as structured text, with handshake, default reject and
    shift register.

    Example: inspector plc symbols --station left > left.csv
    """
    with speaking_plainly():
        loaded = options.load(config, station)
        settings = _gate_settings(loaded)
        if form is Format.ST:
            sys.stdout.write(st_of(settings))
            return
        rows = symbols_of(settings)
        if as_json:
            sys.stdout.write(json.dumps([asdict(row) for row in rows], default=str) + "\n")
        else:
            sys.stdout.write(symbols.to_csv(rows))


def _gate_settings(loaded: Loaded) -> ModbusGateSettings | ModbusServerSettings:
    """The settings of the role that the station's gate plays."""
    gate, where = loaded.settings.gate, loaded.origin(("gate",))
    kind = gate.get("kind")
    if kind not in _KINDS:
        raise ConfigError(
            f"{where}: gate.kind = {kind!r} has no symbols; set gate.kind = "
            f"{' or '.join(f'{known!r}' for known in _KINDS)} (samples: config/samples/gate_modbus*.toml)"
        )
    _, settings = wired_gate_of(loaded)
    if isinstance(settings, ModbusGateSettings | ModbusServerSettings):
        return settings
    raise ConfigError(f"{where}: gate.kind = {kind!r} is another package's plug-in")


def _wiring(loaded: Loaded) -> Wiring:
    """What the station's gate and [io] are wired to.

    Raises:
        ConfigError: to nothing that has bits.
    """
    gate, where = loaded.settings.gate, loaded.origin(("gate",))
    _, settings = wired_gate_of(loaded)
    beside = io_of(loaded)
    wiring = wiring_between(settings, beside[1] if beside is not None else None)
    if not wiring.signals:
        raise ConfigError(
            f"{where}: gate.kind = {gate.get('kind')!r} has no bits; set gate.kind = "
            f"{', '.join(repr(known) for known in (*_KINDS, 'remote_io'))} (samples: config/samples/gate_*.toml)"
        )
    return wiring


@app.command("monitor")
def monitor(
    *,
    once: Annotated[bool, typer.Option("--once", help="One look, then end.")] = False,
    only: Annotated[str, typer.Option("--only", help="Only names that contain this.")] = "",
    config: options.Config = None,
    station: options.StationName = None,
    as_json: options.Json = False,
) -> None:
    """Show every bit and word by name, as the running line has it, four times a second: PLC and remote I/O.

    Lines that changed since the last look are marked, and outputs that somebody forces. Ctrl-C ends.

    Example: inspector plc monitor --station left --only ack
    """
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = options.load(config, station)
        wiring = _wiring(loaded)
        watch = StatusWatch(loaded.path("run_dir") / loaded.name / "status.json")
        wait_for_life(watch, f"line {loaded.name}", _SHOWN, stop)
        before: Mapping[str, int] = {}
        while True:
            status = _alive(loaded.name, watch)
            seen = seen_in(status, wiring, only=only)
            if as_json:
                sys.stdout.write(json.dumps({"station": loaded.name, **seen.told()}) + "\n")
            else:
                clear = "\x1b[H\x1b[2J" if sys.stdout.isatty() else ""
                sys.stdout.write(f"{clear}{loaded.name}: {seen.text(before)}\n")
            sys.stdout.flush()
            before = {**seen.words, **seen.module}
            if once or stop.wait(_LOOK_S):
                return


def _alive(station: str, watch: StatusWatch) -> Mapping[str, Any]:
    """What the line says now.

    Raises:
        DeviceError: it does not.
    """
    seen = watch.look()
    if seen.life is not Life.ALIVE:
        reason = seen.reason or "it gives no sign of life"
        raise DeviceError(f"line {station}", f"{reason}; {_SHOWN}: start it", retry=False)
    return seen.status


@app.command("force")
def force(
    output: Annotated[str, typer.Argument(help="Name of the output, as `inspector plc monitor` shows it.")],
    *,
    high: Annotated[bool, typer.Option("--on/--off", help="High or low.")],
    seconds: Annotated[int, typer.Option("--seconds", min=1, max=FORCED_MOST_S, help="Released after this.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Confirmed: do not ask.")] = False,
    config: options.Config = None,
    station: options.StationName = None,
) -> None:
    """Drive an output towards the PLC, or of a remote I/O module, while the line runs: run_permit is low meanwhile.

    It is shown as forced (alarm plc.forced), and released after its time, by Ctrl-C, and when the line ends. What a
    verdict moves (a result, an ejector) is never forced.

    Example: inspector plc force to_plc.state.bypass --on --seconds 10 --station left
    Example: inspector plc force horn --on --seconds 3 --station left
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
