"""The symbol list a PLC programmer imports, server role: every word and bit with its address under the settings."""

from collections.abc import Iterator, Mapping

from inspector.adapters.gate_modbus.layout import WordOrder
from inspector.adapters.gate_modbus.server.settings import ModbusServerSettings
from inspector.adapters.gate_modbus.server.table import (
    CONTROL_FIELDS,
    CONTROL_MEANINGS,
    STATUS_FIELDS,
    STATUS_MEANINGS,
    ControlBit,
    Field,
    StatusBit,
)
from inspector.adapters.gate_modbus.symbols import Symbol

ROLE = "server"
_WORD = 16


def rows(settings: ModbusServerSettings) -> list[Symbol]:
    """Every word and bit: what the PLC writes, what it reads, and the same again where it may read it instead."""
    control = _Block(prefix="control", table="holding", base=settings.control_address, settings=settings)
    status = _Block(prefix="status", table="input", base=settings.status_address, settings=settings)
    mirror = _Block(prefix="mirror", table="holding", base=settings.mirror_address, settings=settings)
    return [
        *control.listed(CONTROL_MEANINGS, CONTROL_FIELDS),
        *status.listed(STATUS_MEANINGS, STATUS_FIELDS),
        *mirror.listed(STATUS_MEANINGS, STATUS_FIELDS),
    ]


class _Block:
    """Where one block stands."""

    def __init__(self, *, prefix: str, table: str, base: int, settings: ModbusServerSettings) -> None:
        self._prefix = prefix
        self._table = table
        self._base = base
        self._low_first = settings.word_order is WordOrder.LOW_FIRST

    def listed(
        self, bits: Mapping[ControlBit, str] | Mapping[StatusBit, str], fields: tuple[Field, ...]
    ) -> Iterator[Symbol]:
        """The words of bits, each with its bits, then the other words."""
        for word in (0, 1):
            yield self._symbol(word, f"bits_{word}", "WORD", f"bits of word {word}")
            for flag, meaning in bits.items():
                place = int(flag).bit_length() - 1
                if place // _WORD == word:
                    name = (flag.name or "").lower()
                    yield self._symbol(word, name, "BOOL", meaning, bit=str(place % _WORD))
        for field in fields:
            yield from self._words(field)

    def _words(self, field: Field) -> Iterator[Symbol]:
        if field.number32:
            high, low = (1, 0) if self._low_first else (0, 1)
            yield self._symbol(field.offset + high, f"{field.name}_high", "UINT", f"{field.meaning}; high 16 bits")
            yield self._symbol(field.offset + low, f"{field.name}_low", "UINT", f"{field.meaning}; low 16 bits")
        elif field.text:
            for i in range(field.words):
                meaning = (
                    f"{field.meaning}, characters {2 * i + 1}-{2 * i + 2}, the first in the high byte, filled with 0"
                )
                yield self._symbol(field.offset + i, f"{field.name}_{i}", "CHAR2", meaning)
        else:
            yield self._symbol(field.offset, field.name, "UINT", field.meaning)

    def _symbol(self, word: int, name: str, type_: str, meaning: str, bit: str = "") -> Symbol:
        return Symbol(
            name=f"{self._prefix}.{name}",
            role=ROLE,
            table=self._table,
            address=self._base + word,
            bit=bit,
            type=type_,
            meaning=meaning,
        )
