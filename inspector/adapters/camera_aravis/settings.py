"""What can be set on a camera that Aravis opens."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.ports import feed_settings
from inspector.ports.sfnc import Value


class CameraAravisSettings(BaseModel):
    """A GigE Vision or USB3 Vision camera."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        "",
        pattern=r"^[A-Za-z0-9.:_-]{0,253}$",
        description="GigE: its IP address; nobody else is asked.",
    )
    usb: str = Field("", max_length=128, description="USB3: its name as `inspector camera list` shows it.")
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
    packet_size: int | None = Field(
        None, ge=576, le=16384, description="GigE: bytes a packet; else the library's own choice."
    )
    packet_delay_ns: int | None = Field(
        None, ge=0, le=10_000_000, description="GigE: pause between packets, for several cameras on one link."
    )
    resend: bool = Field(default=True, description="GigE: ask for lost packets again.")
    packet_socket: bool = Field(
        default=True, description="GigE: read past the kernel's buffers where the process may (CAP_NET_RAW)."
    )
    buffer_mb: int = Field(32, ge=1, le=1024, description="GigE: kernel's receive buffer, MB; see docs/cameras.md.")
    buffers: int = Field(8, ge=3, le=64, description="Frames that the camera may send ahead.")
    silent_s: float = Field(0.6, ge=0.2, le=60, description="Owing an answer or a frame for longer, it is lost.")
    reopen_max_s: float = Field(1.0, gt=0, le=300, description="Longest pause between two attempts to reopen.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.address) == bool(self.usb):
            raise ValueError("name the camera by address (GigE) or by usb (USB3): one of them")
        if trouble := feed_settings.trouble(self):
            raise ValueError(trouble)
        return self

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self.address or self.usb
