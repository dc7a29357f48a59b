"""The file of a calibration: what was measured, with what, by what certificate, until when, and every check since."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import tomlkit
from pydantic import BaseModel, ConfigDict, Field

from inspector.app import toml_file
from inspector.app.tables import ScaleTable
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Scale

SCHEMA = "inspector.scale/1"
_STRICT = ConfigDict(frozen=True, extra="forbid")
Positive = Annotated[float, Field(gt=0)]


class Check(BaseModel):
    """[[checks]]: the same measured again. ``off``: by what share it differs."""

    model_config = _STRICT

    at_utc: datetime
    px_per_mm: Positive
    residual_px: float | None = None
    off: float
    good: bool


class Calibration(BaseModel):
    """One calibration. ``residual_px`` None: a known length has none."""

    model_config = _STRICT

    schema_: str = Field(SCHEMA, alias="schema", pattern=r"^inspector\.scale/1$")
    id: str = Field(min_length=1, max_length=80)
    px_per_mm: float = Field(gt=0, le=10_000)
    residual_px: float | None = None
    board: str
    certificate: str = ""
    lens: str = ""
    stand_off_mm: Positive | None = None
    camera_serial: str
    frame_px: tuple[int, int]
    made_utc: datetime
    due: date
    checks: tuple[Check, ...] = ()

    def scale(self, table: ScaleTable) -> Scale:
        """As the rules know it, held against what is mounted by the station's own words."""
        last = self.checks[-1] if self.checks else None
        refuted = ""
        if last is not None and not last.good:
            refuted = f"a recheck on {last.at_utc:%Y-%m-%d} found it off by {last.off:+.2%}"
        return Scale(
            id=self.id,
            px_per_mm=self.px_per_mm,
            due=self.due,
            grace_days=table.grace_days,
            serial=self.camera_serial,
            frame_px=self.frame_px,
            refuted=refuted,
            unfit=self.unfit(table),
        )

    def unfit(self, table: ScaleTable) -> str:
        """How what the station says is mounted is another than when it was measured; "" if it is not, or says nothing.

        The scale goes with the distance, so this may be off by as much as a recheck may.
        """
        if table.lens and _plain(table.lens) != _plain(self.lens):
            return f"is of lens {self.lens or 'unnamed'!r}, scale.lens = {table.lens!r} is mounted"
        wanted, had = table.stand_off_mm, self.stand_off_mm
        if wanted is None:
            return ""
        if had is None:
            return f"was measured at no known distance, scale.stand_off_mm = {wanted:g}"
        if abs(wanted / had - 1) > table.recheck_off:
            return f"was measured {had:g} mm away, scale.stand_off_mm = {wanted:g}"
        return ""

    @property
    def last_good_utc(self) -> datetime:
        """When it was last known to be right."""
        return max((check.at_utc for check in self.checks if check.good), default=self.made_utc)


def _plain(lens: str) -> str:
    """Case and spaces do not make another lens."""
    return " ".join(lens.casefold().split())


def read(path: Path) -> Calibration:
    """Read one.

    Raises:
        ConfigError: it is not there, or wrong: file, key, value and what would be right.
    """
    return toml_file.validate(Calibration, toml_file.read(path), origin=lambda _: str(path))


def write(path: Path, calibration: Calibration) -> None:
    """Write it in place of the one before, whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by inspector camera calibrate. Changed by hand it is no calibration."))
    for key, value in calibration.model_dump(by_alias=True, exclude_none=True).items():
        document[key] = value
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(tomlkit.dumps(document), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror}; name another with scale.calibration"
        ) from error
