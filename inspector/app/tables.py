"""The tables of a station's settings, one for each thing that is set; ``settings.py`` puts them together."""

from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from inspector.pipeline.part_ids import IdLaw

STRICT = ConfigDict(frozen=True, extra="forbid")
_NAME = r"^[A-Za-z0-9_-]+$"
_Code = Annotated[str, Field(min_length=1, max_length=100)]
LOOPBACKS = frozenset({"127.0.0.1", "::1", "localhost"})


class SiteTable(BaseModel):
    """[site]: where the station stands, in ISA-95 names; they make the MQTT topics."""

    model_config = STRICT

    enterprise: str = Field("acme", pattern=_NAME)
    site: str = Field("plant1", pattern=_NAME)
    area: str = Field("area1", pattern=_NAME)
    line: str = Field("line1", pattern=_NAME)
    cell: str = Field("cell1", pattern=_NAME)
    time_zone: str = Field("UTC", description="IANA name; shifts are told in it")
    shifts: dict[str, time] = Field(default_factory=dict, description="shift name = its start, e.g. early = 06:00:00")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("no such time zone; an IANA name is right, e.g. 'Europe/Berlin'") from error
        return name


class PathsTable(BaseModel):
    """[paths]: relative ones are taken from the folder of inspector.toml."""

    model_config = STRICT

    data_dir: Path = Field(Path("/var/lib/inspector"), description="journal and evidence")
    run_dir: Path = Field(Path("/run/inspector"), description="status files")
    models_dir: Path = Field(Path("models"), description="model packages")
    recipes_dir: Path = Field(Path("recipes"), description="recipe files")


class ModelsTable(BaseModel):
    """[models]."""

    model_config = STRICT

    trusted_keys: tuple[Path, ...] = Field(
        (), description="public keys (PEM files): only packages signed by one of them are run; none: any package"
    )


class StationTable(BaseModel):
    """[station]: one camera, one line process."""

    model_config = STRICT

    model: str = Field("surface-small", description="model package")
    recipe: str = Field("critical", description="recipe for job 0")
    jobs: tuple[str, ...] = Field((), description="further recipes, found by their own job number")
    deadline_ms: float = Field(400.0, gt=0, le=60_000, description="trigger to PLC; later is UNDECIDED(late)")
    grab_timeout_ms: float = Field(300.0, gt=0, le=60_000, description="trigger to frame")
    echo_timeout_ms: float = Field(250.0, gt=0, le=10_000, description="how long an acknowledgement is waited for")
    sync_window_ms: float = Field(
        150.0, gt=0, le=10_000, description="how far trigger and exposure may lie apart; below half the pitch"
    )
    min_pitch_ms: float = Field(
        0.0, ge=0, le=10_000, description="triggers closer together are UNDECIDED(double trigger); 0: off"
    )
    stop_after_rejects: int = Field(
        0, ge=0, le=10_000, description="so many parts in a row that did not pass: alarm, run_permit 0; 0: never"
    )
    part_ids: IdLaw = Field(
        IdLaw.UNIQUE,
        description='what the PLC\'s part ids are: "unique" (never twice in a row), "counter" (one on with each part), '
        '"repeated" (of a pallet, or shown again), "unchecked"; else UNDECIDED(resync)',
    )
    handoff_depth: int = Field(2, ge=1, le=16, description="frames that may wait for inspection; more is an overrun")
    pictures_waiting: int = Field(4, ge=1, le=64, description="frames that may wait for the disk")
    strip_px: int = Field(0, ge=0, le=8192, description="rows a strip; 0: the frame in one run")
    hang_limit_s: float = Field(3.0, ge=1.0, le=6.0, description="a loop silent for longer is stuck: restart")
    lock_memory: bool = Field(default=False, description="keep the line in RAM; needs systemd's realtime.conf drop-in")
    realtime_priority: int = Field(
        default=0, ge=0, le=50, description="loops from trigger to gate run before others; 0: off; needs the same"
    )
    simulated: bool = Field(default=False, description="parts are not real: records say isSimulated")

    @model_validator(mode="after")
    def _a_frame_comes_before_the_deadline(self) -> Self:
        if self.deadline_ms < self.grab_timeout_ms:
            raise ValueError(
                f"deadline_ms = {self.deadline_ms:g} is below grab_timeout_ms = {self.grab_timeout_ms:g}: a part whose "
                "frame is waited for that long is late already; set grab_timeout_ms below deadline_ms"
            )
        return self


class ScaleTable(BaseModel):
    """[scale]: pixels per millimetre: from the file that `inspector camera calibrate` writes, or set by hand."""

    model_config = STRICT

    calibration: Path | None = Field(None, description="file of the calibration, from the folder of inspector.toml")
    id: str = Field("", description="by hand: what it is called in the records")
    px_per_mm: float | None = Field(None, gt=0, le=10_000, description="by hand")
    due: date | None = Field(None, description="by hand: when it must be measured again")
    grace_days: int = Field(30, ge=0, le=3650, description="overdue, it is used so long; then limits in mm: UNDECIDED")

    recheck_off: float = Field(0.002, gt=0, le=0.1, description="a recheck may be off by this share")
    lens: str = Field("", max_length=80, description="the lens that is mounted; a calibration of another one is void")
    stand_off_mm: float | None = Field(
        None, gt=0, le=100_000, description="lens to parts; a calibration that is off by more than recheck_off is void"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        by_hand = bool(self.id) and self.px_per_mm is not None
        if self.calibration is None and (self.lens or self.stand_off_mm is not None):
            raise ValueError("lens and stand_off_mm are compared with a calibration; name its file, or remove them")
        if self.calibration is not None and (self.id or self.px_per_mm is not None or self.due is not None):
            raise ValueError("calibration names the file that has id, px_per_mm and due; remove them here")
        if self.calibration is None and not by_hand:
            raise ValueError("id and px_per_mm must be set, or calibration; inspector camera calibrate makes one")
        return self


class JournalTable(BaseModel):
    """[journal]."""

    model_config = STRICT

    on_failure: Literal["run", "reject"] = Field("run", description="when the disk fails: go on and count, or reject")


class EvidenceFolderTable(BaseModel):
    """[evidence]."""

    model_config = STRICT

    jpeg_quality: int = Field(90, ge=50, le=100)


class EjectorTable(BaseModel):
    """[ejector]: the way from light gate to ejector, where the line fires it (gate.tracking = "time" | "encoder")."""

    model_config = STRICT

    distance_mm: float = Field(500.0, gt=0, le=100_000, description="light gate to ejector, along the belt")
    min_pitch_mm: float = Field(150.0, gt=0, le=100_000, description="parts never lie closer together than this")
    before_mm: float = Field(50.0, gt=0, description="the ejector moves this far before a part is there")
    after_mm: float = Field(50.0, gt=0, description="... and rests again this far behind it: pulse width")
    confirm_mm: float = Field(200.0, gt=0, description="this far behind the ejector its sensors have seen the part")
    rest: Literal["eject", "pass"] = Field(
        "eject", description="where it stands by itself: a flap that opens for good parts, or a pusher or air jet"
    )
    counts_per_mm: float = Field(10.0, gt=0, le=10_000, description="of the encoder (tracking = encoder)")
    speed_mm_s: float = Field(
        500.0, gt=0, le=20_000, description="of the belt: its highest, and with time its only one"
    )
    horn_s: float = Field(5.0, ge=0, le=600, description="how long the horn sounds")
    marker_s: float = Field(0.1, ge=0, le=60, description="how long the marker's pulse is")

    @model_validator(mode="after")
    def _one_part_at_a_time(self) -> Self:
        if self.before_mm + self.after_mm > self.min_pitch_mm:
            raise ValueError(
                f"before_mm = {self.before_mm:g} and after_mm = {self.after_mm:g} are more than min_pitch_mm = "
                f"{self.min_pitch_mm:g}: the ejector would move for two parts at once"
            )
        if self.before_mm >= self.distance_mm:
            raise ValueError(f"before_mm = {self.before_mm:g} must be below distance_mm = {self.distance_mm:g}")
        return self


class WebTable(BaseModel):
    """[web]: the operators' station. Nothing here changes what the line does."""

    model_config = STRICT

    host: str = Field("127.0.0.1", description="address to listen on; any but this PC's own needs TLS")
    port: int = Field(8443, ge=0, le=65535, description="port to listen on; 0: a free one")
    tls_certificate: Path | None = Field(None, description="PEM file, the chain included")
    tls_key: Path | None = Field(None, description="PEM file, readable by this program only")
    origins: tuple[str, ...] = Field((), description="further addresses that browsers use: a proxy's https://name")
    hosts: tuple[str, ...] = Field(
        (), description="further names by which browsers ask for it; its address, this PC's name and the certificate's"
    )
    hsts_days: int = Field(180, ge=0, le=3650, description="with TLS: browsers ask by nothing else for so long; 0: off")
    language: Literal["en", "de", "zh-Hans"] = Field("en", description="where neither account nor browser says")
    words: dict[Literal["pass", "fail", "undecided"], str] = Field(
        default_factory=dict, description='what the lamp says, e.g. pass = "i.O."; else by language'
    )
    px_per_mm: float = Field(4.5, gt=1, le=40, description="pitch of the panel: buttons are 20 and 25 mm on it")
    open_live: bool = Field(default=True, description="Live is seen without an account; its pictures never are")
    reasons: dict[Literal["agree", "disagree", "unsure"], tuple[_Code, ...]] = Field(
        default_factory=dict, description="reason codes of a review, in the order of their buttons"
    )
    golden_dir: Path = Field(Path("golden"), description="golden images, named after recipes: critical.jpg")

    @field_validator("reasons")
    @classmethod
    def _a_verdict_has_a_reason(cls, reasons: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for opinion in ("agree", "disagree"):
            if reasons.get(opinion) == ():
                raise ValueError(f"{opinion} = [] leaves no button to press: name at least one code, or leave it out")
        return reasons

    @model_validator(mode="after")
    def _the_plant_s_network_needs_tls(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: set both, or neither")
        if self.host not in LOOPBACKS and self.tls_certificate is None:
            raise ValueError(
                f"host = {self.host!r} is reached from other PCs: set tls_certificate and tls_key, "
                "or listen on 127.0.0.1 behind a proxy that speaks TLS"
            )
        return self
