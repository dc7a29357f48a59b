"""`inspector recipe fixture`: taught from one frame, kept with the recipe, found by the line."""

import json
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.app import build, settings
from inspector.app.fixture_file import FixtureTable
from inspector.app.parts import check_parts
from inspector.app.recipe_file import RecipeTable, load_recipe
from inspector.domain.errors import ConfigError
from inspector.domain.inspection import Inspection
from tests.app.conftest import Verb
from tests.pipeline.scenes import SMALL

Edit = Callable[[str, str, str], Path]
SEED = 5


def region() -> str:
    box = SMALL.region
    return ",".join(str(int(value)) for value in (box.x, box.y, box.width, box.height))


@pytest.fixture
def taught(config: Path, verb: Verb, tmp_path: Path) -> Path:
    """The recipe, with a fixture."""
    recipe = config / "recipes" / "critical.toml"
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), SMALL.frame(SMALL.scene(SEED)))
    done = verb("recipe", "fixture", recipe, "--frame", good, "--region", region(), "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert abs(told["dx_px"]) < 0.1
    assert told["verdict"] == "found"
    return recipe


def test_the_sample_is_a_recipe_and_its_defaults_are_those_of_the_code(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "recipe_fixture.toml").read_text())
    recipe = RecipeTable.model_validate(table).recipe()
    assert recipe.masks[0].name == "print"
    assert recipe.roi is not None
    assert table["fixture"].keys() == FixtureTable.model_fields.keys()
    taught = {key: table["fixture"][key] for key in ("template", "sha256", "frame_px", "region_px")}
    assert FixtureTable.model_validate(table["fixture"]) == FixtureTable.model_validate(taught)


def test_teaching_keeps_the_recipe_its_comments_and_its_settings(taught: Path, verb: Verb, tmp_path: Path) -> None:
    text = taught.read_text()
    assert "# from here on it counts for sure" in text
    before = load_recipe(taught)
    assert before.finder is not None
    assert before.taught_px == (SMALL.width, SMALL.height)
    taught.write_text(text.replace("[fixture]", "[fixture]\nshift_px = 33.0"))
    verb("recipe", "fixture", taught, "--frame", tmp_path / "good.png", "--region", region())
    after = load_recipe(taught)
    assert after.recipe.fixture is not None
    assert after.recipe.fixture.shift_px == 33.0
    assert after.sha256 != before.sha256


def test_trying_says_where_a_part_lies_and_changes_nothing(taught: Path, verb: Verb, tmp_path: Path) -> None:
    text = taught.read_text()
    cv2.imwrite(str(tmp_path / "other.png"), SMALL.frame(SMALL.scene(SEED), SMALL.pose(7.0, -4.0, 2.0)))
    done = verb("recipe", "fixture", taught, "--frame", tmp_path / "other.png", "--try", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["dx_px"], told["dy_px"]) == (pytest.approx(7.0, abs=0.5), pytest.approx(-4.0, abs=0.5))
    assert told["turn_deg"] == pytest.approx(2.0, abs=0.05)
    cv2.imwrite(str(tmp_path / "belt.png"), SMALL.frame(None))
    empty = verb("recipe", "fixture", taught, "--frame", tmp_path / "belt.png", "--try")
    assert empty.exit_code == 1
    assert "no part" in empty.stdout
    assert taught.read_text() == text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--region", "1,2,3"], "four whole numbers are right"),
        (["--region", "900,0,500,500"], "passes the frame of 1024 x 750 px"),
        (["--region", "0,0,64,64"], "each side must be 128 px or more"),
        (["--region", "400,300,200,200"], "choose a"),
    ],
)
def test_a_region_that_cannot_be_taught_leaves_the_recipe_as_it_was(
    config: Path, verb: Verb, tmp_path: Path, words: list[str], said: str
) -> None:
    recipe = config / "recipes" / "critical.toml"
    text = recipe.read_text()
    blurred = cv2.GaussianBlur(SMALL.frame(SMALL.scene(SEED)), (0, 0), 12)
    cv2.imwrite(str(tmp_path / "good.png"), blurred)
    done = verb("recipe", "fixture", recipe, "--frame", tmp_path / "good.png", *words)
    assert done.exit_code == 78
    assert said in done.stderr
    assert recipe.read_text() == text


def test_a_template_that_is_absent_or_another_is_refused(taught: Path) -> None:
    (template,) = taught.parent.glob("critical.fixture-*.png")
    content = template.read_bytes()
    template.write_bytes(content + b" ")
    with pytest.raises(ConfigError, match="is another picture"):
        load_recipe(taught)
    template.unlink()
    with pytest.raises(ConfigError, match="inspector recipe fixture makes it"):
        load_recipe(taught)


def test_the_line_finds_its_parts_and_passes_no_other(taught: Path, config: Path, tmp_path: Path, edit: Edit) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    frames = {
        "a-straight": SMALL.frame(SMALL.scene(SEED), seed=1),
        "b-moved": SMALL.frame(SMALL.scene(SEED), SMALL.pose(15.0, -12.0, 4.0), seed=2),
        "c-empty": SMALL.frame(None, seed=3),
        "d-other": SMALL.frame(SMALL.scene(SEED + 1), seed=4),
        "e-too-far": SMALL.frame(SMALL.scene(SEED), SMALL.pose(60.0, 0.0, 0.0), seed=5),
    }
    for name, frame in frames.items():
        cv2.imwrite(str(folder / f"{name}.png"), frame)
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "once"')
    path = edit("stations/left.toml", "deadline_ms = 400", "deadline_ms = 30000")
    path.write_text(path.read_text() + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n")
    parts = check_parts(settings.load(config, "left"))
    with build.open_line(parts, threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    with journal_sql.open_journal(parts.journal, read_only=True) as book:
        events = [entry.event for entry in book.after(0, 100)]
    rules = {e.part.serial[0]: e.verdict.decision.rule for e in events if isinstance(e, Inspection)}
    assert not rules["a"].startswith("law.")
    assert not rules["b"].startswith("law.")
    assert rules["c"] == "law.no_part"
    assert rules["d"] in {"law.wrong_part", "law.no_part"}
    assert rules["e"] in {"law.wrong_part", "law.no_part"}


def test_a_camera_of_another_size_is_refused_at_the_start(
    taught: Path, config: Path, tmp_path: Path, edit: Edit
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "small.png"), SMALL.frame(SMALL.scene(SEED))[:600, :800])
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "once"')
    parts = check_parts(settings.load(config, "left"))
    with (
        pytest.raises(ConfigError, match=r"fixture.frame_px = \[1024, 750\], but camera .* gives 800 x 600 px"),
        build.open_line(parts, threading.Event()),
    ):
        pass
