"""`inspector camera optics`: what the camera shows now, against what it showed at the set-up."""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from inspector.adapters.optics_files import OpticsFiles
from inspector.app import lens, options, service
from inspector.app.exits import EX_FINDINGS, EX_OK, speaking_plainly
from inspector.app.parts import Parts, check_parts
from inspector.app.recipe_file import LoadedRecipe
from inspector.domain.errors import ConfigError, FrameError
from inspector.pipeline import optics as floor
from inspector.pipeline.sight import Finding, Glance, Health, glance, reference_of
from inspector.ports.sight import Learned, Setup, setup_of

_FEWEST = 5


def optics(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    trigger: lens.Trigger = None,
    frames: Annotated[int, typer.Option("--frames", min=1, max=1000, help="Pictures to look at.")] = 1,
    learn: Annotated[
        int, typer.Option("--learn", min=0, max=1000, help="Learn the reference from so many pictures of good parts.")
    ] = 0,
    recipe: Annotated[
        str | None, typer.Option("--recipe", "-r", help="Of this recipe [default: the station's own].")
    ] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.01, max=3600, help="Seconds to wait.")] = lens.GRAB_S,
    as_json: options.Json = False,
) -> None:
    """Look at light, sharpness, dirt and strangeness of the picture; exit 1 if something is wrong.

    Compared is with the reference of this station and recipe, which the line learns from its first good parts, or this
    command with --learn. After a change of camera, lens, lamp or product learn a new one.

    Example: inspector camera optics --station left --learn 20
    """
    service.configure_logs()
    with speaking_plainly():
        parts = check_parts(lens.free(options.load(config, station)))
        chosen = _recipe(parts, recipe)
        if 0 < learn < _FEWEST:
            raise ConfigError(f"--learn {learn}: parts differ from one to the next; {_FEWEST} or more are right")
        book = OpticsFiles(parts.optics)
        with lens.opened(parts.loaded, trigger) as camera:
            setup = setup_of(camera.describe(), parts.loaded.camera_sha256)
            setup = replace(setup, recipe=chosen.recipe.name, recipe_sha256=chosen.sha256)
            stored = None if learn else book.read(setup.recipe)
            other = stored.setup.other_camera(setup) if stored else ""
            health = (
                Health(reference=stored.reference, limits=parts.loaded.settings.optics.rules().limits)
                if (stored and not other)
                else None
            )
            seen: list[Glance] = []
            rows: list[dict[str, Any]] = []
            for _ in range(learn or frames):
                capture = lens.take(camera, timeout_s)
                begun = time.perf_counter()
                trouble = _floor(capture.pixels)
                seen.append(glance(capture.pixels, capture.pixel_format))
                findings = health.look(seen[-1]) if health is not None else ()
                rows.append(_row(seen[-1], trouble, findings, (time.perf_counter() - begun) * 1e3))
        wrong = any(row["findings"] for row in rows)
        note = other and f"the reference is of {other}: not compared"
        if learn and wrong:
            note = "not learned: a picture of the set-up must show something"
        elif learn:
            learned = Learned(setup=setup, reference=reference_of(seen), learned_utc=datetime.now(UTC), by="command")
            book.keep(learned)
            note = f"learned from {learn} pictures: {book.path(setup.recipe)}"
        elif stored is None:
            note = "no reference yet; --learn 20 makes one, or the line from its first good parts"
        _say(rows, note, as_json=as_json, stored=stored, setup=setup)
        raise SystemExit(EX_FINDINGS if wrong else EX_OK)


def _recipe(parts: Parts, name: str | None) -> LoadedRecipe:
    if name is None:
        return parts.recipes[0]
    known = {one.recipe.name: one for one in parts.recipes}
    if name not in known:
        raise ConfigError(f"--recipe {name!r}: the station has no such recipe; there are: {', '.join(known)}")
    return known[name]


def _floor(pixels: Any) -> str:
    try:
        floor.check(pixels)
    except FrameError as error:
        return str(error).removeprefix("optics: ")
    return ""


def _row(seen: Glance, trouble: str, findings: tuple[Finding, ...], ms: float) -> dict[str, Any]:
    said = [{"kind": one.kind, "grave": one.grave, "text": one.text} for one in findings]
    if trouble:
        said.insert(0, {"kind": "nothing", "grave": True, "text": trouble})
    return {
        "light": round(seen.light, 1),
        "burnt": round(seen.burnt, 4),
        "dark": round(seen.dark, 4),
        "sharpness": round(seen.sharpness, 5),
        "ms": round(ms, 2),
        "findings": said,
    }


def _say(rows: list[dict[str, Any]], note: str, *, as_json: bool, stored: Learned | None, setup: Setup) -> None:
    if as_json:
        learned = stored.learned_utc.isoformat() if stored else None
        told = {"recipe": setup.recipe, "reference_utc": learned, "frames": rows, "note": note}
        sys.stdout.write(json.dumps(told) + "\n")
        return
    if stored is not None:
        then = stored.reference
        sys.stdout.write(
            f"set-up  {stored.learned_utc:%Y-%m-%d} by {stored.by}, {then.frames} frames: light {then.light[0]:.1f} to "
            f"{then.light[1]:.1f}, sharpness {then.sharpness[0]:.5f} and more\n"
        )
    for row in rows:
        sys.stdout.write(
            f"light {row['light']:6.1f}  burnt {row['burnt']:6.2%}  dark {row['dark']:6.2%}  "
            f"sharpness {row['sharpness']:.5f}  {row['ms']:5.2f} ms\n"
        )
        for one in row["findings"]:
            sys.stdout.write(f"  {'grave' if one['grave'] else 'warn '}  {one['text']}\n")
    if note:
        sys.stdout.write(note + "\n")
