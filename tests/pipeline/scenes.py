"""Simulated parts on a belt, moved and turned by a known amount."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.domain.geometry import Box, Pose
from inspector.domain.recipe import FixtureRule
from inspector.pipeline.fixture import PartFinder
from inspector.twin.scenes import SceneSettings, render

BELT = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Belt:
    """A frame of this size, and a part of three quarters of it in its middle."""

    width: int
    height: int
    px_per_mm: float

    @property
    def part(self) -> Box:
        wide, high = self.width * 25 // 32, self.height * 11 // 15
        return Box(x=(self.width - wide) // 2, y=(self.height - high) // 2, width=wide, height=high)

    @property
    def region(self) -> Box:
        part, margin = self.part, self.width // 40
        return Box(x=part.x - margin, y=part.y - margin, width=part.width + 2 * margin, height=part.height + 2 * margin)

    def scene(self, seed: int, *, defects: bool = False) -> NDArray[np.uint8]:
        """The part alone."""
        part = self.part
        settings = SceneSettings(
            width=int(part.width),
            height=int(part.height),
            defect_rate=1.0 if defects else 0.0,
            px_per_mm=self.px_per_mm,
        )
        return render(seed, settings).pixels

    def pose(self, dx: float = 0.0, dy: float = 0.0, turn_deg: float = 0.0) -> Pose:
        """So much off the taught place, turned about its middle."""
        x, y = self.region.centre
        return Pose(dx=dx, dy=dy, turn_deg=turn_deg, x=x, y=y)

    def frame(
        self, scene: NDArray[np.uint8] | None, pose: Pose | None = None, *, seed: int = 0, light: float = 1.0
    ) -> NDArray[np.uint8]:
        """The scene on the belt, or an empty belt, with the sensor's noise."""
        belt = np.full((self.height, self.width), BELT, np.uint8)
        if scene is not None:
            lies = pose or self.pose()
            (left, top), across, down = (
                np.array(lies.moved(self.part.x + x, self.part.y + y)) for x, y in ((0, 0), (1, 0), (0, 1))
            )
            matrix = np.array([[across[0] - left, down[0] - left, left], [across[1] - top, down[1] - top, top]])
            cv2.warpAffine(scene, matrix, (self.width, self.height), dst=belt, borderMode=cv2.BORDER_TRANSPARENT)
        noise = np.random.default_rng(seed).integers(-6, 7, belt.shape, np.int16)
        return np.clip(belt * light + noise, 0, 255).astype(np.uint8)

    def finder(self, scene: NDArray[np.uint8], **rule: float) -> PartFinder:
        """Taught from one frame."""
        region = self.region
        rows = slice(int(region.y), int(region.bottom))
        template = self.frame(scene, seed=99)[rows, int(region.x) : int(region.right)]
        return PartFinder(template, FixtureRule(template="part.png", region=region, **rule))

    def error_px(self, got: Pose, true: Pose) -> float:
        """How far the worst corner of the region is from where it really lies."""
        region = self.region
        corners = [(x, y) for x in (region.x, region.right) for y in (region.y, region.bottom)]
        return max(float(np.hypot(*np.subtract(got.moved(x, y), true.moved(x, y)))) for x, y in corners)


SMALL = Belt(width=1024, height=750, px_per_mm=5.0)
FULL = Belt(width=4096, height=3000, px_per_mm=20.0)
