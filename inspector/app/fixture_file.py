"""[fixture] of a recipe: the picture of a part beside the recipe's file, and how the part is found by it."""

import hashlib
from pathlib import Path
from typing import Annotated, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box
from inspector.domain.recipe import FixtureRule
from inspector.pipeline.fixture import ROUGH_PX, PartFinder

_LEAST_PX = 4 * ROUGH_PX
Whole = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class FixtureTable(BaseModel):
    """[fixture]: made by `inspector recipe fixture`; zones, masks and roi are carried along with the part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+\.png$", description="picture of the part, beside the recipe's file"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the template: a changed one is another revision")
    frame_px: tuple[Whole, Whole] = Field(description="width and height of the taught frame")
    region_px: tuple[Whole, Whole, Whole, Whole] = Field(description="x, y, width, height on the taught frame")
    shift_px: float = Field(40.0, gt=0, le=1000, description="the part may lie so far off")
    angle_deg: float = Field(6.0, gt=0, le=30, description="and be turned by so much")
    match: Share = Field(0.75, description="share of the taught edges that must be there; fewer: wrong part")
    presence: Share = Field(0.5, description="with edges of less than this share of the taught strength: no part")

    @model_validator(mode="after")
    def _region_on_the_frame(self) -> Self:
        x, y, width, height = self.region_px
        if min(width, height) < _LEAST_PX:
            raise ValueError(f"region_px = {list(self.region_px)}: each side must be {_LEAST_PX} px or more")
        if x + width > self.frame_px[0] or y + height > self.frame_px[1]:
            raise ValueError(f"region_px = {list(self.region_px)} passes the frame of {list(self.frame_px)} px")
        return self

    def rule(self) -> FixtureRule:
        """As the line knows it."""
        x, y, width, height = self.region_px
        return FixtureRule(
            template=self.template,
            region=Box(x=x, y=y, width=width, height=height),
            shift_px=self.shift_px,
            angle_deg=self.angle_deg,
            match=self.match,
            presence=self.presence,
        )

    def finder(self, recipe: Path, pictures: Path) -> PartFinder:
        """What finds the part; ``recipe``: the file that this table stands in, ``pictures``: the template's folder.

        Raises:
            ConfigError: the template is not there, is another, or does not fix a place.
        """
        path = pictures / self.template
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{recipe}: fixture.template = {self.template!r}: {path} cannot be read: {error.strerror}; "
                "inspector recipe fixture makes it"
            ) from error
        if (found := hashlib.sha256(content).hexdigest()) != self.sha256:
            raise ConfigError(
                f"{recipe}: fixture.sha256: {path} is another picture ({found[:12]}..., not {self.sha256[:12]}...); "
                "bring back the one that was taught, or teach it again: inspector recipe fixture"
            )
        template = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
        wanted = (self.region_px[3], self.region_px[2])
        if template is None or template.shape != wanted:
            raise ConfigError(f"{recipe}: fixture.template: {path} is no picture of {wanted[1]} x {wanted[0]} px")
        return PartFinder(cast("NDArray[np.uint8]", template), self.rule())
