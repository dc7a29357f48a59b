"""`inspector camera optics`, and the [optics] table."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.app.optics_table import OpticsTable
from inspector.pipeline.optics_guard import OpticsRules
from inspector.twin.scenes import SceneSettings, render
from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]


def test_the_sample_says_every_key_with_its_default(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "optics.toml").read_text())["optics"]
    assert table.keys() == OpticsTable.model_fields.keys()
    assert OpticsTable.model_validate(table) == OpticsTable()
    assert OpticsTable().rules() == OpticsRules()


@pytest.fixture
def pictures(tmp_path: Path, edit: Edit) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "loop"')
    scenes = SceneSettings(width=512, height=384, defect_rate=0.0)
    for number in range(6):
        noise = np.random.default_rng(number).integers(0, 5, (384, 512), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.add(render(9200, scenes).pixels // 2 + 40, noise))
    return folder


def test_a_reference_is_learned_by_the_command_and_then_compared_with(config: Path, verb: Verb, pictures: Path) -> None:
    first = verb("camera", "optics", "-c", config, "-s", "left", "--json")
    assert first.exit_code == 0, first.stderr
    assert "no reference yet" in json.loads(first.stdout)["note"]
    learned = verb("camera", "optics", "-c", config, "-s", "left", "--learn", "6")
    assert learned.exit_code == 0, learned.stderr
    assert "learned from 6 pictures" in learned.stdout
    again = verb("camera", "optics", "-c", config, "-s", "left", "--frames", "6")
    assert again.exit_code == 0, again.stdout
    assert "by command, 6 frames" in again.stdout
    for picture in pictures.iterdir():
        shown = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
        assert shown is not None
        cv2.imwrite(str(picture), shown // 2)
    dim = verb("camera", "optics", "-c", config, "-s", "left", "--json")
    assert dim.exit_code == 1
    (row,) = json.loads(dim.stdout)["frames"]
    assert [(one["kind"], one["grave"]) for one in row["findings"]] == [("light", True)]
    assert row["ms"] > 0


def test_a_reference_of_another_camera_setting_is_not_compared_with(
    config: Path, verb: Verb, pictures: Path, edit: Edit
) -> None:
    assert verb("camera", "optics", "-c", config, "-s", "left", "--learn", "6").exit_code == 0
    edit("stations/left.toml", 'mode = "loop"', 'mode = "loop"\nsettle_s = 0.5')
    done = verb("camera", "optics", "-c", config, "-s", "left", "--json")
    assert done.exit_code == 0, done.stderr
    assert "other settings of the camera" in json.loads(done.stdout)["note"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--learn", "2"], "5 or more are right"),
        (["--recipe", "nothing"], "the station has no such recipe; there are: critical"),
    ],
)
def test_a_wrong_wish_says_what_would_be_right(
    config: Path, verb: Verb, pictures: Path, words: list[str], said: str
) -> None:
    done = verb("camera", "optics", "-c", config, "-s", "left", *words)
    assert done.exit_code == 78
    assert said in done.stderr


def test_a_pair_the_wrong_way_round_is_refused(config: Path, verb: Verb, edit: Edit) -> None:
    edit("stations/left.toml", "[camera]", "[optics]\nlight = [0.5, 0.2]\n\n[camera]")
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "light = [0.5, 0.2]: the warning must come before what is grave" in done.stderr
