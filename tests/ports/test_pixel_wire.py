"""Bits on the wire become grey levels, whichever way they are packed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspector.ports.pixel_wire import Packing, WireFormat, unpacked, wire_format


def packed(levels: NDArray[np.uint16], wire: WireFormat) -> NDArray[np.uint8]:
    """As PFNC says, bit by bit: rows of (height, bytes)."""
    rows = []
    for row in levels.tolist():
        if wire.packing is Packing.BITS:
            stream = sum(level << wire.bits * place for place, level in enumerate(row))
            rows.append(list(stream.to_bytes(wire.row_bytes(len(row)), "little")))
            continue
        low = wire.bits - 8
        data: list[int] = []
        for first, second in zip(row[::2], row[1::2], strict=True):
            lows = (1 << low) - 1
            data += [first >> low, first & lows | (second & lows) << 4, second >> low]
        rows.append(data)
    return np.array(rows, np.uint8)


PACKED = ("Mono10p", "Mono12p", "Mono10Packed", "Mono12Packed", "BayerRG12p", "BayerGB10p", "BayerBG12Packed")


@pytest.mark.parametrize("name", PACKED)
@given(data=st.data())
def test_what_was_packed_comes_out_as_it_was(name: str, data: st.DataObject) -> None:
    wire = wire_format(name)
    width = wire.group * data.draw(st.integers(1, 9))
    height = data.draw(st.integers(1, 4))
    levels = data.draw(st.lists(st.integers(0, (1 << wire.bits) - 1), min_size=width * height, max_size=width * height))
    taken = np.array(levels, np.uint16).reshape(height, width)
    rows = packed(taken, wire)
    assert rows.shape == (height, wire.row_bytes(width))
    assert (unpacked(rows, wire, width) == taken).all()
    assert (wire.frame(rows.ravel(), width, height) == rows).all()


def test_a_vector_of_the_convention() -> None:
    """PFNC 2.x: two pixels 0x123 and 0x456."""
    assert unpacked(np.array([[0x23, 0x61, 0x45]], np.uint8), wire_format("Mono12p"), 2).tolist() == [[0x123, 0x456]]
    assert unpacked(np.array([[0x12, 0x63, 0x45]], np.uint8), wire_format("Mono12Packed"), 2).tolist() == [
        [0x123, 0x456]
    ]


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("Mono8", (6, 8), np.uint8),
        ("Mono16", (6, 8), np.uint16),
        ("BayerRG12", (6, 8), np.uint16),
        ("RGB8", (6, 8, 3), np.uint8),
        ("BGR8Packed", (6, 8, 3), np.uint8),
        ("Mono12p", (6, 12), np.uint8),
        ("Mono10p", (6, 10), np.uint8),
        ("Mono10Packed", (6, 12), np.uint8),
    ],
)
def test_the_bytes_of_a_frame_have_their_shape(name: str, shape: tuple[int, ...], dtype: type) -> None:
    frame = wire_format(name).frame(np.zeros(6 * 8 * 3, np.uint8), 8, 6)
    assert frame.shape == shape
    assert frame.dtype == dtype


@pytest.mark.parametrize("name", ["Mono9", "Mono14p", "BayerXX8", "YUV422_8", "Mono12PACKED", "", "RGB10"])
def test_a_format_that_is_not_read_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(ValueError, match=f"pixel_format = '{name}' is not read; Mono8, "):
        wire_format(name)
