"""The server role's table: the page, the symbol list and the code say the same, and senseless images reject."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspector.adapters.gate_modbus.layout import Orders
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.adapters.gate_modbus.server.image import Status, decode_control, decode_status, enables, encode_status
from inspector.adapters.gate_modbus.server.symbols import rows
from inspector.adapters.gate_modbus.server.table import (
    CONTROL_FIELDS,
    CONTROL_MEANINGS,
    CONTROL_WORDS,
    STATUS_FIELDS,
    STATUS_MEANINGS,
    STATUS_WORDS,
    ControlBit,
    ErrorCode,
    StatusBit,
)
from inspector.adapters.gate_modbus.symbols import to_csv


def test_the_page_has_every_word_and_bit(repo: Path) -> None:
    page = (repo / "docs" / "plc-server.md").read_text(encoding="utf-8")
    control, status = page.split("## Status block")
    for text, bits, fields in (
        (control, CONTROL_MEANINGS, CONTROL_FIELDS),
        (status, STATUS_MEANINGS, STATUS_FIELDS),
    ):
        listed = re.findall(r"^\| (\d)\.(\d+) \| (\w+) \| (.+) \|$", text, re.MULTILINE)
        wanted = []
        for flag, meaning in bits.items():
            place = int(flag).bit_length() - 1
            wanted.append((str(place // 16), str(place % 16), str(flag.name).lower(), meaning))
        assert listed == wanted
        words = re.findall(r"^\| (\d+)(?:-\d+)? \| (\w+) \| ", text, re.MULTILINE)
        for field in fields:
            assert (str(field.offset), field.name) in words
    for code in ErrorCode:
        assert re.search(rf"^\| {int(code)} \| ", status, re.MULTILINE)


def test_the_blocks_have_no_gap_and_no_overlap() -> None:
    for fields, words in ((CONTROL_FIELDS, CONTROL_WORDS), (STATUS_FIELDS, STATUS_WORDS)):
        places = [field.offset + i for field in fields for i in range(field.words)]
        assert places == list(range(2, words))
    assert set(CONTROL_MEANINGS) == set(ControlBit)
    assert set(STATUS_MEANINGS) == set(StatusBit)


def test_the_symbol_list_has_every_word_once_and_every_bit() -> None:
    settings = ModbusServerSettings(control_address=10, status_address=300, mirror_address=2000)
    listed = list(csv.DictReader(io.StringIO(to_csv(rows(settings)))))
    words = [(row["table"], int(row["address"])) for row in listed if not row["bit"]]
    wanted = [("holding", 10 + i) for i in range(18)] + [("input", 300 + i) for i in range(26)]
    assert words == wanted + [("holding", 2000 + i) for i in range(26)]
    assert len({row["name"] for row in listed}) == len(listed)
    bits = {row["name"]: (int(row["address"]), row["bit"]) for row in listed if row["bit"]}
    assert bits["control.trigger"] == (10, "1")
    assert bits["status.results_ok"] == (301, "8")
    assert bits["mirror.error"] == (2000, "15")


@pytest.mark.parametrize("order", ["high_first", "low_first"])
@pytest.mark.parametrize("byte_order", ["big", "little"])
def test_an_image_of_zeros_or_ones_rejects_as_it_is_and_inverted(order: str, byte_order: str) -> None:
    settings = ModbusServerSettings.model_validate({"word_order": order, "byte_order": byte_order})
    for image in ([0] * STATUS_WORDS, [0xFFFF] * STATUS_WORDS):
        assert not enables(decode_status(image, settings.orders))
    ones = decode_control([0xFFFF] * CONTROL_WORDS, settings.orders)
    assert ControlBit.SET_OFFLINE in ones.bits


def test_one_flipped_bit_in_a_standing_reject_never_enables() -> None:
    words = {"inspection_id": 7, "result_code": 2, "heartbeat": 1}
    for code, bits in ((2, StatusBit.RESULTS_NG), (3, StatusBit.RESULTS_NG | StatusBit.RESULTS_UNDECIDED)):
        status = Status(bits=StatusBit.RESULTS_VALID | bits, words=words | {"result_code": code})
        image = encode_status(status, Orders())
        for place in range(STATUS_WORDS * 16):
            flipped = list(image)
            flipped[place // 16] ^= 1 << place % 16
            assert not enables(decode_status(flipped, Orders()))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mirror_address": 17}, "mirror_address = 18 or more would be right"),
        ({"minimum_pitch_ms": 20}, "needs plc_counts = false"),
        ({"unit_id": 256}, "unit_id"),
        ({"status_address": 65530}, "status_address"),
        ({"slave": 1}, "slave"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ModbusServerSettings(**wrong)
