"""The words of layout 1, swept."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.adapters.gate_modbus.layout import (
    FROM_WORDS,
    NO_RESULT,
    ByteOrder,
    Command,
    Feedback,
    Orders,
    PlcStatus,
    Result,
    ResultCode,
    WordOrder,
    crc16,
    decode_command,
    decode_feedback,
    encode_command,
    encode_feedback,
    severity_word,
)
from inspector.ports.gate import LineState

WORDS = st.integers(0, 0xFFFF)
NUMBERS = st.integers(0, 0xFFFFFFFF)
ORDERS = st.builds(Orders, byte=st.sampled_from(ByteOrder), word=st.sampled_from(WordOrder))
TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8)
STATES = st.integers(0, 127).map(LineState)
RESULTS = st.builds(Result, part_seq=NUMBERS, code=st.sampled_from(ResultCode), severity=WORDS)
COMMANDS = st.tuples(WORDS, STATES, RESULTS).filter(
    lambda c: not (c[2].code is ResultCode.OK and LineState.ERROR in c[1])
)
FEEDBACK = st.builds(
    Feedback,
    heartbeat_echo=WORDS,
    trigger_seq=NUMBERS,
    echo_seq=NUMBERS,
    status=st.integers(0, 31).map(PlcStatus),
    encoder=NUMBERS,
    part_id=TEXTS,
    job=WORDS,
    lot=TEXTS,
)
VECTOR = [1, 0x0102, 67, 0x0001, 0xE240, 1, 250, 0xC6AD]
EVERY_ORDER = [Orders(byte=byte, word=word) for byte in ByteOrder for word in WordOrder]


def command(parts: tuple[int, LineState, Result]) -> Command:
    return Command(heartbeat=parts[0], state=parts[1], result=parts[2])


def test_the_crc_is_crc_16_modbus() -> None:
    assert crc16([0x3132, 0x3334, 0x3536, 0x3738]) == 0x37DD
    assert crc16(VECTOR[:7]) == VECTOR[7]


def test_the_documents_vector_is_what_we_write_and_what_the_document_says() -> None:
    result = Result(part_seq=123456, code=ResultCode.OK, severity=250)
    state = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT
    assert encode_command(Command(heartbeat=258, state=state, result=result), Orders()) == VECTOR
    text = (Path(__file__).parents[3] / "docs" / "plc.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| hex \|(.+)\|$", text, flags=re.MULTILINE)
    assert [int(cell.strip(" *"), 16) for cell in row.split("|")] == VECTOR


@given(parts=COMMANDS, orders=ORDERS)
def test_a_command_comes_back_under_any_order(parts: tuple[int, LineState, Result], orders: Orders) -> None:
    registers = encode_command(command(parts), orders)
    assert all(0 <= register <= 0xFFFF for register in registers)
    assert decode_command(registers, orders) == command(parts)


@given(feedback=FEEDBACK, orders=ORDERS)
def test_feedback_comes_back_under_any_order(feedback: Feedback, orders: Orders) -> None:
    registers = encode_feedback(feedback, orders)
    assert len(registers) == FROM_WORDS
    assert decode_feedback(registers, orders) == feedback


@given(parts=COMMANDS, orders=ORDERS)
def test_the_crc_is_the_same_under_any_order(parts: tuple[int, LineState, Result], orders: Orders) -> None:
    plain = encode_command(command(parts), Orders())[7]
    travelled = encode_command(command(parts), orders)[7]
    assert plain == (travelled if orders.byte is ByteOrder.BIG else (travelled & 0xFF) << 8 | travelled >> 8)


@given(parts=COMMANDS, orders=ORDERS, word=st.integers(0, 7), bit=st.integers(0, 15))
def test_no_flipped_bit_goes_unseen(parts: tuple[int, LineState, Result], orders: Orders, word: int, bit: int) -> None:
    registers = encode_command(command(parts), orders)
    registers[word] ^= 1 << bit
    assert decode_command(registers, orders) is None


@pytest.mark.parametrize("orders", EVERY_ORDER, ids=str)
@pytest.mark.parametrize("fill", [0x0000, 0xFFFF])
def test_all_zero_and_all_one_images_never_enable_even_with_a_right_crc(fill: int, orders: Orders) -> None:
    assert decode_command([fill] * 8, orders) is None
    assert decode_command([*[fill] * 7, crc16([fill] * 7)], orders) is None


@given(registers=st.lists(st.sampled_from([0, 1, 0xFFFF, 0xFFFE, 0x0100]), min_size=8, max_size=8), orders=ORDERS)
def test_an_ok_is_only_read_where_layout_crc_and_error_bit_allow(registers: list[int], orders: Orders) -> None:
    read = decode_command(registers, orders)
    assert read is None or read.result.code is not ResultCode.OK or LineState.ERROR not in read.state


def test_the_error_bit_beside_an_ok_can_neither_be_written_nor_read() -> None:
    ok = Result(part_seq=5, code=ResultCode.OK)
    with pytest.raises(ValueError, match="error bit"):
        Command(heartbeat=1, state=LineState.ERROR, result=ok)
    words = [1, 1, int(LineState.ERROR), 0, 5, 1, 0]
    assert decode_command([*words, crc16(words)], Orders()) is None


def test_text_that_is_no_text_is_shown_and_not_trusted() -> None:
    registers = encode_feedback(
        Feedback(
            heartbeat_echo=0,
            trigger_seq=1,
            echo_seq=0,
            status=PlcStatus.NONE,
            encoder=0,
            part_id="A1",
            job=0,
            lot="",
        ),
        Orders(),
    )
    registers[9] = 0x07FF
    registers[8:9] = [0x4131]
    assert decode_feedback(registers, Orders()).part_id == "A1??"


def test_too_few_words_are_refused() -> None:
    with pytest.raises(ValueError, match="16 words instead of 17"):
        decode_feedback([0] * 16, Orders())


@pytest.mark.parametrize(
    ("score", "word"),
    [(0.0, 0), (0.25, 250), (65.535, 65535), (66.0, 65535), (1e300, 65535), (math.inf, 65535), (math.nan, 65535)],
)
def test_the_severity_saturates(score: float, word: int) -> None:
    assert severity_word(score) == word


def test_no_result_is_never_ok() -> None:
    assert NO_RESULT.code is ResultCode.NONE
    assert NO_RESULT.part_seq == 0
