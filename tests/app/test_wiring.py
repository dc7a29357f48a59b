"""What a station's settings wire, as its pages list it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.app import settings
from inspector.app.parts import Parts, check_parts
from inspector.app.wiring import wiring_of
from inspector.ports.wiring import Way

STATION = "left"


@pytest.fixture
def station(tmp_path: Path, repo: Path) -> Callable[[str], Parts]:
    def made(tables: str) -> Parts:
        (tmp_path / "stations").mkdir()
        (tmp_path / "inspector.toml").write_text(
            f'[paths]\ndata_dir = "{tmp_path}/data"\nrun_dir = "{tmp_path}/run"\nmodels_dir = "{repo}/models"\n'
            f'recipes_dir = "{repo}/config/recipes"\n'
        )
        text = '[scale]\nid = "plate"\npx_per_mm = 20.0\n[camera]\nkind = "folder"\npath = "/nowhere"\n'
        (tmp_path / "stations" / f"{STATION}.toml").write_text(f'{text}[trigger]\nkind = "free"\n{tables}')
        return check_parts(settings.load(tmp_path, STATION))

    return made


def test_a_plc_that_we_write_to_and_a_module_beside_it(station: Callable[[str], Parts]) -> None:
    wiring = wiring_of(
        station(
            '[gate]\nkind = "modbus"\nhost = "10.0.0.5"\n[io]\nhost = "10.0.0.6"\nbin_full = "discrete:3"\n'
            'horn = "coil:7"\ngood_count = "input:6"\n[[sink]]\nkind = "jsonl"\npath = "/r.jsonl"\n'
        )
    )
    assert (wiring.role, wiring.device, wiring.module) == (
        "client",
        "plc 10.0.0.5:502 unit 1",
        "remote i/o 10.0.0.6:502 unit 1",
    )
    assert wiring.sinks == ("jsonl",)
    by_name = {signal.name: signal for signal in wiring.signals}
    assert by_name["to_plc.state.run_permit"].place == "holding:2.6"
    assert (by_name["from_plc.part_id_0"].kind, by_name["from_plc.part_id_0"].way) == ("text", Way.FROM_PLC)
    assert [(one.name, one.way, one.kind) for one in wiring.signals if one.way in {Way.INPUT, Way.OUTPUT}] == [
        ("bin_full", Way.INPUT, "bit"),
        ("good_count", Way.INPUT, "word"),
        ("horn", Way.OUTPUT, "bit"),
    ]
    assert by_name["horn"].place == "coil:7"


def test_a_plc_that_polls_us_is_listed_once_without_the_mirror(station: Callable[[str], Parts]) -> None:
    wiring = wiring_of(station('[gate]\nkind = "modbus_server"\nlisten = "127.0.0.1"\nport = 1502\n'))
    assert wiring.role == "server"
    ways = {signal.name.partition(".")[0]: signal.way for signal in wiring.signals}
    assert ways == {"control": Way.FROM_PLC, "status": Way.TO_PLC}
    assert len({signal.name for signal in wiring.signals}) == len(wiring.signals)


def test_a_station_without_a_plant_is_wired_to_nothing(station: Callable[[str], Parts]) -> None:
    wiring = wiring_of(station('[gate]\nkind = "dry"\n'))
    assert (wiring.role, wiring.signals, wiring.sinks) == ("", (), ())
