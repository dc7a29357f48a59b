"""Whatever addresses are accepted, every word of the list stands in its table, and none stands on another."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inspector.adapters.gate_modbus import ModbusGateSettings, symbols
from inspector.adapters.gate_modbus.server import ModbusServerSettings
from inspector.adapters.gate_modbus.server import symbols as server_symbols
from inspector.adapters.gate_modbus.symbols import Symbol

LAST = 65535
ADDRESSES = st.one_of(st.integers(0, 60), st.integers(LAST - 60, LAST + 2), st.integers(0, LAST))


def hold(rows: Iterable[Symbol]) -> None:
    words = [(row.table, row.address) for row in rows if not row.bit]
    assert all(0 <= address <= LAST for _, address in words)
    assert Counter(words).most_common(1)[0][1] == 1


@given(ADDRESSES, ADDRESSES, st.sampled_from(["holding", "input"]), st.sampled_from(["high_first", "low_first"]))
def test_in_the_client_role(to_address: int, from_address: int, table: str, order: str) -> None:
    given = {"to_address": to_address, "from_address": from_address, "from_table": table, "word_order": order}
    try:
        settings = ModbusGateSettings.model_validate({"host": "plc", **given})
    except ValidationError:
        apart = to_address + 8 <= from_address or from_address + 17 <= to_address or table == "input"
        assert to_address > LAST - 7 or from_address > LAST - 16 or not apart
        return
    hold(symbols.rows(settings))


@given(ADDRESSES, ADDRESSES, ADDRESSES, st.sampled_from(["high_first", "low_first"]))
def test_in_the_server_role(control: int, status: int, mirror: int, order: str) -> None:
    given = {"control_address": control, "status_address": status, "mirror_address": mirror, "word_order": order}
    try:
        settings = ModbusServerSettings.model_validate(given)
    except ValidationError:
        apart = control + 18 <= mirror or mirror + 26 <= control
        assert control > LAST - 17 or status > LAST - 25 or mirror > LAST - 25 or not apart
        return
    hold(server_symbols.rows(settings))
