"""The flap at the end of the belt: does what the PLC says with each part, and knows what the part really was."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome
from inspector.twin.plc import Decision
from inspector.twin.report import PartRow, Tally
from inspector.twin.scenes import TrueDefect
from inspector.twin.witness import Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOnBelt:
    """A part between light gate and ejector."""

    part_seq: int
    frame_no: int
    seed: int
    truth: Outcome


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
    """Parts come to it in the order in which they passed the light gate."""

    def __init__(self, witness: Witness, tally: Tally) -> None:
        self._witness = witness
        self._tally = tally
        self._coming: deque[PartOnBelt] = deque()

    def expect(self, part: PartOnBelt) -> None:
        """This part has passed the light gate."""
        self._coming.append(part)

    def act(self, decision: Decision) -> PartRow:
        """Pass or eject the next part, as the PLC decided; whatever number the PLC gave it, metal comes in order."""
        part = self._coming.popleft()
        row = PartRow(
            part_seq=part.part_seq,
            frame_no=part.frame_no,
            seed=part.seed,
            truth=part.truth,
            code=self._witness.settle(part.part_seq),
            ejected=decision.eject,
        )
        self._tally.settle(row)
        return row
