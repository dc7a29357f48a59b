"""Painted cracks are found where they stand out, and the count behind a recall is told."""

import json
from pathlib import Path

import pytest

from inspector.domain.errors import ConfigError
from inspector.twin.scenes import SceneSettings
from tools.data.reading import read
from tools.data.scenes import write_scenes
from tools.painted import main, measure

MODEL = Path(__file__).parents[2] / "models" / "surface-small"


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    write_scenes(folder, range(9_000, 9_003), SceneSettings(width=512, height=384, defect_rate=0.0), split="test")
    return folder


def test_wide_dark_cracks_are_found_and_counted(faces: Path) -> None:
    found = measure(MODEL, read(faces).records, false_per_mp=0.1, seed=1)
    assert next(iter(found["recall"])) == "w1c10"
    assert found["recall"]["w3c40"]["painted"] == 60
    assert found["recall"]["w3c40"]["value"] > 0.8
    assert found["recall"]["w3c40"]["value"] >= found["recall"]["w1c10"]["value"]
    assert found["false_pieces"] <= found["false_pieces_allowed"] == 0


def test_without_good_pictures_there_is_nothing_to_paint_on() -> None:
    with pytest.raises(ConfigError, match="no good picture"):
        measure(MODEL, [], false_per_mp=0.1, seed=1)


def test_the_command_writes_what_it_prints(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "painted.json"
    main(["--model", str(MODEL), "--data", str(faces), "--out", str(out), "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads(out.read_text(encoding="utf-8"))
