"""[optics]: how a station watches its lens, lamp, glass and sensor."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.pipeline.optics_guard import OpticsRules
from inspector.pipeline.sight import Limits

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Levels = Annotated[float, Field(gt=0.0, le=255.0)]


class OpticsTable(BaseModel):
    """[optics]: each pair is a warning (an alarm), then grave (a PASS becomes UNDECIDED). Shares of the set-up's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watch: bool = Field(default=True, description="compare every frame with those of the set-up")
    hold: bool = Field(default=True, description="what is grave holds back a PASS; false: it only raises the alarm")
    frozen: bool = Field(default=True, description="the same picture twice, bit for bit, is a camera that hangs")
    learn_parts: int = Field(
        20, ge=0, le=1000, description="good parts that make the reference; 0: only inspector camera optics --learn"
    )
    light: tuple[Share, Share] = Field((0.15, 0.35), description="mean light, darker or brighter by this share")
    burnt: tuple[Share, Share] = Field((0.02, 0.10), description="this share of the frame more is burnt out")
    dark: tuple[Share, Share] = Field((0.05, 0.20), description="this share of the frame more is black")
    sharpness: tuple[Share, Share] = Field((0.30, 0.60), description="this share of the sharpness is lost")
    busy: tuple[Share, Share] = Field((0.01, 0.02), description="share of one frame full of edges no good part had")
    strange: tuple[Share, Share] = Field((0.10, 0.25), description="share of one frame that shows what it never did")
    speck: tuple[Levels, Levels] = Field((12.0, 30.0), description="grey levels that a place stays off")
    speck_frames: int = Field(30, ge=5, le=1000, description="in so many frames one after the other")
    frames: int = Field(15, ge=1, le=1000, description="light and sharpness are the middle of so many frames")

    @model_validator(mode="after")
    def _a_warning_comes_first(self) -> Self:
        for name in ("light", "burnt", "dark", "sharpness", "busy", "strange", "speck"):
            warning, grave = getattr(self, name)
            if warning >= grave:
                raise ValueError(f"{name} = [{warning:g}, {grave:g}]: the warning must come before what is grave")
        return self

    def rules(self) -> OpticsRules:
        """As the line knows it."""
        limits = Limits(**{name: getattr(self, name) for name in Limits.__slots__})
        return OpticsRules(
            watch=self.watch, hold=self.hold, frozen=self.frozen, learn_parts=self.learn_parts, limits=limits
        )
