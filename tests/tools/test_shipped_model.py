"""The shipped model fits its card and does its work on small rendered parts."""

import tomllib
from pathlib import Path

import pytest

from inspector.domain.frame import PixelFormat
from inspector.twin.scenes import SceneSettings, render

pytest.importorskip("onnx", reason="the workshop needs onnx: make workshop")
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError
from tools.card import CardFacts, card_text, write_card
from tools.evaluate import open_detector
from tools.modelcard import facts_of, write_model_card
from tools.naming import told

FOLDER = Path(__file__).parents[2] / "models" / "surface-small"


def test_the_package_is_small_and_whole() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"model.onnx", "card.toml", "MODEL_CARD.md", "weights.npz"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000


def test_the_card_names_classes_in_channel_order_and_the_file_it_was_made_for() -> None:
    card = load_card(FOLDER)
    assert card.labels == ("crack", "scratch", "dent", "stain", "other")
    assert card.output.stride == 8
    assert card.cannot


@pytest.mark.parametrize("name", ["surface-nano", "surface-small", "surface-base"])
def test_the_page_beside_a_model_is_what_its_card_says_with_whole_counts(name: str, tmp_path: Path) -> None:
    folder = FOLDER.parent / name
    write_model_card(tmp_path, facts_of(folder))
    text = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert text == (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "178 together" in text
    assert "178.0" not in text


def test_a_command_names_no_folder_of_the_pc_it_was_run_on() -> None:
    command = "python -m tools.train --data ../shared/data/real --source bsd"
    assert told(command) == "python -m tools.train --data REAL --source bsd"
    assert told("... --data build/twin-accuracy --source twin") == "... --data build/twin-accuracy --source twin"


def test_a_changed_model_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"one")
    write_card(tmp_path, CardFacts(name="x", version="1", licence="own", scale=0.1, zero_point=128))
    (tmp_path / "model.onnx").write_bytes(b"another")
    with pytest.raises(ConfigError, match="sha256"):
        load_card(tmp_path)


def test_a_card_is_valid_toml_with_every_table_of_the_contract() -> None:
    raw = tomllib.loads(
        card_text(
            CardFacts(name="x", version="1", licence="own", scale=0.1, zero_point=3, metrics={"seeds": "1:2"}), "ab"
        )
    )
    assert raw["schema"] == "inspector.card/1"
    assert {"model", "input", "output", "decoder", "scale", "measure", "metrics", "cannot"} < set(raw)


def test_the_model_tells_bad_parts_from_good_ones() -> None:
    detector = open_detector(load_card(FOLDER), threads=1)
    wrong = []
    for seed in range(5000, 5030):
        scene = render(seed, SceneSettings(width=1024, height=768, defect_rate=0.5))
        seen = detector.detect(scene.pixels, PixelFormat.MONO8).detections
        if any(d.score >= 0.5 for d in seen) != bool(scene.defects):
            wrong.append(seed)
    assert len(wrong) <= 1
