"""The two blocks of the server role: values to words and back. Pure; docs/plc.md is the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inspector.adapters.gate_modbus.layout import WORD_MAX, Orders, text_of, travel
from inspector.adapters.gate_modbus.server.table import (
    CONTROL_FIELDS,
    CONTROL_WORDS,
    LAYOUT,
    STATUS_FIELDS,
    STATUS_WORDS,
    ControlBit,
    StatusBit,
)

_CONTROL_PAIRS = tuple(one.offset for one in CONTROL_FIELDS if one.number32)
_STATUS_PAIRS = tuple(one.offset for one in STATUS_FIELDS if one.number32)
_WIDE = {one.name: one.offset for one in STATUS_FIELDS if one.number32}
_NARROW = {one.name: one.offset for one in STATUS_FIELDS if not one.number32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the PLC has written."""

    bits: ControlBit = ControlBit.NONE
    trigger_seq: int = 0
    job: int = 0
    part_id: str = ""
    lot: str = ""
    heartbeat_echo: int = 0
    echo_seq: int = 0
    encoder: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the PLC reads. ``words``: values of STATUS_FIELDS by name; what is not in it is 0."""

    bits: StatusBit
    words: Mapping[str, int] = field(default_factory=dict)


def decode_control(registers: Sequence[int], orders: Orders) -> Control:
    """The control block from its 18 registers."""
    words = travel(registers, pairs=_CONTROL_PAIRS, orders=orders)
    return Control(
        bits=ControlBit(words[0] | words[1] << 16),
        trigger_seq=words[2] << 16 | words[3],
        job=words[4],
        part_id=text_of(words[5:9]),
        lot=text_of(words[9:13]),
        heartbeat_echo=words[13],
        echo_seq=words[14] << 16 | words[15],
        encoder=words[16] << 16 | words[17],
    )


def encode_status(status: Status, orders: Orders) -> list[int]:
    """The 26 registers as they are read.

    Raises:
        KeyError: a word that the table does not have.
    """
    words = [0] * STATUS_WORDS
    words[0], words[1] = status.bits & WORD_MAX, status.bits >> 16 & WORD_MAX
    words[_NARROW["layout"]] = LAYOUT
    for name, value in status.words.items():
        if name in _WIDE:
            words[_WIDE[name]], words[_WIDE[name] + 1] = value >> 16 & WORD_MAX, value & WORD_MAX
        else:
            words[_NARROW[name]] = value & WORD_MAX
    return travel(words, pairs=_STATUS_PAIRS, orders=orders)


def decode_status(registers: Sequence[int], orders: Orders) -> Status:
    """What a PLC reads in the 26 registers."""
    words = travel(registers, pairs=_STATUS_PAIRS, orders=orders)
    values = {one.name: words[one.offset] for one in STATUS_FIELDS if not one.number32}
    wide = {one.name: words[one.offset] << 16 | words[one.offset + 1] for one in STATUS_FIELDS if one.number32}
    return Status(bits=StatusBit(words[0] | words[1] << 16), words=values | wide)


def blank_control() -> list[int]:
    """The control block before the PLC has written: all zeros."""
    return [0] * CONTROL_WORDS


def enables(status: Status) -> bool:
    """Whether a PLC that follows docs/plc.md may take this image for an OK of the part at inspection_id."""
    bits = status.bits
    return (
        StatusBit.RESULTS_VALID in bits
        and StatusBit.RESULTS_OK in bits
        and not bits & (StatusBit.RESULTS_NG | StatusBit.ERROR)
        and status.words["result_code"] == 1
        and status.words["layout"] == LAYOUT
        and status.words["inspection_id"] != 0
    )
