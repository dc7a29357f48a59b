"""What the line said of each part in time, taken from the wire by someone who is not the PLC."""

import threading

from inspector.twin.belt import COUNTER, counts_between
from inspector.twin.plc import LAYOUT, STATE_ERROR, crc16
from inspector.twin.shift_register import SERIAL_NUMBERS, Code


class Witness:
    """Numbers the parts by itself, reads every telegram, and holds the first valid result of each part.

    ``gate_edge`` and ``settle`` belong to the belt's thread, ``telegram`` to the PLC's.
    """

    def __init__(self, *, first_trigger: int, decide_after: int) -> None:
        self._lock = threading.Lock()
        self._next_seq = first_trigger
        self._decide_after = decide_after
        self._open: dict[int, tuple[int, Code]] = {}
        self._last = (0, 0)

    def gate_edge(self, edge: int) -> int:
        """A part crosses the light gate at this encoder count; give its number."""
        with self._lock:
            part_seq = self._next_seq
            self._next_seq = part_seq % SERIAL_NUMBERS + 1
            self._open[part_seq] = ((edge + self._decide_after) % COUNTER, Code.NONE)
            return part_seq

    def restart(self) -> None:
        """The PLC counts anew from 1; every part before must be settled."""
        with self._lock:
            self._next_seq = 1
            self._open.clear()
            self._last = (0, 0)

    def telegram(self, words: tuple[int, ...], encoder: int) -> None:
        """The line wrote these words; they arrived at this encoder count.

        A heartbeat repeats the last result: what was said before a part of that number came is not about it.
        """
        if words[0] != LAYOUT or crc16(words[:7]) != words[7]:
            return
        self._said(words[3] << 16 | words[4], words[5], _meaning(words), encoder)

    def result(self, part_seq: int, code: Code, encoder: int) -> None:
        """The station shows this result, and it was read at this encoder count; it may be read many times."""
        self._said(part_seq, code.value, code, encoder)

    def _said(self, part_seq: int, number: int, meaning: Code, encoder: int) -> None:
        with self._lock:
            repeated = self._last == (part_seq, number)
            self._last = (part_seq, number)
            decide_at, known = self._open.get(part_seq, (encoder, Code.NONE))
            in_time = counts_between(decide_at, encoder) > 0
            if in_time and known is Code.NONE and not repeated:
                self._open[part_seq] = (decide_at, meaning)

    def settle(self, part_seq: int) -> Code:
        """The part is at the ejector: what was validly said of it in time."""
        with self._lock:
            return self._open.pop(part_seq)[1]


def _meaning(words: tuple[int, ...]) -> Code:
    number, error = words[5], bool(words[2] & STATE_ERROR)
    if number == Code.NONE.value:
        return Code.NONE
    if number == Code.OK.value and not error:
        return Code.OK
    return Code.NG if number == Code.NG.value else Code.NOT_DECIDABLE
