"""`inspector inspect`: judge picture files once."""

import json
import sys
from contextlib import AbstractContextManager
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
        float | None,
        typer.Option(
            "--px-per-mm", min=0.001, help="Scale of the pictures; limits in mm need it [default: assume 20]."
        ),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option("--annotate", "-a", help="Folder for copies with the defects drawn.")
    ] = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Judge picture files; nothing is told to a gate, nothing is written in the journal.

    With --json one result record a file. A file that cannot be read is UNDECIDED, and the exit code is 65. The last
    line on standard error says with which recipe, model and scale was judged.

    Example: inspector inspect part1.png part2.png --annotate seen/
    """
    service.configure_logs()
    with speaking_plainly(), _open(images, model, recipe, px_per_mm, config) as eye:
        if annotate is not None:
            _make(annotate)
        means = eye.means + ("" if px_per_mm else " (assumed: give --px-per-mm)")
        unreadable, drawn = 0, set[Path]()
        for path in images:
            shot = eye.judge(path)
            unreadable += bool(shot.trouble)
            if annotate is not None:
                _draw(shot, annotate, drawn, means)
            _print(shot, as_json=as_json)
        if not as_json:
            sys.stdout.flush()
            sys.stderr.write(f"{means}\n")
        raise SystemExit(EX_DATAERR if unreadable else 0)


def _open(
    images: list[Path], model: Path | None, recipe: str, px_per_mm: float | None, config: Path | None
) -> AbstractContextManager[OneShot]:
    """The eye for these files; refuses folders before anything is judged."""
    for path in images:
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; give files: {path}/*.png")
    return open_one_shot(model=model, recipe=recipe, px_per_mm=px_per_mm or _NOMINAL, trusted=options.trusted(config))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--annotate {folder}: {error.strerror}; name a folder that can be written") from error


def _draw(shot: Shot, folder: Path, drawn: set[Path], note: str) -> None:
    if shot.pixels is None:
        return
    verdict = shot.inspection.verdict
    target = _target(folder, shot.path.stem, verdict.outcome.name.lower(), drawn)
    if not cv2.imwrite(str(target), draw(shot.pixels, verdict, note=note)):
        raise ConfigError(f"--annotate {folder}: {target} could not be written; is the disk full?")


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
        if shot.trouble:
            sys.stderr.write(f"inspector: {shot.trouble}\n")
        sys.stdout.write(json.dumps(one_shot(shot.inspection)) + "\n")
        return
    verdict = shot.inspection.verdict
    sys.stdout.write(f"{verdict.outcome.name:9} {shot.path}  {verdict.reason.removeprefix(f'{shot.path}: ')}\n")
    for defect in verdict.defects:
        box, mm = defect.detection.box, defect.length_mm
        length = f"{mm:6.2f} mm" if mm is not None else f"{defect.detection.length_px:6.0f} px"
        sys.stdout.write(
            f"          {'' if defect.sure else 'doubtful '}{defect.detection.label:8} "
            f"confidence {defect.detection.score:.2f}  length {length}  "
            f"at {box.x:.0f},{box.y:.0f} {box.width:.0f}x{box.height:.0f} px\n"
        )
