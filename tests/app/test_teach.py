"""`inspector model teach`, from a folder of pictures to a line that judges by them."""

import json
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.adapters import journal_sql
from inspector.app import build, settings
from inspector.app.model_package import load_card
from inspector.app.open_model import onnx_runtime, open_model
from inspector.app.parts import check_parts
from inspector.app.teach.eyes import load_backbone, open_eyes
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import Inspection
from inspector.ports.plugin import Context
from tests.app.conftest import Verb
from tools import teach_eval

HEIGHT, WIDTH = 256, 320
CONTEXT = Context(station="s", data_dir="", run_dir="")


def part(seed: int, *, defect: str = "", height: int = HEIGHT) -> np.ndarray:
    """A brushed face under light that differs a little; with a gouge or a spot where asked."""
    rng = np.random.default_rng(seed)
    brushed = cv2.GaussianBlur(rng.normal(0, 60, (height, WIDTH)).astype(np.float32), (0, 0), sigmaX=6, sigmaY=0.6)
    image = 120 + rng.normal(0, 3) + brushed
    at = (int(rng.integers(110, 210)), int(rng.integers(100, 150)))
    if defect == "spot":
        cv2.circle(image, at, 22, 30.0, cv2.FILLED)
    if defect == "gouge":
        cv2.line(image, (at[0] - 40, at[1] - 40), (at[0] + 40, at[1] + 40), 235.0, 7)
    return np.clip(image, 0, 255).astype(np.uint8)


def folder(place: Path, count: int, *, seed: int, defect: str = "") -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        cv2.imwrite(str(place / f"{defect or 'good'}{index:02}.png"), part(seed + index, defect=defect))
    return place


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("good"), 12, seed=100)


@pytest.fixture
def into(tmp_path: Path) -> list[object]:
    return ["--models", tmp_path / "m", "--recipes", tmp_path / "r"]


def test_twelve_good_pictures_make_a_model_that_finds_what_is_odd_and_names_it(
    good: Path, tmp_path: Path, into: list[object], verb: Verb
) -> None:
    bad = tmp_path / "bad"
    for label in ("spot", "gouge"):
        folder(bad / label, 4, seed=500, defect=label)
    done = verb("model", "teach", "--good", good, "--bad", bad, "--name", "face", *into, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["taught"]) + len(told["odd"]) == 12
    assert [row["above_limit"] for row in told["bad"]] == [4, 4]
    assert told["names"]["right"] >= 7
    card = load_card(tmp_path / "m" / "face")
    assert card.labels == ("anomaly", "gouge", "spot")
    assert not card.released
    assert verb("model", "check", "face", "--models", tmp_path / "m").exit_code == 0
    with open_model(card, runtime=onnx_runtime(card, {"threads": 1}), context=CONTEXT) as eye:
        found = eye.detect(part(900, defect="spot"), PixelFormat.MONO8).detections[0]
        assert found.score > 0.5
        assert found.label == "spot"
        assert all(seen.score < 0.5 for seen in eye.detect(part(901), PixelFormat.MONO8).detections)


def test_a_frame_in_strips_gives_what_the_whole_frame_gives(
    good: Path, tmp_path: Path, into: list[object], verb: Verb
) -> None:
    assert verb("model", "teach", "--good", good, "--name", "face", "--scale", "1/2", *into).exit_code == 0
    card = load_card(tmp_path / "m" / "face")
    tall = part(30, defect="spot", height=4 * HEIGHT)
    scores = []
    for strip_px in (0, 512):
        runtime = onnx_runtime(card, {"threads": 1})
        with open_model(card, runtime=runtime, context=CONTEXT, strip_px=strip_px) as eye:
            found = eye.detect(tall, PixelFormat.MONO8).detections
        scores.append(found[0].score)
        assert 0 <= found[0].box.y < HEIGHT
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_the_line_refuses_a_candidate_and_judges_by_it_once_it_is_released(
    config: Path, tmp_path: Path, verb: Verb, good: Path
) -> None:
    (tmp_path / "models").unlink()
    shown = folder(tmp_path / "shown", 3, seed=700)
    folder(shown, 2, seed=800, defect="gouge")
    path = config / "stations" / "left.toml"
    text = path.read_text(encoding="utf-8").replace("/srv/inspector/left", str(shown))
    text = text.replace('mode = "watch"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    text = text.replace('model = "surface-small"', 'model = "face"').replace('recipe = "critical"', 'recipe = "face"')
    path.write_text(text + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n", encoding="utf-8")
    taught = verb("model", "teach", "--good", good, "--name", "face", "--config", config, "--station", "left")
    assert taught.exit_code == 0, taught.stderr
    with pytest.raises(ConfigError, match="inspector model release face"):
        check_parts(settings.load(config, "left"))
    released = verb("model", "release", "face", "--config", config, "--station", "left")
    assert released.stdout == "face: released\n"
    assert "before" in verb("model", "release", "face", "--config", config, "--station", "left").stdout
    parts = check_parts(settings.load(config, "left"))
    with build.open_line(parts, threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    with journal_sql.open_journal(parts.journal, read_only=True) as book:
        seen = [entry.event for entry in book.after(0, 200) if isinstance(entry.event, Inspection)]
    outcomes = {i.evidence.path if i.evidence else "": i.verdict.outcome for i in seen}
    assert len(seen) == 5
    assert sorted(i.verdict.outcome.name for i in seen) == ["FAIL", "FAIL", "PASS", "PASS", "PASS"], outcomes


def test_a_bad_part_among_the_good_ones_is_named_and_left_out(tmp_path: Path, into: list[object], verb: Verb) -> None:
    mixed = folder(tmp_path / "mixed", 9, seed=300)
    cv2.imwrite(str(mixed / "sneaked_in.png"), part(555, defect="gouge"))
    done = verb("model", "teach", "--good", mixed, "--name", "face", *into, "--json")
    told = json.loads(done.stdout)
    assert [Path(one["file"]).name for one in told["odd"]] == ["sneaked_in.png"]
    assert len(told["taught"]) == 9


def test_pictures_that_cannot_be_used_are_named_and_the_others_are_taught(
    tmp_path: Path, into: list[object], verb: Verb
) -> None:
    good = folder(tmp_path / "good", 6, seed=200)
    (good / "cut.png").write_bytes((good / "good00.png").read_bytes()[:5000])
    (good / "text.jpg").write_text("no picture", encoding="utf-8")
    cv2.imwrite(str(good / "deep.png"), part(1).astype(np.uint16) * 200)
    cv2.imwrite(str(good / "tiny.png"), part(1)[:40, :40])
    cv2.imwrite(str(good / "other_size.png"), part(2)[:200, :300])
    cv2.imwrite(str(good / "colour.png"), cv2.cvtColor(part(3), cv2.COLOR_GRAY2BGR))
    done = verb("model", "teach", "--good", good, "--name", "face", *into, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert sorted(Path(one["file"]).name for one in told["skipped"]) == ["cut.png", "deep.png", "text.jpg", "tiny.png"]
    assert "nearly blind" in told["support"]
    page = (tmp_path / "m" / "face" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "2 sizes" in page
    assert "deep.png: Mono16" in page


@pytest.mark.parametrize(("count", "code", "words"), [(0, 78, "no pictures"), (1, 65, "1 usable"), (4, 65, "5 are")])
def test_too_few_pictures_are_refused_and_nothing_is_written(
    tmp_path: Path, into: list[object], verb: Verb, count: int, code: int, words: str
) -> None:
    few = folder(tmp_path / "few", count, seed=1)
    done = verb("model", "teach", "--good", few, "--name", "face", *into)
    assert done.exit_code == code
    assert words in done.stderr
    assert not (tmp_path / "m" / "face").exists()
    assert not (tmp_path / "r" / "face.toml").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "taken"], "exists; choose another name"),
        (["--name", "a/b"], "letters, digits"),
        (["--name", "x", "--scale", "3"], "auto, 1, 1/2, 1/4"),
        (["--name", "x", "--bad", "/nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_picture_is_read(
    good: Path, tmp_path: Path, into: list[object], verb: Verb, options: list[str], words: str
) -> None:
    (tmp_path / "m" / "taken").mkdir(parents=True)
    done = verb("model", "teach", "--good", good, *options, *into)
    assert done.exit_code == 78
    assert words in done.stderr
    assert "seen:" not in done.stderr


def test_a_backbone_that_is_not_the_one_its_table_names_is_refused(repo: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(repo / "models" / "backbone-lite0", tmp_path / "backbone-lite0")
    assert load_backbone(copy).facts.licence == "Apache-2.0"
    (copy / "backbone.onnx").write_bytes((copy / "backbone.onnx").read_bytes()[:-1])
    with pytest.raises(ConfigError, match="restore the package"):
        load_backbone(copy)
    (copy / "backbone.onnx").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_backbone(copy)


@pytest.mark.realdata
def test_real_cracked_parts_stand_out_from_ten_good_ones(shared: Path) -> None:
    with open_eyes(load_backbone(), shrink=2) as eyes:
        shown = teach_eval.load(shared / "data" / "real", "cookie", eyes)
        rows = [teach_eval.measure(shown, eyes, {}, "cookie", "all", 10, seed) for seed in range(3)]
    assert [(row.n, row.good, row.bad) for row in rows] == [(10, 4, 24)] * 3
    assert np.mean([row.auroc for row in rows]) >= 0.95
    assert np.mean([row.hit for row in rows]) > 2 * rows[0].chance


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, into: list[object], verb: Verb) -> None:
    done = verb("model", "teach", "--good", tmp_path / "none", "--name", "x", *into)
    assert done.exit_code == 78
    assert "no such folder" in done.stderr
