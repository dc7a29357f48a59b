"""`inspector camera calibrate`: how many pixels make a millimetre, with a certificate and a due date."""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import tomlkit
import typer

from inspector.app import lens, options, service
from inspector.app.calibration import file
from inspector.app.calibration.board import Measured, measured_on
from inspector.app.calibration.file import Calibration, Check
from inspector.app.calibration.since import judged_since
from inspector.app.exits import EX_FINDINGS, EX_OK, speaking_plainly
from inspector.app.parts import JOURNAL_FILE
from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError
from inspector.domain.inspection import Inspection
from inspector.pipeline.fixture import light_of

_PICTURES = 3
_SHOWN = 20


def calibrate(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    board: Annotated[
        str | None,
        typer.Option(
            help="checkerboard:11x8:5, charuco:12x9:5:3.5:DICT_4X4_250, or length:50:X1,Y1,X2,Y2 in frame px."
        ),
    ] = None,
    certificate: Annotated[str, typer.Option(help="Number of the board's certificate.")] = "",
    lens_name: Annotated[
        str, typer.Option("--lens", help="Lens, by its serial number or in your words [default: scale.lens].")
    ] = "",
    stand_off_mm: Annotated[
        float | None, typer.Option("--stand-off-mm", min=0.001, help="Lens to parts [default: scale.stand_off_mm].")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Due again after so many days.")] = 365,
    trigger: lens.Trigger = None,
    recheck: Annotated[bool, typer.Option("--recheck", help="Measure again, and compare.")] = False,
    as_json: options.Json = False,
) -> None:
    """Measure the scale on a board of known size, and keep it with camera, lens, certificate, residual and due date.

    The board lies where the parts' surface lies; of a checkerboard the inner corners are counted, of a ChArUco board
    the squares. With --recheck nothing is changed but for the note of the check; if it fails, limits in mm make parts
    UNDECIDED until the next calibration, and every part judged since the last good check is listed (exit 1).

    Example: inspector camera calibrate --station left --board checkerboard:11x8:5 --certificate "D-K-15070 2026-118"
    """
    service.configure_logs()
    with speaking_plainly():
        loaded = lens.free(options.load(config, station))
        known = _known(loaded) if recheck else None
        mounted = _mounted(loaded, lens_name, stand_off_mm)
        text = board or (known.board if known is not None else None)
        if text is None:
            raise ConfigError("--board: which board is it? As checkerboard:11x8:5, of 11 x 8 inner corners 5 mm apart")
        with lens.opened(loaded, trigger) as camera:
            serial = camera.describe().serial
            taken = [lens.take(camera) for _ in range(_PICTURES)]
        lights = [light_of(capture.pixels, capture.pixel_format) for capture in taken]
        frame_px = (lights[0].shape[1], lights[0].shape[0])
        measured = measured_on(text, lights)
        if known is not None:
            _same_camera(known, serial, frame_px)
            raise SystemExit(_checked(loaded, known, measured, as_json=as_json))
        now = datetime.now(UTC).replace(microsecond=0)
        made = Calibration(
            schema=file.SCHEMA,
            id=f"{loaded.name}-{now:%Y%m%d-%H%M%S}",
            px_per_mm=round(measured.px_per_mm, 6),
            residual_px=_residual(measured),
            board=text,
            certificate=certificate,
            lens=mounted.lens,
            stand_off_mm=mounted.stand_off_mm,
            camera_serial=serial,
            frame_px=frame_px,
            made_utc=now,
            due=(now + timedelta(days=days)).date(),
        )
        path = _kept(loaded, made)
        told = {**made.model_dump(mode="json", by_alias=True, exclude={"checks"}), "file": str(path)}
        told |= {"squeeze": round(measured.squeeze, 5), "tilt": round(measured.tilt, 5), "corners": measured.corners}
        _say(told, as_json=as_json)


def _known(loaded: Loaded) -> Calibration:
    if loaded.calibration is None:
        raise ConfigError("--recheck: the station has no calibration yet (scale.calibration); leave --recheck out")
    known, table = file.read(loaded.calibration), loaded.settings.scale
    if table is not None and (unfit := known.unfit(table)):
        raise ConfigError(f"--recheck: the calibration {unfit}; calibrate it anew")
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mounted:
    """What is in front of the camera, as the station's settings or the command's options say."""

    lens: str
    stand_off_mm: float | None


def _mounted(loaded: Loaded, lens_name: str, stand_off_mm: float | None) -> _Mounted:
    """Raises ConfigError where the two say different things: the new calibration would be void at once."""
    table = loaded.settings.scale
    mounted = _Mounted(
        lens=lens_name or (table.lens if table is not None else ""),
        stand_off_mm=stand_off_mm if stand_off_mm is not None else (table.stand_off_mm if table is not None else None),
    )
    if table is not None:
        for option, said, key, kept in (
            ("--lens", mounted.lens, "scale.lens", table.lens),
            ("--stand-off-mm", mounted.stand_off_mm, "scale.stand_off_mm", table.stand_off_mm),
        ):
            if kept and said != kept:
                raise ConfigError(
                    f"{option} {said}: the station says {key} = {kept!r}; change it there, or leave it out"
                )
    return mounted


def _residual(measured: Measured) -> float | None:
    return None if isnan(measured.residual_px) else round(measured.residual_px, 4)


def _kept(loaded: Loaded, made: Calibration) -> Path:
    """Write the file, then name it in the station's settings; comments there stay."""
    path = loaded.calibration or loaded.folder / "scales" / f"{loaded.name}.toml"
    file.write(path, made)
    if loaded.calibration is None:
        own = loaded.folder / "stations" / f"{loaded.name}.toml"
        text = tomlkit.parse(own.read_text(encoding="utf-8"))
        table = tomlkit.table()
        table["calibration"] = f"scales/{loaded.name}.toml"
        if made.lens:
            table["lens"] = made.lens
        if made.stand_off_mm is not None:
            table["stand_off_mm"] = made.stand_off_mm
        text["scale"] = table
        draft = own.with_name(f".{own.name}.new")
        draft.write_text(tomlkit.dumps(text), encoding="utf-8")
        draft.replace(own)
    return path


def _same_camera(known: Calibration, serial: str, frame_px: tuple[int, int]) -> None:
    if (known.camera_serial, known.frame_px) != (serial, frame_px):
        raise ConfigError(
            f"--recheck: the calibration is of camera {known.camera_serial} with {known.frame_px[0]} x "
            f"{known.frame_px[1]} px, this is {serial} with {frame_px[0]} x {frame_px[1]} px; calibrate it anew"
        )


def _checked(loaded: Loaded, known: Calibration, measured: Measured, *, as_json: bool) -> int:
    """Note the check; where it fails, list the parts that were judged since the last good one."""
    off = measured.px_per_mm / known.px_per_mm - 1
    check = Check(
        at_utc=datetime.now(UTC).replace(microsecond=0),
        px_per_mm=round(measured.px_per_mm, 6),
        residual_px=_residual(measured),
        off=round(off, 6),
        good=abs(off) <= (table.recheck_off if (table := loaded.settings.scale) else 0.0),
    )
    if loaded.calibration is not None:
        file.write(loaded.calibration, known.model_copy(update={"checks": (*known.checks, check)}))
    told: dict[str, Any] = {"id": known.id, **check.model_dump(mode="json"), "last_good_utc": None, "parts": []}
    if check.good:
        _say({key: value for key, value in told.items() if key not in {"last_good_utc", "parts"}}, as_json=as_json)
        return EX_OK
    journal = loaded.path("data_dir") / loaded.name / JOURNAL_FILE
    parts = [_part(one) for one in judged_since(journal, loaded.name, known.id, known.last_good_utc)]
    told |= {"last_good_utc": known.last_good_utc.isoformat(), "parts": parts}
    if as_json:
        _say(told, as_json=True)
        return EX_FINDINGS
    _say({key: value for key, value in told.items() if key != "parts"}, as_json=False)
    outcomes = Counter(str(part["outcome"]) for part in parts)
    by = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "none"
    sys.stdout.write(f"parts judged since: {len(parts)} ({by})\n")
    for part in parts[:_SHOWN]:
        sys.stdout.write(f"  {part['created_utc']}  part {part['part']:12} {part['serial']:16} {part['outcome']}\n")
    if len(parts) > _SHOWN:
        sys.stdout.write(f"  ... and {len(parts) - _SHOWN} more; --json lists them all\n")
    return EX_FINDINGS


def _part(one: Inspection) -> dict[str, Any]:
    return {
        "result_id": str(one.result_id),
        "part": f"{one.part.series}/{one.part.part_seq}",
        "serial": one.part.serial,
        "lot": one.part.lot,
        "outcome": one.verdict.outcome.name,
        "created_utc": one.created_utc.isoformat(timespec="seconds"),
    }


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    sys.stdout.write(json.dumps(told) + "\n" if as_json else "".join(f"{k:14} {v}\n" for k, v in told.items()))
