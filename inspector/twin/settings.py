"""What can be set on the simulated line, with bounds and units."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from inspector.twin import faults
from inspector.twin.scenes import SceneSettings

SHIFT_REGISTER_PARTS = 200
"""The most parts that may lie between light gate and ejector; the PLC's shift register has that many places."""


class TwinSettings(BaseModel):
    """The simulated line: belt, parts, light gate, camera, PLC and ejector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Seeds scenes, their order and the spacing; the same seed is the same run.")
    parts: int = Field(0, ge=0, description="Parts to run, then end with a report; 0: endless.")

    width: int = Field(4096, ge=256, le=16384, multiple_of=2, description="Frame width, px.")
    height: int = Field(3000, ge=256, le=16384, multiple_of=2, description="Frame height, px.")
    px_per_mm: float = Field(20.0, gt=0, le=1000, description="Scale of the simulated optics.")
    pool: int = Field(64, ge=1, le=4096, description="Scenes rendered before the start; parts show them in turn.")
    defect_rate: float = Field(0.4, ge=0, le=1, description="Share of the scenes with at least one defect.")
    cache_dir: Path | None = Field(
        None, description="Where rendered scenes are kept; without it the temporary folder, 'inspector-twin'."
    )
    render_workers: int = Field(2, ge=0, le=64, description="Processes that render the pool; 0: in this process.")

    speed_mm_s: float = Field(500.0, gt=0, le=20_000, description="Belt speed.")
    spacing_mm: float = Field(250.0, gt=0, description="Mean distance from one part's front to the next.")
    spacing_jitter_mm: float = Field(20.0, ge=0, description="A part lies up to this far before or after its place.")
    ejector_distance_mm: float = Field(500.0, gt=0, description="From the light gate (and camera) to the ejector.")
    decision_margin_mm: float = Field(
        10.0, ge=0, description="The PLC decides this far before the ejector; a later result is late."
    )
    counts_per_mm: float = Field(10.0, gt=0, le=10_000, description="Encoder counts per mm of belt.")
    encoder_start: int = Field(0, ge=0, lt=1 << 32, description="Encoder count at the start; it wraps at 2**32.")

    sensor_distance_mm: float = Field(
        60.0, ge=0, description="From the ejector to the good-lane and reject-confirm sensors."
    )
    ejector: Literal["plc", "io"] = Field(
        "plc", description='Who moves the ejector: the PLC, or an output of the remote I/O module ("io": no PLC then).'
    )
    faults: tuple[str, ...] = Field(
        (), description=f"Faults to commit: {faults.GRAMMAR}; `inspector twin --list-faults` explains them."
    )

    ring: str = Field(
        "inspector-twin", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Name of the frame ring in shared memory."
    )
    ring_slots: int = Field(4, ge=2, le=64, description="Frames the ring holds.")

    plc_role: Literal["server", "client"] = Field(
        "server",
        description='"server": the line writes into it (gate.kind = "modbus"); "client": it polls the station '
        '(gate.kind = "modbus_server").',
    )
    plc_host: str = Field("127.0.0.1", pattern=r"^(127\.\d+\.\d+\.\d+|localhost)$", description="Loopback only.")
    plc_port: int = Field(
        1502,
        ge=0,
        le=65535,
        description="TCP port of the simulated PLC, 0: any free one; for a PLC that polls: of the station's server.",
    )
    plc_unit: int = Field(1, ge=0, le=255, description="Modbus unit id; 0: answers to any.")
    plc_to_base: int = Field(0, ge=0, le=65000, description="Holding register of word 0 'to the PLC'.")
    plc_from_base: int = Field(100, ge=0, le=65000, description="Holding register of word 0 'from the PLC'.")
    station_control: int = Field(0, ge=0, le=65000, description="A PLC that polls: the station's control_address.")
    station_status: int = Field(0, ge=0, le=65000, description="A PLC that polls: the station's status_address.")
    scan_ms: float = Field(5.0, ge=1, le=100, description="Scan cycle of the PLC.")
    heartbeat_timeout_s: float = Field(1.0, gt=0, le=60, description="Without a new heartbeat the link is dead.")
    first_trigger: int = Field(1, ge=1, lt=1 << 32, description="Number the PLC gives to the first part.")
    job: int = Field(0, ge=0, le=65535, description="Job number the PLC asks for.")
    jobs: tuple[Annotated[int, Field(ge=0, le=65535)], ...] = Field(
        (), description="Job numbers asked for in turn, part by part; none: always `job`."
    )
    lot: str = Field("", max_length=8, pattern=r"^[ -~]*$", description="Lot the PLC tells, ASCII.")

    io_port: int = Field(
        -1, ge=-1, le=65535, description="TCP port of the simulated remote I/O module; 0: any free one; -1: none."
    )
    io_watchdog_ms: float = Field(
        100.0, ge=0, description="Not written for so long, the module drops its outputs until it is re-armed; 0: never."
    )
    io_active_low: bool = Field(
        default=True, description="The ejector ejects while its output is 0: what loses power ejects."
    )

    wait_for_permit: bool = Field(
        default=True, description="Parts come only once the PLC has seen a live heartbeat and run_permit."
    )
    permit_timeout_s: float = Field(0.0, ge=0, description="Give up waiting for the permit after this; 0: never.")
    stop_without_permit: bool = Field(
        default=False, description="The belt stands while run_permit is away; otherwise it goes on, rejecting."
    )
    rows_kept: int = Field(100_000, ge=1, description="Newest parts listed one by one in the report.")

    @field_validator("faults")
    @classmethod
    def _known_faults(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            faults.parse(text)
        return texts

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ejector == "io" and self.io_port < 0:
            raise ValueError('ejector = "io" needs the remote I/O module: set io_port (0: any free port)')
        if self.plc_role == "client" and not self.plc_port:
            raise ValueError('plc_role = "client" polls the station: plc_port must be the port of its server, not 0')
        if self.spacing_jitter_mm * 2 >= self.spacing_mm:
            raise ValueError(
                f"spacing_jitter_mm = {self.spacing_jitter_mm} must be below half of spacing_mm = {self.spacing_mm}: "
                "parts would overtake each other"
            )
        if self.decision_margin_mm >= self.ejector_distance_mm:
            raise ValueError(
                f"decision_margin_mm = {self.decision_margin_mm} must be below "
                f"ejector_distance_mm = {self.ejector_distance_mm}"
            )
        on_the_way = self.ejector_distance_mm / (self.spacing_mm - 2 * self.spacing_jitter_mm)
        if on_the_way > SHIFT_REGISTER_PARTS:
            raise ValueError(
                f"ejector_distance_mm = {self.ejector_distance_mm} with spacing_mm = {self.spacing_mm} puts "
                f"{on_the_way:.0f} parts between gate and ejector; the PLC's shift register holds "
                f"{SHIFT_REGISTER_PARTS}"
            )
        if abs(self.plc_to_base - self.plc_from_base) < 17:  # noqa: PLR2004 - words 0-16
            raise ValueError(
                f"plc_to_base = {self.plc_to_base} and plc_from_base = {self.plc_from_base} overlap; "
                "keep them at least 17 registers apart"
            )
        return self

    @property
    def scenes(self) -> SceneSettings:
        """What the scene renderer is asked for."""
        return SceneSettings(
            width=self.width, height=self.height, defect_rate=self.defect_rate, px_per_mm=self.px_per_mm
        )

    @property
    def cache(self) -> Path:
        """Where rendered scenes are kept."""
        return self.cache_dir if self.cache_dir is not None else Path(tempfile.gettempdir()) / "inspector-twin"
