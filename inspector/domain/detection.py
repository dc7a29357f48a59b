"""What the model saw, before anyone judged it."""

from dataclasses import dataclass

from inspector.domain.geometry import Box, Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What the model SAW. It carries no opinion.

    ``score``: the model's confidence, 0 to 1. Sizes are measured on the frame's own pixels: length along the
    defect, width across it, both px; area in px². ``outline`` is there where the decoder gives one.
    """

    label: str
    score: float
    box: Box
    length_px: float
    width_px: float
    area_px: float
    outline: Polygon | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"detection {self.label!r}: score {self.score} is not in 0..1")
        if min(self.length_px, self.width_px, self.area_px) < 0:
            raise ValueError(f"detection {self.label!r}: a size is negative")
