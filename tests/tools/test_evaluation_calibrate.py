"""A calibrated model is a new revision: same graph, honest confidences, flips told."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("faster_coco_eval", reason="the workshop needs it: make workshop")
from inspector.app.model_package import load_card
from inspector.app.recipe_file import load_recipe
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box, Scale
from inspector.twin.scenes import SceneSettings
from tools.calibrate import Calibration, calibrate, flips, write_package
from tools.data import read
from tools.data.scenes import write_scenes
from tools.evaluation.looking import open_eye
from tools.evaluation.table import Row, make_row
from tools.metrics.confidence import Platt, logit


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> list[Row]:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, range(8000, 8002), SceneSettings(width=256, height=256, defect_rate=0.5), split="val")
    with open_eye(repo / "models/surface-small") as eye:
        return [make_row(eye.look(record), eye.card.labels) for record in read(folder).records]


def with_detections(row: Row, confidences: np.ndarray, rights: np.ndarray) -> Row:
    from dataclasses import replace

    return replace(row, confidences=confidences, rights=rights)


def overconfident(rows: list[Row]) -> list[Row]:
    """Detections whose true log odds are half of what they claim, less a half."""
    rng = np.random.default_rng(1)
    made = []
    for number in range(200):
        claimed = rng.uniform(0.31, 0.99, 10)
        honest = 1 / (1 + np.exp(-(0.5 * logit(claimed) - 0.5)))
        made.append(with_detections(rows[number % len(rows)], claimed, rng.random(10) < honest))
    return made


def test_the_new_card_says_what_was_fitted_and_the_graph_is_untouched(
    rows: list[Row], repo: Path, tmp_path: Path
) -> None:
    model = repo / "models/surface-small"
    card = load_card(model)
    found = calibrate(card, overconfident(rows), [str(i) for i in range(200)])
    assert found.platt.slope == pytest.approx(0.5, abs=0.1)
    assert found.before > 0.1
    assert found.after < 0.06
    version = write_package(model, tmp_path / "new", found, data_sha256="ab")
    assert version == f"{card.version}+cal1"
    new = load_card(tmp_path / "new")
    assert new.sha256 == card.sha256
    for value in (90, 128, 140, 200):
        old_logit = (value - card.output.zero_point) * card.output.scale
        new_logit = (value - new.output.zero_point) * new.output.scale
        assert new_logit == pytest.approx(found.platt.slope * old_logit + found.platt.shift, abs=1e-9)
    assert new.candidate_score == pytest.approx(found(card.candidate_score), abs=1e-6)
    assert write_package(tmp_path / "new", tmp_path / "newer", found, data_sha256="ab").endswith("+cal2")
    with pytest.raises(ConfigError, match="a revision is never overwritten"):
        write_package(model, tmp_path / "new", found, data_sha256="ab")


def test_too_few_detections_of_a_kind_are_refused(rows: list[Row], repo: Path) -> None:
    one = with_detections(rows[0], np.full(50, 0.9), np.ones(50, np.bool_))
    with pytest.raises(ConfigError, match="50 right and 0 wrong detections: at least 20 of each"):
        calibrate(load_card(repo / "models/surface-small"), [one], ["a"])


def test_the_verdicts_that_flip_are_named(repo: Path) -> None:
    recipe = load_recipe(repo / "config/recipes/critical.toml").recipe
    shyer = Calibration(
        platt=Platt(slope=1.0, shift=-1.0),
        scale=0.06,
        zero_point=128,
        candidate_score=0.1,
        before=0.2,
        after=0.1,
        right=50,
        detections=100,
    )

    def crack(score: float) -> list[Detection]:
        box = Box(x=0, y=0, width=100, height=5)
        return [Detection(label="crack", score=score, box=box, length_px=100, width_px=2, area_px=200)]

    parts = [("sure", crack(0.95)), ("weak", crack(0.6)), ("weaker", crack(0.4)), ("clean", [])]
    got = [(flip.what, flip.before, flip.after) for flip in flips(parts, recipe, Scale(id="s", px_per_mm=20), shyer)]
    assert got == [("weak", "FAIL", "UNDECIDED"), ("weaker", "UNDECIDED", "PASS")]
