"""What `inspector plc monitor` shows of a line: words of a PLC, a module's bits, and what is forced."""

from typing import Any

from inspector.adapters.gate_modbus import ModbusGateSettings
from inspector.adapters.gate_modbus.remote_io import RemoteIoSettings
from inspector.app.plc_look import seen_in
from inspector.app.wiring import wiring_between

MODULE = RemoteIoSettings(host="io", trigger="input:0", bin_full="discrete:1", horn="coil:7", run_permit="coil:2")
STATUS: dict[str, Any] = {
    "plc": {"to_plc.state.run_permit": 0, "from_plc.job": 3},
    "io": {"trigger": 12, "bin_full": 1, "horn": 1, "run_permit": 0, "marker": 0},
    "links": {"gate": {"alive": True, "reason": ""}, "io": {"alive": False, "reason": "no answer"}},
    "health": {"plc": {"alive": True, "reason": ""}, "alarms": {"plc.forced": "forced: horn = 1 by A. Test"}},
    "forced": {"driven": [{"output": "horn", "high": True}]},
}


def test_a_plc_and_a_module_beside_it_are_shown_with_their_links_and_what_is_forced() -> None:
    seen = seen_in(STATUS, wiring_between(ModbusGateSettings(host="plc"), MODULE))
    told = seen.told()
    assert told["link"] == {"alive": True, "reason": ""}
    assert told["links"]["remote i/o"] == {"alive": False, "reason": "no answer"}
    assert told["words"] == STATUS["plc"]
    assert told["io"] == {"trigger": 12, "bin_full": 1, "horn": 1, "run_permit": 0}, "marker is not wired"
    assert told["driven"] == {"horn": True}
    head, *lines = seen.text({"from_plc.job": 2, "horn": 1}).splitlines()
    assert head == "link alive; remote i/o link DEAD: no answer; forced: horn = 1 by A. Test"
    assert next(line for line in lines if " horn" in line).split()[:3] == ["horn", "1", "FORCED"]
    assert next(line for line in lines if "from_plc.job" in line).startswith("*")
    assert not any(line.startswith("*") for line in lines if "from_plc.job" not in line)


def test_a_module_instead_of_a_plc_is_the_link() -> None:
    status = {**STATUS, "plc": {}, "links": {"gate": {"alive": True, "reason": ""}}}
    seen = seen_in(status, wiring_between(MODULE, None), only="permit")
    assert seen.told()["link"] == {"alive": True, "reason": ""}
    assert (seen.words, seen.module) == ({}, {"run_permit": 0})
