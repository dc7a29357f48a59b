"""Settings, samples and the symbol list of the PLC gate."""

import csv
import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspector.adapters.gate_modbus import PLUGIN, ModbusGateSettings
from inspector.adapters.gate_modbus.symbols import rows, to_csv

SAMPLES = Path(__file__).parents[3] / "config" / "samples"


def test_the_sample_loads_and_shows_every_setting_with_its_default() -> None:
    table = tomllib.loads((SAMPLES / "gate_modbus.toml").read_text(encoding="utf-8"))["gate"]
    assert table.pop("kind") == "modbus"
    assert set(table) == set(ModbusGateSettings.model_fields)
    assert PLUGIN.settings_model(**table) == ModbusGateSettings(host="192.0.2.10")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"from_address": 7}, "from_address = 8 or more would be right"),
        ({"unit_id": 256}, "unit_id"),
        ({"poll_period_ms": 0}, "poll_period_ms"),
        ({"to_address": 65530}, "to_address"),
        ({"slave": 1}, "slave"),
        ({"host": ""}, "host"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PLUGIN.settings_model(**{"host": "plc", **wrong})


def test_the_blocks_may_share_addresses_in_different_tables() -> None:
    assert ModbusGateSettings(host="plc", from_address=0, from_table="input").from_address == 0


def test_the_symbol_list_has_every_word_of_both_blocks_once() -> None:
    settings = ModbusGateSettings(host="plc", to_address=10, from_address=300, from_table="input")
    listed = list(csv.DictReader(io.StringIO(to_csv(rows(settings)))))
    assert list(listed[0]) == ["name", "role", "table", "address", "bit", "type", "meaning"]
    words = [(row["table"], int(row["address"])) for row in listed if not row["bit"]]
    assert words == [("holding", 10 + i) for i in range(8)] + [("input", 300 + i) for i in range(17)]
    bits = [(row["name"], row["bit"]) for row in listed if row["bit"]]
    assert ("to_plc.state.error", "3") in bits
    assert ("to_plc.state.run_permit", "6") in bits
    assert ("from_plc.status.clear_error", "4") in bits
    assert len({row["name"] for row in listed}) == len(listed)


def test_the_symbol_list_follows_the_word_order() -> None:
    by_name = {
        s.name: s.address for s in rows(ModbusGateSettings.model_validate({"host": "plc", "word_order": "low_first"}))
    }
    assert by_name["to_plc.part_seq_low"] == 3
    assert by_name["to_plc.part_seq_high"] == 4
    assert by_name["from_plc.trigger_seq_low"] == 101
    assert by_name["from_plc.trigger_seq_high"] == 102
