"""`inspector recipe fixture`: teach a recipe how its part is found, from one good frame."""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import tomlkit
import typer

from inspector.adapters.camera_folder.images import read_image
from inspector.app import lens, options, service, toml_file
from inspector.app.exits import EX_FINDINGS, EX_OK, speaking_plainly
from inspector.app.fixture_file import FixtureTable
from inspector.app.recipe_file import LoadedRecipe, load_recipe
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.pipeline.fixture import Found, PartFinder, light_of

_MARGIN = 0.02


def fixture(
    recipe: Annotated[Path, typer.Argument(help="The recipe's file.", exists=True, dir_okay=False)],
    *,
    frame: Annotated[
        Path | None, typer.Option("--frame", "-f", help="Picture of a good part [default: taken with the camera].")
    ] = None,
    region: Annotated[
        str | None, typer.Option("--region", help="X,Y,WIDTH,HEIGHT px round the part [default: nearly all].")
    ] = None,
    config: options.Config = None,
    station: options.StationName = None,
    trigger: lens.Trigger = None,
    try_only: Annotated[
        bool, typer.Option("--try", help="Change nothing: find the taught part in the frame, and say where it lies.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Keep a good part's picture beside the recipe, and the [fixture] table in it; comments stay.

    Then the line finds every part by its edges, carries zones, masks and roi along, and what it does not find is
    UNDECIDED("no part") or UNDECIDED("wrong part"). Try it with parts that lie otherwise: exit 1 where none is found.

    Example: inspector recipe fixture config/recipes/critical.toml --frame good.png --region 400,300,3200,2400
    """
    service.configure_logs()
    with speaking_plainly():
        pixels, pixel_format = _frame(frame, config, station, trigger)
        loaded = _tried(recipe) if try_only else _taught(recipe, pixels, pixel_format, region)
        finder = _finder(loaded)
        begun = time.perf_counter()
        found = finder.find(pixels, pixel_format)
        ms = (time.perf_counter() - begun) * 1e3
        why_not = finder.why_not(found)
        _say(loaded, found, why_not, ms, as_json=as_json)
        raise SystemExit(EX_FINDINGS if why_not else EX_OK)


def _frame(
    frame: Path | None, config: Path | None, station: str | None, trigger: str | None
) -> tuple[Pixels, PixelFormat]:
    if frame is not None:
        return read_image(frame)
    with lens.opened(lens.free(options.load(config, station)), trigger) as camera:
        capture = lens.take(camera)
    return capture.pixels, capture.pixel_format


def _tried(recipe: Path) -> LoadedRecipe:
    return load_recipe(recipe)


def _finder(loaded: LoadedRecipe) -> PartFinder:
    if loaded.finder is None:
        raise ConfigError(f"{loaded.path}: has no [fixture] yet; leave --try out to teach it")
    return loaded.finder


def _taught(recipe: Path, pixels: Pixels, pixel_format: PixelFormat, region: str | None) -> LoadedRecipe:
    """Write picture and table; both are checked before the recipe's file is touched."""
    if pixels.dtype != np.uint8:
        raise ConfigError(f"--frame: {pixels.dtype} pixels; the line judges 8-bit ones")
    light = light_of(pixels, pixel_format)
    height, width = light.shape
    x, y, wide, high = _region(region, width, height)
    done, encoded = cv2.imencode(".png", light[y : y + high, x : x + wide])
    if not done:
        raise ConfigError(f"--region {x},{y},{wide},{high}: cannot be written as PNG")
    content = encoded.tobytes()
    name = toml_file.read(recipe).get("name", recipe.stem)
    sha256 = hashlib.sha256(content).hexdigest()
    values = {
        "template": f"{name}.fixture-{sha256[:12]}.png",  # of its own: an earlier revision keeps its picture
        "sha256": sha256,
        "frame_px": [width, height],
        "region_px": [x, y, wide, high],
    }
    text = tomlkit.parse(recipe.read_text(encoding="utf-8"))
    kept = {key: value for key, value in text.get("fixture", {}).items() if key not in values}
    table = toml_file.validate(FixtureTable, {**kept, **values}, origin=lambda _: str(recipe), prefix=("fixture",))
    PartFinder(light[y : y + high, x : x + wide], table.rule())
    (recipe.parent / table.template).write_bytes(content)
    if "fixture" not in text:
        text["fixture"] = tomlkit.table()
    for key, value in values.items():
        text["fixture"][key] = value
    draft = recipe.with_name(f".{recipe.name}.new")
    draft.write_text(tomlkit.dumps(text), encoding="utf-8")
    draft.replace(recipe)
    return load_recipe(recipe)


def _region(text: str | None, width: int, height: int) -> tuple[int, int, int, int]:
    if text is None:
        x, y = round(width * _MARGIN), round(height * _MARGIN)
        return x, y, width - 2 * x, height - 2 * y
    try:
        x, y, wide, high = (int(word) for word in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--region {text!r}: four whole numbers are right, as 400,300,3200,2400") from error
    if min(x, y) < 0 or min(wide, high) <= 0 or x + wide > width or y + high > height:
        raise ConfigError(f"--region {text}: passes the frame of {width} x {height} px")
    return x, y, wide, high


def _say(loaded: LoadedRecipe, found: Found, why_not: str, ms: float, *, as_json: bool) -> None:
    pose = found.pose
    told = {
        "recipe": loaded.recipe.name,
        "dx_px": round(pose.dx, 2),
        "dy_px": round(pose.dy, 2),
        "turn_deg": round(pose.turn_deg, 3),
        "match": round(found.match, 3),
        "presence": round(found.presence, 3),
        "ms": round(ms, 2),
        "verdict": why_not or "found",
    }
    sys.stdout.write(json.dumps(told) + "\n" if as_json else "".join(f"{k:10} {v}\n" for k, v in told.items()))
