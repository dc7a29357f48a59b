"""The symbol list a PLC programmer imports, client role: every word and bit with its address under the settings."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields

from inspector.adapters.gate_modbus.layout import WordOrder
from inspector.adapters.gate_modbus.settings import ModbusGateSettings

ROLE = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One row. ``address``: zero-based protocol address; ``bit``: "" for a whole word."""

    name: str
    role: str
    table: str
    address: int
    bit: str
    type: str
    meaning: str


_STATE_BITS = (
    ("online", "the station is connected to its line process"),
    ("ready", "it will judge the next part"),
    ("busy", "a part is being judged"),
    ("error", "never enable while set; never comes with result code 1"),
    ("degraded", "it judges, but something asks for attention"),
    ("bypass", "a person has taken the station out of the decision"),
    ("run_permit", "as ready: warmed up, camera read back, requested job known: the belt may run"),
)
_STATUS_BITS = (
    ("enable", "the PLC wants verdicts"),
    ("stop", "the PLC has stopped the line"),
    ("bin_full", "the reject bin is full"),
    ("bypass", "the PLC ignores verdicts"),
    ("clear_error", "the PLC asks to clear the error"),
)


def rows(settings: ModbusGateSettings) -> list[Symbol]:
    """Every word and bit of both blocks, in the order of docs/plc.md."""
    return [*_to_plc(settings), *_from_plc(settings)]


def to_csv(symbols: Iterable[Symbol]) -> str:
    """A list as CSV with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Symbol))
    writer.writerows(astuple(symbol) for symbol in symbols)
    return text.getvalue()


def _to_plc(settings: ModbusGateSettings) -> Iterator[Symbol]:
    block = _Block(prefix="to_plc", table="holding", base=settings.to_address, low_first=_low_first(settings))
    yield block.word(0, "layout", "always 1")
    yield block.word(
        1, "heartbeat", "station's counter 1-65535, changes at least each 250 ms; unchanged for 1 s = dead"
    )
    yield from block.bits(2, "state", "state of the station", _STATE_BITS)
    yield from block.number(3, "part_seq", "the part this result is about; 0 = no result")
    yield block.word(5, "result_code", "0 none (never OK), 1 OK, 2 NG, 3 not decidable; only 1 may enable")
    yield block.word(6, "severity", "min(severity score x 1000, 65535)")
    crc = "CRC-16/MODBUS of words 0-6 in the order of layout 1, each word high byte first whatever the order settings"
    yield block.word(7, "crc", crc)


def _from_plc(settings: ModbusGateSettings) -> Iterator[Symbol]:
    base, table = settings.from_address, settings.from_table
    block = _Block(prefix="from_plc", table=table, base=base, low_first=_low_first(settings))
    yield block.word(0, "heartbeat_echo", "copy of to_plc.heartbeat of the last valid block")
    yield from block.number(1, "trigger_seq", "trigger counter, +1 per part, 4294967295 is followed by 1; 0 unused")
    yield from block.number(3, "echo_seq", "part_seq of the last result that decided a part")
    yield from block.bits(5, "status", "state of the PLC", _STATUS_BITS)
    use = "" if settings.encoder else " (not used: encoder = false)"
    yield from block.number(6, "encoder", f"encoder count at the trigger, 32 bit{use}")
    for i in range(4):
        yield block.text(8 + i, f"part_id_{i}", f"part id, characters {2 * i + 1}-{2 * i + 2}")
    yield block.word(12, "job", "job number requested; 0 none")
    for i in range(4):
        yield block.text(13 + i, f"lot_{i}", f"lot, characters {2 * i + 1}-{2 * i + 2}")


def _low_first(settings: ModbusGateSettings) -> bool:
    return settings.word_order is WordOrder.LOW_FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Where one block stands."""

    prefix: str
    table: str
    base: int
    low_first: bool

    def _symbol(self, word: int, name: str, type_: str, meaning: str, bit: str = "") -> Symbol:
        return Symbol(
            name=f"{self.prefix}.{name}",
            role=ROLE,
            table=self.table,
            address=self.base + word,
            bit=bit,
            type=type_,
            meaning=meaning,
        )

    def word(self, word: int, name: str, meaning: str) -> Symbol:
        return self._symbol(word, name, "UINT", meaning)

    def text(self, word: int, name: str, meaning: str) -> Symbol:
        return self._symbol(word, name, "CHAR2", f"{meaning}, the first in the high byte, filled with 0")

    def number(self, word: int, name: str, meaning: str) -> Iterator[Symbol]:
        """Both halves, the high one first in the list wherever it stands."""
        high, low = (word + 1, word) if self.low_first else (word, word + 1)
        yield self._symbol(high, f"{name}_high", "UINT", f"{meaning}; high 16 bits")
        yield self._symbol(low, f"{name}_low", "UINT", f"{meaning}; low 16 bits")

    def bits(self, word: int, name: str, meaning: str, bits: tuple[tuple[str, str], ...]) -> Iterator[Symbol]:
        yield self._symbol(word, name, "WORD", meaning)
        for position, (bit, bit_meaning) in enumerate(bits):
            yield self._symbol(word, f"{name}.{bit}", "BOOL", bit_meaning, bit=str(position))


def values(symbols: Iterable[Symbol], registers: Mapping[tuple[str, int], int]) -> dict[str, int]:
    """What stands in every word and bit. ``registers``: by table and address, bytes in their order of meaning."""
    shown = {}
    for symbol in symbols:
        word = registers.get((symbol.table, symbol.address), 0)
        shown[symbol.name] = word >> int(symbol.bit) & 1 if symbol.bit else word
    return shown
