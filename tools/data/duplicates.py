"""Find near-duplicates: pictures of one part that must not lie on both sides of a split.

Difference hash of 16 x 16 bits (each bit: is a pixel of the 17 x 16 thumbnail brighter than its left neighbour?),
single linkage at 14 differing bits or fewer of 256: exposures of one part join, other parts of one product do not.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.data.record import Record

SIDE = 16
MOST_BITS = 14
_CHUNK = 512


def dhash(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hash one picture: 32 bytes."""
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


def linked(hashes: NDArray[np.uint8], most_bits: int = MOST_BITS) -> NDArray[np.int64]:
    """Group number of each hash, by single linkage; the number is the index of the group's first member."""
    roots = np.arange(len(hashes), dtype=np.int64)
    bits = np.unpackbits(hashes, axis=1).astype(np.float32)
    ones = bits.sum(axis=1)
    for start in range(0, len(hashes), _CHUNK):
        own = bits[start : start + _CHUNK]
        distance = ones[start : start + _CHUNK, None] + ones[None, :] - 2.0 * (own @ bits.T)
        for row, column in np.argwhere(distance <= most_bits):
            if column > row + start:
                _join(roots, int(row) + start, int(column))
    return np.array([_root(roots, index) for index in range(len(roots))], np.int64)


def _root(roots: NDArray[np.int64], index: int) -> int:
    while roots[index] != index:
        roots[index] = roots[roots[index]]
        index = int(roots[index])
    return index


def _join(roots: NDArray[np.int64], one: int, other: int) -> None:
    first, second = sorted((_root(roots, one), _root(roots, other)))
    roots[second] = first


def groups_of(records: Sequence[Record], most_bits: int = MOST_BITS) -> tuple[str, ...]:
    """Name each record's group: the given one; without one, near-duplicates together.

    Who names the parts knows better than a hash, so only records without a group are linked by it, among
    themselves; byte copies are joined whatever they are called. Parts of one product in one fixture may look so alike
    that the hash links them all: then the parts must be named.
    """
    unnamed = [index for index, record in enumerate(records) if not record.group]
    roots = np.arange(len(records), dtype=np.int64)
    if unnamed:
        hashes = np.array([dhash(_grey(records[index])) for index in unnamed], np.uint8)
        for member, root in enumerate(linked(hashes, most_bits)):
            _join(roots, unnamed[member], unnamed[int(root)])
    first: dict[str, int] = {}
    for index, record in enumerate(records):
        for key in {f"group {record.group}", f"bytes {record.sha256}"} - {"group "}:
            _join(roots, first.setdefault(key, index), index)
    names = (records[_root(roots, index)] for index in range(len(records)))
    return tuple(record.group or record.id for record in names)


def _grey(record: Record) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.fromfile(record.image, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise ValueError(f"{record.image} was readable a moment ago, but is not now")
    return np.asarray(pixels, np.uint8)
