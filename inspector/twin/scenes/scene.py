"""The nouns of a rendered part: its settings, its pixels, its true defects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFECT_LABELS = ("crack", "scratch", "dent", "stain")
"""What can be painted; the class mask holds the index + 1, 0 is sound ground."""

SMALLEST_SIDE_PX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueDefect:
    """What was really painted. Pixels of the frame."""

    label: str
    """One of ``DEFECT_LABELS``."""
    x: float
    y: float
    width: float
    height: float
    """Axis-aligned box, tight around every pixel that the defect changed."""
    length_px: float
    """Along the defect: path length of a crack or scratch, longest diameter of a dent or stain."""
    width_px: float
    """Across the defect: stroke width of a crack or scratch, shortest diameter of a dent or stain."""
    area_px: float
    """Painted area; a half-covered pixel counts one half."""
    contrast: float
    """Grey levels against the local ground at full coverage, signed; of a dent, its stronger pole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One part in front of the camera."""

    seed: int
    pixels: NDArray[np.uint8]
    """(height, width), C-contiguous, mono."""
    defects: tuple[TrueDefect, ...]
    texture: str
    """``brushed``, ``cast`` or ``painted``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """What the simulated line makes. Defect sizes are pixels, whatever the frame."""

    width: int = 4096
    height: int = 3000
    defect_rate: float = 0.4
    """Probability that a part has at least one defect (then one to three, of one class mostly)."""
    px_per_mm: float = 20.0
    """Scales the part's own features (edges, holes)."""
    min_contrast_sigma: float = 5.0
    """Smallest contrast of a defect, in standard deviations of the local texture noise."""

    def __post_init__(self) -> None:
        """Refuse what cannot be rendered."""
        if min(self.width, self.height) < SMALLEST_SIDE_PX:
            msg = (
                f"scene of {self.width}x{self.height} px is too small; each side must be at least {SMALLEST_SIDE_PX} px"
            )
            raise ValueError(msg)
        if not 0.0 <= self.defect_rate <= 1.0:
            msg = f"defect_rate = {self.defect_rate!r} is no probability; it must lie in 0..1"
            raise ValueError(msg)
        if self.px_per_mm <= 0.0:
            msg = f"px_per_mm = {self.px_per_mm!r} must be positive"
            raise ValueError(msg)
