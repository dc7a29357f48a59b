"""The layout of a ring of frames in shared memory, as the simulated line writes and the twin camera reads it.

    header (64 bytes)   magic 8s "INSPRING", version u32, slots u32, width u32, height u32, channels u32,
                        bytes per frame u64, newest frame_no u64 (0: none yet), writer pid u64
    slot i (64 + frame bytes, 64-byte aligned)
                        sequence u64 (odd while being written), frame_no u64, taken_at f64 (monotonic s),
                        taken_utc f64 (Unix s), part_seq u64 (for the twin's own books; the line must not read it)
                        then the pixels
Frame n stands in slot n % slots. A reader copies a slot and accepts it only if ``sequence`` was even and the same
before and after, and ``frame_no`` is the one it asked for: a frame overwritten meanwhile is reported, never torn.
"""

import struct

MAGIC = b"INSPRING"
VERSION = 1
HEADER = struct.Struct("<8sIIIIIxxxxQQQ")
SLOT = struct.Struct("<QQddQ")
ALIGN = 64
NEWEST_OFFSET = 40


def slot_bytes(frame_bytes: int) -> int:
    """Bytes of one slot, header and padding included."""
    return ALIGN + -(-frame_bytes // ALIGN) * ALIGN


def slot_offset(frame_no: int, slots: int, frame_bytes: int) -> int:
    """Where the slot of this frame begins."""
    return ALIGN + (frame_no % slots) * slot_bytes(frame_bytes)


def ring_bytes(slots: int, frame_bytes: int) -> int:
    """Bytes of the whole ring."""
    return ALIGN + slots * slot_bytes(frame_bytes)
