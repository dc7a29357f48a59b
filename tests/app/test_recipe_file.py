"""Recipes as files: what is read is what is judged by, and its sha256 names its revision."""

import hashlib
from pathlib import Path

import pytest

from inspector.app.recipe_file import fit, load_recipe
from inspector.domain.errors import ConfigError
from inspector.domain.verdict import Severity
from inspector.ports.model import OutputSpec
from tests.fakes import card

SCORE = OutputSpec(name="score", dtype="float32", role="score")


def test_the_background_rule_is_to_the_letter(repo: Path) -> None:
    loaded = load_recipe(repo / "config/recipes/background.toml")
    recipe = loaded.recipe
    weights = {label: recipe.rule_for(label).weight for label in ("crack", "scratch", "dent", "stain", "blowhole")}
    assert weights == {"crack": 3, "scratch": 2, "dent": 2, "stain": 1, "blowhole": 1}
    assert (recipe.max_score, recipe.max_defects) == (2.5, 3)
    assert not recipe.uses_mm
    assert not recipe.zones
    for _, rule in recipe.class_rules():
        assert (rule.confidence, rule.doubt, rule.any_fails, rule.max_count) == (0.0, None, False, None)
    assert loaded.sha256 == hashlib.sha256(loaded.path.read_bytes()).hexdigest()


def test_the_critical_recipe_fails_any_crack_scratch_or_dent(repo: Path) -> None:
    recipe = load_recipe(repo / "config/recipes/critical.toml").recipe
    assert all(recipe.classes[label].any_fails for label in ("crack", "scratch", "dent"))
    assert recipe.classes["crack"].severity is Severity.CRITICAL
    assert recipe.uses_mm


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "config" / "recipes").glob("*.toml")))
def test_every_shipped_recipe_loads_under_its_own_name(path: Path) -> None:
    assert load_recipe(path).recipe.name == path.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('model = "m"', "name is missing"),
        ('name = "r"\nmodel = "m"\nschema = "inspector.recipe/2"', "schema = 'inspector.recipe/2'"),
        ('name = "a/b"\nmodel = "m"', "name = 'a/b'"),
        ('name = "r"\nmodel = "m"\n[other]\nsize_band = 1.0', "other.size_band = 1.0"),
        ('name = "r"\nmodel = "m"\n[other]\nmin_length_mm = 0', "other.min_length_mm = 0"),
        ('name = "r"\nmodel = "m"\n[[zones]]\nname = "z"\npolygon_px = [[0, 0], [1, 1]]', "zones.0.polygon_px"),
        ('name = "r"\nmodel = "m"\n[score]\nmaximum = 2', "score.maximum is unknown; did you mean 'max'"),
    ],
)
def test_a_wrong_recipe_is_refused_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as said:
        load_recipe(path)
    assert str(said.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_utf_8_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 8\)"):
        load_recipe(path)


@pytest.mark.parametrize("changed", [{"task": "classification"}, {"further_outputs": (SCORE,)}])
def test_masks_are_refused_where_a_model_judges_the_frame_as_a_whole(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    path = tmp_path / "masked.toml"
    mask = '[[masks]]\nname = "print"\npolygon_px = [[0, 0], [9, 0], [9, 9]]\n'
    path.write_text(f'name = "masked"\nmodel = "fake"\n{mask}')
    loaded = load_recipe(path)
    fit(loaded, card(), None)
    with pytest.raises(ConfigError, match="masks: model fake judges the frame as a whole"):
        fit(loaded, card(**changed), None)
