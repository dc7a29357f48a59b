"""The lesson: from pictures of good parts to a Gaussian, a limit, and what is odd among the pictures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from inspector.app.teach import edge
from inspector.app.teach.eyes import Eyes, within_margin
from inspector.app.teach.gaussian import Floats, Gaussian, Sums, total
from inspector.app.teach.limit import ODD, ODD_TIMES, Limit, oddest, prediction_limit
from inspector.app.teach.pictures import Picture, Skipped
from inspector.domain.errors import FrameError
from inspector.domain.geometry import Box

LEAST = 5
"""Fewer good pictures carry no limit at all."""
FLIPPED_BELOW = 30
"""With fewer pictures each is shown mirrored as well: what is odd does not depend on which way it lies."""
LARGE_FLIPPED_BELOW = 10
LARGE_PX = 2_000_000
"""From this size on it would take too long, but where there are fewer than ``LARGE_FLIPPED_BELOW`` of them."""
_MOST_ODD_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One good picture: the cells inside the margin, and what they and their mirror images add to the sums."""

    path: Path
    shape: tuple[int, int]
    cells: Floats
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A picture that does not look like the others. ``where``: the place, frame px; ``chance``: by luck."""

    path: Path
    times: float
    chance: float
    where: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What was learnt. ``scores``: of each taught picture by a model that did not see it."""

    gaussian: Gaussian
    edge_gain: tuple[float, ...]
    limit: Limit
    taught: tuple[Path, ...]
    scores: tuple[float, ...]
    odd: tuple[Odd, ...]
    skipped: tuple[Skipped, ...]
    shapes: tuple[tuple[int, int], ...]


def learn(
    eyes: Eyes, pictures: Iterable[Picture | Skipped], *, promise: float, keep_odd: bool, tell: Callable[[str], None]
) -> Lesson:
    """Teach from these pictures.

    A picture that is odd among the others is left out of the lesson and named: it may show a defect, which would
    raise the limit. ``keep_odd`` teaches it all the same. ``tell`` hears of every picture that is read.

    Raises:
        FrameError: fewer than ``LEAST`` pictures can be used.
    """
    seen, skipped = _look(eyes, pictures, tell)
    if len(seen) < LEAST:
        raise FrameError(
            f"{len(seen)} usable picture{'' if len(seen) == 1 else 's'} of good parts; {LEAST} are the least, 20 or "
            "more are right: different parts, not one part several times"
            + "".join(f"\n  not used: {one.reason}" for one in skipped)
        )
    shapes = tuple(sorted({one.shape for one in seen}))
    scores, gain = leave_one_out(seen)
    odd: list[Odd] = []
    while True:
        index, chance = oddest(scores)
        if chance >= ODD or scores[index] < ODD_TIMES * median(scores):
            break
        odd.append(_odd(seen, index, scores, chance, eyes.cell_px, gain))
        if keep_odd or len(odd) > _MOST_ODD_SHARE * len(seen) or len(seen) == LEAST:
            break
        del seen[index]
        scores, gain = leave_one_out(seen)
    return Lesson(
        gaussian=Gaussian.fit(total([one.sums for one in seen])),
        edge_gain=gain,
        limit=prediction_limit(scores, promise),
        taught=tuple(one.path for one in seen),
        scores=tuple(scores),
        odd=tuple(odd),
        skipped=tuple(skipped),
        shapes=shapes,
    )


def leave_one_out(seen: Sequence[Seen]) -> tuple[list[float], tuple[float, ...]]:
    """Each picture's score by the Gaussian of all the others, exactly: its sums are taken away; and the edge's gain.

    A score is that of the strongest cell, as the decoder has it.
    """
    everything = total([one.sums for one in seen])
    maps = [distances(Gaussian.fit(everything - one.sums), one.cells) for one in seen]
    gain = edge.gain(maps)
    return [float(edge.softened(one, gain).max()) for one in maps], gain


def distances(gaussian: Gaussian, cells: Floats) -> Floats:
    """The map (rows, columns) of a picture's cells."""
    return gaussian.distances(cells.reshape(-1, cells.shape[2])).reshape(cells.shape[:2])


def _look(
    eyes: Eyes, pictures: Iterable[Picture | Skipped], tell: Callable[[str], None]
) -> tuple[list[Seen], list[Skipped]]:
    """See every usable picture once, and the first ones mirrored as well."""
    seen: list[Seen] = []
    skipped: list[Skipped] = []
    few: list[Picture] = []
    most = FLIPPED_BELOW
    for picture in pictures:
        if isinstance(picture, Skipped):
            skipped.append(picture)
            tell(f"not used: {picture.reason}")
            continue
        cells = within_margin(eyes.see(picture.pixels))
        sums = Sums.of(cells.reshape(-1, cells.shape[2]))
        seen.append(Seen(path=picture.path, shape=picture.pixels.shape, cells=cells, sums=sums))
        most = LARGE_FLIPPED_BELOW if picture.pixels.size >= LARGE_PX else most
        few = [*few, picture] if len(seen) < most else []
        tell(f"seen: {picture.path}")
    if LEAST <= len(seen) == len(few):
        seen = [replace(one, sums=_with_mirrors(eyes, one, picture)) for one, picture in zip(seen, few, strict=True)]
    return seen, skipped


def _with_mirrors(eyes: Eyes, one: Seen, picture: Picture) -> Sums:
    sums = one.sums
    for flipped in (picture.pixels[:, ::-1], picture.pixels[::-1], picture.pixels[::-1, ::-1]):
        cells = within_margin(eyes.see(np.ascontiguousarray(flipped)))
        sums += Sums.of(cells.reshape(-1, cells.shape[2]))
    return sums


def _odd(
    seen: Sequence[Seen], index: int, scores: Sequence[float], chance: float, cell_px: int, gain: Sequence[float]
) -> Odd:
    one = seen[index]
    rest = Gaussian.fit(total([other.sums for other in seen]) - one.sums)
    found = edge.softened(distances(rest, one.cells), gain)
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    return Odd(
        path=one.path,
        times=scores[index] / median(scores),
        chance=chance,
        where=Box(x=(int(column) + 1) * cell_px, y=(int(row) + 1) * cell_px, width=cell_px, height=cell_px),
    )
