"""Compare what was detected with what was painted, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspector.domain.detection import Detection
from inspector.domain.geometry import Box
from inspector.twin.scenes import Scene, TrueDefect

_SLACK_PX = 16.0
"""A class map at stride 8 may report up to two cells beyond the defect."""
_INSIDE_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One painted defect and the strongest detection that is right about its place, if any."""

    truth: TrueDefect
    best: Detection | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part, compared."""

    seed: int
    megapixels: float
    found: tuple[Found, ...]
    false_alarms: tuple[Detection, ...]
    score: float
    """The strongest score on the part; 0 where the decoder reported nothing."""

    @property
    def bad(self) -> bool:
        """Whether a defect was painted."""
        return bool(self.found)


def _overlap(truth: TrueDefect, box: Box) -> float:
    """Return the share of a detection's box that lies in the truth's box and its slack."""
    width = min(truth.x + truth.width + _SLACK_PX, box.x + box.width) - max(truth.x - _SLACK_PX, box.x)
    height = min(truth.y + truth.height + _SLACK_PX, box.y + box.height) - max(truth.y - _SLACK_PX, box.y)
    return max(width, 0.0) * max(height, 0.0) / (box.width * box.height)


def match(scene: Scene, detections: Sequence[Detection]) -> Part:
    """Match detections to truths: right where a quarter of the box or more lies on a painted defect."""
    best: dict[int, Detection] = {}
    false_alarms = []
    for detection in detections:
        shares = [_overlap(truth, detection.box) for truth in scene.defects]
        hits = [i for i, share in enumerate(shares) if share >= _INSIDE_SHARE]
        if not hits:
            false_alarms.append(detection)
        for i in hits:
            if i not in best or detection.score > best[i].score:
                best[i] = detection
    return Part(
        seed=scene.seed,
        megapixels=scene.pixels.size / 1e6,
        found=tuple(Found(truth=truth, best=best.get(i)) for i, truth in enumerate(scene.defects)),
        false_alarms=tuple(false_alarms),
        score=max((d.score for d in detections), default=0.0),
    )
