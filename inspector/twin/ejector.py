"""The end of the belt: what becomes of each part there, and what the part really was."""

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome
from inspector.twin.report import PartRow, Tally
from inspector.twin.scenes import TrueDefect
from inspector.twin.shift_register import Code, Decision
from inspector.twin.witness import Witness

_WORST_FIRST = (Code.NONE, Code.NOT_DECIDABLE, Code.NG, Code.OK)


@dataclass(slots=True, kw_only=True)
class Count:
    """One number that the trigger gave. ``eject`` and ``code`` are None until it is decided."""

    number: int
    eject: bool | None = None
    code: Code | None = None


@dataclass(slots=True, kw_only=True)
class PartOnBelt:
    """A part between light gate and ejector. ``what``: what is wrong with it, "" for nothing.

    ``stuck``: the ejector will not move for it; ``unseen``: the sensors behind the ejector will not see it.
    """

    position_mm: float
    index: int
    seed: int
    truth: Outcome
    what: str = ""
    removed: bool = False
    stuck: bool = False
    unseen: bool = False
    frames: list[int] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    @property
    def code(self) -> Code:
        """What was said of it in time: the worst of all its numbers; NONE of a part that was never counted."""
        said = {count.code for count in self.counts}
        return next((code for code in _WORST_FIRST if code in said), Code.NONE)


def true_outcome(recipe: Recipe, defects: Sequence[TrueDefect], px_per_mm: float) -> Outcome:
    """What the recipe says of the defects that were really painted."""
    return judge(recipe, [_seen_perfectly(defect) for defect in defects], Scale(id="twin", px_per_mm=px_per_mm)).outcome


def _seen_perfectly(defect: TrueDefect) -> Detection:
    return Detection(
        label=defect.label,
        score=1.0,
        box=Box(x=defect.x, y=defect.y, width=defect.width, height=defect.height),
        length_px=defect.length_px,
        width_px=defect.width_px,
        area_px=defect.area_px,
    )


class Ejector:
    """Parts come to it by their place on the belt; what is said of a number moves the part that was counted so.

    ``ejecting_at``: whether an output ejects at a moment; None where the PLC's decisions do. ``distance_mm``: from
    the light gate.
    """

    def __init__(
        self,
        witness: Witness,
        tally: Tally,
        *,
        distance_mm: float,
        ejecting_at: Callable[[float], bool] | None = None,
    ) -> None:
        self._witness = witness
        self._tally = tally
        self._distance_mm = distance_mm
        self._ejecting_at = ejecting_at
        self._coming: list[PartOnBelt] = []
        self._counts: dict[int, Count] = {}

    @property
    def next_mm(self) -> float | None:
        """The belt's position at which the next part is at the ejector."""
        return self._coming[0].position_mm + self._distance_mm if self._coming else None

    def expect(self, part: PartOnBelt) -> None:
        """This part is past the light gate."""
        insort(self._coming, part, key=lambda one: one.position_mm)

    def count(self, number: int, part: PartOnBelt | None) -> None:
        """The trigger gave this number, for this part or for none."""
        self._counts[number] = count = Count(number=number)
        if part is not None:
            part.counts.append(count)

    def decided(self, decision: Decision) -> None:
        """The PLC has decided what becomes of a number."""
        count = self._counts.pop(decision.part_seq, None)
        if count is not None:
            count.eject = decision.eject
            count.code = self._witness.settle(decision.part_seq)

    def arrived(self, belt_mm: float, when: Callable[[float], float]) -> Iterator[tuple[PartOnBelt, PartRow]]:
        """Every part that is at or past the ejector now and whose fate is known. ``when``: the moment of a position."""
        for part in [one for one in self._coming if one.removed]:
            if belt_mm >= part.position_mm + self._distance_mm / 2:
                self._coming.remove(part)
                self._tally.remove(self._row(part, ejected=False))
        while self._coming and (at_mm := self._coming[0].position_mm + self._distance_mm) <= belt_mm:
            part = self._coming[0]
            ejected = self._fate(part, when(at_mm))
            if ejected is None:
                return
            del self._coming[0]
            row = self._row(part, ejected=ejected and not part.stuck)
            self._tally.settle(row, stuck=part.stuck)
            yield part, row

    def _fate(self, part: PartOnBelt, at: float) -> bool | None:
        """Whether it is ejected; None: not decided yet. A part that was never counted is: the flap rests there."""
        if self._ejecting_at is not None:
            for count in part.counts:
                self._counts.pop(count.number, None)
            return self._ejecting_at(at)
        if any(count.eject is None for count in part.counts):
            return None
        return not part.counts or any(count.eject for count in part.counts)

    def _row(self, part: PartOnBelt, *, ejected: bool) -> PartRow:
        numbers = tuple(count.number for count in part.counts)
        return PartRow(
            part_seq=numbers[0] if numbers else 0,
            numbers=numbers,
            frame_no=part.frames[0] if part.frames else 0,
            frames=tuple(part.frames),
            seed=part.seed,
            truth=part.truth,
            code=part.code,
            ejected=ejected,
            what=part.what,
            witnessed=self._ejecting_at is None,
        )
