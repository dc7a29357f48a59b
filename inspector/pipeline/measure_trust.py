"""Whether sizes in millimetres may decide: not by a scale that is overdue, refuted, or of another camera."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from inspector.domain.detection import Detection
from inspector.domain.geometry import Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.ports.camera import CameraInfo

SCALE_ALARM = "scale.due"
VOID_ALARM = "scale.void"
SCALE_RULE = "law.scale"


class MeasureTrust:
    """The station's scale with the camera that looks now. ``today``: the date, asked for every part."""

    def __init__(self, scale: Scale | None, info: CameraInfo, today: Callable[[], date]) -> None:
        self.scale = scale
        self._serial = info.serial
        self._frame_px = (info.width, info.height)
        self._today = today

    def void(self) -> str:
        """In words, why nothing may be measured; "" if it may."""
        return self.scale.void(self._today(), self._serial, self._frame_px) if self.scale is not None else ""

    def overdue(self) -> str:
        """In words, since when it is overdue; "" if it is not."""
        return self.scale.overdue(self._today()) if self.scale is not None else ""

    def judge(self, recipe: Recipe, detections: Sequence[Detection]) -> Verdict:
        """Judge one part. Where nothing may be measured, no defect is too small; if that matters, it is UNDECIDED."""
        void = self.void() if recipe.uses_mm else ""
        if not void:
            return judge(recipe, detections, self.scale)
        verdict = judge(recipe, detections, None)
        if verdict.outcome is Outcome.PASS:
            return verdict
        decision = Decision(rule=SCALE_RULE, measured=0, limit=0, unit="")
        return replace(verdict, outcome=Outcome.UNDECIDED, reason=f"scale: {void}", decision=decision)
