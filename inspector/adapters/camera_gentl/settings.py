"""What can be set on a camera that a GenTL producer opens."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.ports import feed_settings
from inspector.ports.sfnc import Value


class CameraGentlSettings(BaseModel):
    """A camera of any maker, by his own GenTL producer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    producer: Path = Field(description="The maker's GenTL producer: a file that ends in .cti.")
    serial: str = Field(min_length=1, max_length=64, description="Its serial number, as printed on it.")
    trigger: Literal["line", "software", "free", "live"] = Field(
        "line",
        description="line: a wire; software: when a part is asked for; free: its own pace, each frame a part; "
        "live: its own pace, the frame nearest to the moment of asking.",
    )
    line: str = Field("Line1", pattern=r"^[A-Za-z0-9]{1,32}$", description="The camera's input that the wire is on.")
    activation: Literal["RisingEdge", "FallingEdge", "AnyEdge", "LevelHigh", "LevelLow"] = Field(
        "RisingEdge", description="What on the wire triggers."
    )
    pixel_format: str = Field(
        "Mono8", max_length=32, description="What comes over the wire; a Bayer mosaic is a third of the bytes of RGB8."
    )
    window: tuple[int, int] | None = Field(
        None, description="More than 8 bits: the grey levels that become 0 and 255, as the model looks at 8 bits."
    )
    width: int | None = Field(None, ge=1, le=65535, description="Width, px; else as the camera stands.")
    height: int | None = Field(None, ge=1, le=65535, description="Height, px; else as the camera stands.")
    offset_x: int = Field(0, ge=0, le=65535, description="Columns left out on the left of the sensor.")
    offset_y: int = Field(0, ge=0, le=65535, description="Rows left out at the top of the sensor.")
    exposure_us: float | None = Field(None, gt=0, le=60e6, description="Exposure, microseconds; else as it stands.")
    gain: float | None = Field(None, ge=0, le=10_000, description="Gain, in the camera's own unit; else as it stands.")
    fps: float | None = Field(None, gt=0, le=100_000, description="Frames a second; else as the camera stands.")
    features: dict[str, Value] = Field(
        default_factory=dict, description="Further features by the camera's own names, set first, in this order."
    )
    buffers: int = Field(8, ge=3, le=64, description="Frames that the camera may send ahead.")
    silent_s: float = Field(0.6, ge=0.2, le=60, description="Owing an answer or a frame for longer, it is lost.")
    reopen_max_s: float = Field(1.0, gt=0, le=300, description="Longest pause between two attempts to reopen.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if trouble := feed_settings.trouble(self):
            raise ValueError(trouble)
        return self
