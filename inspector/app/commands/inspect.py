"""`inspector inspect`: judge picture files once."""

import json
import sys
from pathlib import Path
from typing import Annotated

import cv2
import typer

from inspector.app import options, service
from inspector.app.annotate import annotate as draw
from inspector.app.exits import EX_DATAERR, speaking_plainly
from inspector.app.one_shot import OneShot, Shot, open_one_shot
from inspector.domain.errors import ConfigError
from inspector.pipeline.records import one_shot

_NOMINAL = 20.0


def inspect(
    images: Annotated[list[Path], typer.Argument(help="Picture files: PNG, JPEG, TIFF or BMP.")],
    *,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Name of a shipped recipe, or a file.")] = "critical",
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Model package [default: the recipe's].")] = None,
    px_per_mm: Annotated[
        float, typer.Option("--px-per-mm", min=0.001, help="Scale of the pictures; limits in mm need it.")
    ] = _NOMINAL,
    annotate: Annotated[
        Path | None, typer.Option("--annotate", "-a", help="Folder for copies with the defects drawn.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Judge picture files; nothing is told to a gate, nothing is written in the journal.

    With --json one result record a file. A file that cannot be read is UNDECIDED, and the exit code is 65.

    Example: inspector inspect part1.png part2.png --annotate seen/
    """
    service.configure_logs()
    with speaking_plainly(), open_one_shot(model=model, recipe=recipe, px_per_mm=px_per_mm) as eye:
        if annotate is not None:
            _make(annotate)
        unreadable, drawn = 0, set[Path]()
        for path in images:
            shot = _judge(eye, path, annotate, drawn)
            unreadable += bool(shot.trouble)
            _print(shot, as_json=as_json)
        raise SystemExit(EX_DATAERR if unreadable else 0)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--annotate {folder}: {error.strerror}; name a folder that can be written") from error


def _judge(eye: OneShot, path: Path, folder: Path | None, drawn: set[Path]) -> Shot:
    shot = eye.judge(path)
    if shot.trouble:
        sys.stderr.write(f"inspector: {shot.trouble}\n")
    if folder is not None and shot.pixels is not None:
        target = _target(folder, path.stem, shot.inspection.verdict.outcome.name.lower(), drawn)
        if not cv2.imwrite(str(target), draw(shot.pixels, shot.inspection.verdict)):
            raise ConfigError(f"--annotate {folder}: {target} could not be written; is the disk full?")
    return shot


def _target(folder: Path, stem: str, outcome: str, drawn: set[Path]) -> Path:
    """A name for the copy that no picture of this run has: part.fail.jpg, part-2.fail.jpg ..."""
    target, copy = folder / f"{stem}.{outcome}.jpg", 1
    while target in drawn:
        copy += 1
        target = folder / f"{stem}-{copy}.{outcome}.jpg"
    drawn.add(target)
    return target


def _print(shot: Shot, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(one_shot(shot.inspection)) + "\n")
        return
    verdict = shot.inspection.verdict
    sys.stdout.write(f"{verdict.outcome.name:9} {shot.path}  {verdict.reason}\n")
    for defect in verdict.defects:
        box, mm = defect.detection.box, defect.length_mm
        length = f"{mm:6.2f} mm" if mm is not None else f"{defect.detection.length_px:6.0f} px"
        sys.stdout.write(
            f"          {'' if defect.sure else '? '}{defect.detection.label:8} "
            f"confidence {defect.detection.score:.2f}  length {length}  "
            f"at {box.x:.0f},{box.y:.0f} {box.width:.0f}x{box.height:.0f} px\n"
        )
