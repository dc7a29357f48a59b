"""A mask or a region of interest decides what is judged, through the real model, for one picture and for a line."""

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.app import build, settings
from inspector.app.one_shot import open_one_shot
from inspector.app.parts import check_parts
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from inspector.twin.scenes import SceneSettings, TrueDefect, render

WIDTH, HEIGHT = 1024, 768
Edit = Callable[[str, str, str], Path]


@pytest.fixture(scope="module")
def cracked() -> tuple[int, TrueDefect]:
    """A part with one long crack, that does not lie across the middle of the frame."""
    scenes = SceneSettings(width=WIDTH, height=HEIGHT, defect_rate=1.0)
    for seed in range(9400, 9500):
        defects = render(seed, scenes).defects
        if [one.label for one in defects] == ["crack"] and defects[0].length_px > 60 and defects[0].x > WIDTH / 2:
            return seed, defects[0]
    raise AssertionError("no seed gives such a part")


def recipes(config: Path, crack: TrueDefect) -> dict[str, tuple[str, Outcome]]:
    """By name: what is added to the recipe, and what becomes of the part."""
    left, top = crack.x - 40, crack.y - 40
    right, bottom = crack.x + crack.width + 40, crack.y + crack.height + 40
    corners = f"[[{left}, {top}], [{right}, {top}], [{right}, {bottom}], [{left}, {bottom}]]"
    part = f"[[{left}, {top}], [{crack.x + crack.width / 2}, {top}], [{left}, {bottom}]]"
    return {
        "whole": ("", Outcome.FAIL),
        "masked": (f'[[masks]]\nname = "print"\npolygon_px = {corners}\n', Outcome.PASS),
        "half-masked": (f'[[masks]]\nname = "print"\npolygon_px = {part}\n', Outcome.FAIL),
        "left-half": (f"[roi]\nrect_px = [0, 0, {crack.x - 40 - 1}, {HEIGHT}]\n", Outcome.PASS),
        "right-half": (f"[roi]\nrect_px = [{WIDTH // 2}, 0, {WIDTH // 2}, {HEIGHT}]\n", Outcome.FAIL),
    }


def test_what_is_masked_or_out_of_view_does_not_fail_a_part_and_all_else_does(
    config: Path, tmp_path: Path, cracked: tuple[int, TrueDefect]
) -> None:
    seed, crack = cracked
    picture = tmp_path / "part.png"
    cv2.imwrite(str(picture), render(seed, SceneSettings(width=WIDTH, height=HEIGHT, defect_rate=1.0)).pixels)
    base = (config / "recipes" / "critical.toml").read_text()
    for name, (added, outcome) in recipes(config, crack).items():
        path = config / "recipes" / f"{name}.toml"
        path.write_text(base.replace('name = "critical"', f'name = "{name}"') + "\n" + added)
        with open_one_shot(model=None, recipe=str(path), px_per_mm=20.0) as eye:
            shot = eye.judge(picture)
        assert shot.inspection.verdict.outcome is outcome, (name, shot.inspection.verdict)
        for seen in shot.inspection.detections:  # places are those of the frame, not of the window
            assert seen.box.right > crack.x - 60
            assert seen.box.x < crack.x + crack.width + 60


def test_a_line_looks_at_its_region_of_interest_alone(
    config: Path, tmp_path: Path, edit: Edit, cracked: tuple[int, TrueDefect]
) -> None:
    seed, crack = cracked
    folder = tmp_path / "pictures"
    folder.mkdir()
    scenes = SceneSettings(width=WIDTH, height=HEIGHT, defect_rate=1.0)
    for number in range(2):
        cv2.imwrite(str(folder / f"part{number}.png"), render(seed, scenes).pixels)
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "once"')
    path = edit("stations/left.toml", "deadline_ms = 400", "deadline_ms = 30000")
    path.write_text(path.read_text() + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n")
    added, outcome = recipes(config, crack)["left-half"]
    recipe = config / "recipes" / "critical.toml"
    recipe.write_text(recipe.read_text() + "\n" + added)
    parts = check_parts(settings.load(config, "left"))
    with build.open_line(parts, threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    with journal_sql.open_journal(parts.journal, read_only=True) as book:
        events = [entry.event for entry in book.after(0, 100)]
    assert [e.verdict.outcome for e in events if isinstance(e, Inspection)] == [outcome, outcome]
