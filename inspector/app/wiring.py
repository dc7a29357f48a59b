"""Lists what a station's settings wire: bits and words towards the PLC, inputs and outputs of a module, sinks."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from inspector.adapters.gate_modbus import ModbusGateSettings, structured_text, symbols
from inspector.adapters.gate_modbus.remote_io import RemoteIoSettings
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.adapters.gate_modbus.server import structured_text as server_text
from inspector.adapters.gate_modbus.server import symbols as server_symbols
from inspector.app.parts import Parts
from inspector.ports.wiring import Signal, Way, Wiring

_WAYS = {"from_plc": Way.FROM_PLC, "control": Way.FROM_PLC, "to_plc": Way.TO_PLC, "status": Way.TO_PLC}
_KINDS = {"BOOL": "bit", "CHAR2": "text"}


def symbols_of(settings: ModbusGateSettings | ModbusServerSettings) -> list[symbols.Symbol]:
    """Every word and bit of the role that these settings are of."""
    return symbols.rows(settings) if isinstance(settings, ModbusGateSettings) else server_symbols.rows(settings)


def st_of(settings: ModbusGateSettings | ModbusServerSettings) -> str:
    """The PLC's side of the role that these settings are of, as structured text."""
    if isinstance(settings, ModbusGateSettings):
        return structured_text.to_structured_text(settings)
    return server_text.to_structured_text(settings)


def wiring_of(parts: Parts) -> Wiring:
    """All of one station."""
    names = tuple(name for name, _, _ in parts.sinks)
    return wiring_between(parts.gate[1], parts.io[1] if parts.io is not None else None, sinks=names)


def wiring_between(gate: BaseModel, beside: BaseModel | None, *, sinks: tuple[str, ...] = ()) -> Wiring:
    """The PLC of these settings, the module of these, or both. ``beside``: a module beside a PLC."""
    module = gate if isinstance(gate, RemoteIoSettings) else beside
    wired = tuple(_module(module)) if isinstance(module, RemoteIoSettings) else ()
    device = module.device if isinstance(module, RemoteIoSettings) else ""
    if isinstance(gate, ModbusGateSettings | ModbusServerSettings):
        role = "client" if isinstance(gate, ModbusGateSettings) else "server"
        signals = (*_towards_the_plc(gate), *wired)
        return Wiring(role=role, device=gate.device, module=device, signals=signals, sinks=sinks)
    return Wiring(
        role="remote_io" if isinstance(gate, RemoteIoSettings) else "", module=device, signals=wired, sinks=sinks
    )


def _towards_the_plc(settings: ModbusGateSettings | ModbusServerSettings) -> Iterator[Signal]:
    for row in symbols_of(settings):
        way = _WAYS.get(row.name.partition(".")[0])
        if way is not None:  # the mirror shows nothing of its own
            bit = f".{row.bit}" if row.bit else ""
            kind = _KINDS.get(row.type, "word")
            yield Signal(
                name=row.name, way=way, place=f"{row.table}:{row.address}{bit}", meaning=row.meaning, kind=kind
            )


def _module(settings: RemoteIoSettings) -> Iterator[Signal]:
    meanings: dict[str, str] = {name: field.description or "" for name, field in type(settings).model_fields.items()}
    tables: Sequence[tuple[dict[str, object], Way, str]] = (
        (dict(settings.bits), Way.INPUT, "bit"),
        (dict(settings.counters), Way.INPUT, "word"),
        (dict(settings.coils), Way.OUTPUT, "bit"),
    )
    for wired, way, kind in tables:
        for name in wired:
            yield Signal(name=name, way=way, place=str(getattr(settings, name)), meaning=meanings[name], kind=kind)


def sink_words(settings: BaseModel) -> str:
    """Which receiver, in the station's words: host and port, or a path; never who signs in."""
    host, port = getattr(settings, "host", ""), getattr(settings, "port", "")
    return f"{host}:{port}" if host else str(getattr(settings, "path", ""))
