"""Layout 1 of the words between station and PLC: values to words and back. Pure; docs/plc.md is the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag

from inspector.domain.frame import seq_distance
from inspector.ports.gate import LineState

LAYOUT = 1
TO_WORDS = 8
FROM_WORDS = 17
WORD_MAX = 0xFFFF
_TEXT_WORDS = 4


class ByteOrder(Enum):
    """How the two bytes of a register travel."""

    BIG = "big"
    LITTLE = "little"


class WordOrder(Enum):
    """Which half of a 32-bit number has the lower address."""

    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """How words travel; they never change what the words mean."""

    byte: ByteOrder = ByteOrder.BIG
    word: WordOrder = WordOrder.HIGH_FIRST


class ResultCode(IntEnum):
    """What the PLC is told of a part. Only OK can enable; NONE is never OK."""

    NONE = 0
    OK = 1
    NG = 2
    NOT_DECIDABLE = 3


class PlcStatus(IntFlag):
    """What the PLC says of itself."""

    NONE = 0
    ENABLE = 1
    STOP = 2
    BIN_FULL = 4
    BYPASS = 8
    CLEAR_ERROR = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One part's result as it stands in words 3-6. ``severity``: score x 1000, saturated to a word."""

    part_seq: int
    code: ResultCode
    severity: int = 0


NO_RESULT = Result(part_seq=0, code=ResultCode.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The block to the PLC without its CRC."""

    heartbeat: int
    state: LineState
    result: Result

    def __post_init__(self) -> None:
        if self.result.code is ResultCode.OK and LineState.ERROR in self.state:
            raise ValueError("the error bit never comes with result code 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The block from the PLC."""

    heartbeat_echo: int
    trigger_seq: int
    echo_seq: int
    status: PlcStatus
    encoder: int
    part_id: str
    job: int
    lot: str

    def says(self, other: "Feedback") -> bool:
        """Whether it says the same of parts and wishes; heartbeat, echo and encoder go on by themselves."""
        return (self.trigger_seq, self.status, self.part_id, self.job, self.lot, not self.echo_seq) == (
            other.trigger_seq,
            other.status,
            other.part_id,
            other.job,
            other.lot,
            not other.echo_seq,
        )

    def anew_after(self, before: "Feedback") -> bool:
        """Whether the PLC's counter was started anew since ``before``: it went back, or it or its echo is 0 again."""
        if before.echo_seq and not self.echo_seq:
            return True
        if not (before.trigger_seq and self.trigger_seq):
            return before.trigger_seq != 0
        return seq_distance(self.trigger_seq, before.trigger_seq) < 0


def severity_word(score: float) -> int:
    """A severity score x 1000 as a word, saturated; what is no number counts as the gravest."""
    if not score < WORD_MAX:
        return WORD_MAX
    return max(0, min(round(score * 1000), WORD_MAX))


def crc16(words: Sequence[int]) -> int:
    """CRC-16/MODBUS over ``words``, each high byte first."""
    crc = WORD_MAX
    for word in words:
        for byte in (word >> 8, word & 0xFF):
            crc ^= byte
            for _ in range(8):
                crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def encode_command(command: Command, orders: Orders) -> list[int]:
    """The 8 registers as they are written."""
    result = command.result
    words = [
        LAYOUT,
        command.heartbeat,
        int(command.state),
        result.part_seq >> 16,
        result.part_seq & WORD_MAX,
        int(result.code),
        result.severity,
    ]
    return travel([*words, crc16(words)], pairs=(3,), orders=orders)


def decode_command(registers: Sequence[int], orders: Orders) -> Command | None:
    """What a PLC reads in the 8 registers; None where it must ignore them (layout, CRC, code, error with OK)."""
    words = travel(registers, pairs=(3,), orders=orders)
    if len(words) != TO_WORDS or words[0] != LAYOUT or crc16(words[:7]) != words[7] or words[5] > max(ResultCode):
        return None
    state = LineState(words[2])
    code = ResultCode(words[5])
    if code is ResultCode.OK and LineState.ERROR in state:
        return None
    result = Result(part_seq=_number(words, 3), code=code, severity=words[6])
    return Command(heartbeat=words[1], state=state, result=result)


def encode_feedback(feedback: Feedback, orders: Orders) -> list[int]:
    """The 17 registers as a PLC holds them."""
    words = [
        feedback.heartbeat_echo,
        *_halves(feedback.trigger_seq),
        *_halves(feedback.echo_seq),
        int(feedback.status),
        *_halves(feedback.encoder),
        *_text_words(feedback.part_id),
        feedback.job,
        *_text_words(feedback.lot),
    ]
    return travel(words, pairs=(1, 3, 6), orders=orders)


def decode_feedback(registers: Sequence[int], orders: Orders) -> Feedback:
    """What the PLC says in the 17 registers.

    Raises:
        ValueError: there are not 17 of them.
    """
    if len(registers) != FROM_WORDS:
        raise ValueError(f"{len(registers)} words instead of {FROM_WORDS}")
    words = travel(registers, pairs=(1, 3, 6), orders=orders)
    return Feedback(
        heartbeat_echo=words[0],
        trigger_seq=_number(words, 1),
        echo_seq=_number(words, 3),
        status=PlcStatus(words[5]),
        encoder=_number(words, 6),
        part_id=text_of(words[8:12]),
        job=words[12],
        lot=text_of(words[13:17]),
    )


def _halves(number: int) -> tuple[int, int]:
    return number >> 16, number & WORD_MAX


def _number(words: Sequence[int], high: int) -> int:
    return words[high] << 16 | words[high + 1]


def travel(words: Sequence[int], *, pairs: tuple[int, ...], orders: Orders) -> list[int]:
    """Exchange words of 32-bit numbers (``pairs``: where they begin) and bytes of words; doing it twice undoes it."""
    moved = list(words)
    if orders.word is WordOrder.LOW_FIRST:
        for high in pairs:
            moved[high : high + 2] = reversed(moved[high : high + 2])
    if orders.byte is ByteOrder.LITTLE:
        moved = [(word & 0xFF) << 8 | word >> 8 for word in moved]
    return moved


def _text_words(text: str) -> list[int]:
    padded = text.encode("ascii", "replace").ljust(2 * _TEXT_WORDS, b"\0")[: 2 * _TEXT_WORDS]
    return [padded[i] << 8 | padded[i + 1] for i in range(0, 2 * _TEXT_WORDS, 2)]


def text_of(words: Sequence[int]) -> str:
    """ASCII up to the first zero, without blanks around it; bytes that are no text become "?"."""
    raw = b"".join(word.to_bytes(2, "big") for word in words).split(b"\0", 1)[0]
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in raw).strip()  # noqa: PLR2004 - printable ASCII
