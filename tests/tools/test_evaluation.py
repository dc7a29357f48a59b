"""The evaluation says what a map is worth, what stands behind each figure, and when a figure is a delusion."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("faster_coco_eval", reason="the workshop needs it: make workshop")
from inspector.adapters.decode_map.anomaly import AnomalyMapDecoder, AnomalyMapSettings
from inspector.app.model_package import load_card
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box
from inspector.ports.model import Tile, TileOutput
from inspector.twin.scenes import SceneSettings
from tools.data import Choice, MaskKind, Record, read
from tools.data.scenes import write_scenes
from tools.evaluation.evaluate import Question, evaluate, look_again
from tools.evaluation.figures import Table
from tools.evaluation.looking import Look, open_eye
from tools.evaluation.main import main as evaluate_pictures
from tools.evaluation.maps import anomaly_map, painted
from tools.evaluation.report import chosen, write_report
from tools.evaluation.table import make_row

LABELS = ("crack", "dent")


def record(folder: Path, name: str, *, bad: bool, kind: MaskKind = MaskKind.PIXEL) -> Record:
    mask = np.zeros((160, 160), np.uint8)
    if bad:
        mask[40:44, 40:80] = 1
    cv2.imwrite(str(folder / f"{name}.png"), np.full((160, 160), 90, np.uint8))
    cv2.imwrite(str(folder / f"{name}_mask.png"), mask)
    return Record(
        id=name,
        image=folder / f"{name}.png",
        width=160,
        height=160,
        sha256=name,
        good=not bad,
        classes=("crack",) if bad else (),
        mask_kind=kind if bad else MaskKind.GOOD,
        mask=folder / f"{name}_mask.png",
        mask_labels=LABELS,
    )


def look(given: Record, *, at: dict[tuple[int, int], float], detections: tuple[Detection, ...] = ()) -> Look:
    scores = np.full((2, 20, 20), 0.01, np.float32)
    for (row, column), score in at.items():
        scores[0, row, column] = score
    return Look(record=given, scores=scores, stride=8, detections=detections)


ON_CRACK = {(5, 5): 0.9, (5, 6): 0.8}
ELSEWHERE = {(15, 15): 0.9}


def test_a_model_that_sees_the_defect_passes_its_controls(tmp_path: Path) -> None:
    rows = [make_row(look(record(tmp_path, f"b{i}", bad=True), at=ON_CRACK), LABELS) for i in range(4)]
    rows += [make_row(look(record(tmp_path, f"g{i}", bad=False), at={}), LABELS) for i in range(4)]
    table = Table(rows, LABELS)
    got = table.figures(np.ones(8), table.points())
    assert got["image_auroc"] == 1.0
    assert got["control: auroc with the defect removed"] == 0.5
    assert got["control: strongest cell on the defect"] == 1.0
    assert got["control: the same by chance"] == pytest.approx(3 * 7 / 400)
    assert got["component recall at 0.5"] == 1.0
    assert got["recall as crack at 0.5"] == 1.0
    assert got["recall of 17-64 px at 0.5"] == 1.0
    assert np.isnan(got["recall dent at 0.5"])


def test_a_model_that_sees_something_else_in_bad_pictures_is_found_out_by_its_controls(tmp_path: Path) -> None:
    rows = [make_row(look(record(tmp_path, f"b{i}", bad=True), at=ELSEWHERE), LABELS) for i in range(4)]
    rows += [make_row(look(record(tmp_path, f"g{i}", bad=False), at={}), LABELS) for i in range(4)]
    table = Table(rows, LABELS)
    got = table.figures(np.ones(8), table.points())
    assert got["image_auroc"] == 1.0
    assert got["control: auroc with the defect removed"] == 1.0
    assert got["control: strongest cell on the defect"] == 0.0
    assert got["component recall at 0.5"] == 0.0
    assert got["component precision at 0.5"] == 0.0


def test_the_threshold_for_a_tenth_of_a_false_piece_a_megapixel_lies_above_the_goods(tmp_path: Path) -> None:
    rows = [make_row(look(record(tmp_path, f"b{i}", bad=True), at=ON_CRACK), LABELS) for i in range(2)]
    rows += [make_row(look(record(tmp_path, f"g{i}", bad=False), at={(2, 2): 0.85}), LABELS) for i in range(2)]
    points = {point.name: point.threshold for point in Table(rows, LABELS).points()}
    assert 0.85 < points["at <= 0.1 false/MP"] < 0.9


def test_boxes_without_pixels_are_left_out_of_what_is_counted_by_cell(tmp_path: Path) -> None:
    row = make_row(look(record(tmp_path, "b", bad=True, kind=MaskKind.BOXES), at=ON_CRACK), LABELS)
    assert not row.known
    assert row.defects_s.sum() == 0
    assert row.pixels_bad_l.sum() == 0
    assert row.boxes.truth
    assert row.hit == 1.0


def test_a_model_without_a_map_is_judged_by_its_painted_boxes(tmp_path: Path) -> None:
    given = record(tmp_path, "b", bad=True)
    seen = Detection(
        label="dent",
        score=0.7,
        box=Box(x=38, y=38, width=44, height=8),
        length_px=0,
        width_px=0,
        area_px=0,
    )
    cells = painted([seen], LABELS, 160, 160)
    assert cells.shape == (2, 20, 20)
    assert cells[1, 5, 5] == np.float32(0.7)
    assert cells[0].max() == 0
    row = make_row(Look(record=given, scores=cells, stride=8, detections=(seen,)), LABELS)
    assert row.rights.tolist() == [True]
    assert row.found_tc[40].tolist() == [1, 0]
    assert row.same_tc[40].tolist() == [0, 0]


def test_an_anomaly_map_is_read_as_the_lines_decoder_reads_it(repo: Path) -> None:
    plain = load_card(repo / "models/surface-small")
    card = replace(
        plain,
        task="anomaly",
        labels=("anomaly",),
        output=replace(plain.output, stride=16, dtype="float32"),
        decoder_settings={"values": "ratio", "edge_gain": (0.0, 0.5)},
        candidate_score=0.001,
    )
    settings = AnomalyMapSettings(**card.decoder_settings)
    values = np.random.default_rng(3).gamma(2.0, 0.3, (1, 1, 10, 12)).astype(np.float32)
    keep = Box(x=0, y=0, width=384, height=320)
    whole = Tile(x=0, y=0, width=192, height=160, keep=keep, scale_x=0.5, scale_y=0.5)
    output = TileOutput(tile=whole, arrays=(values,))
    scores = anomaly_map(card, [output], 320, 384)
    assert scores.shape == (1, 40, 48)
    strongest = AnomalyMapDecoder(settings, card).decode([output], np.zeros((320, 384), np.uint8))[0]
    assert float(scores.max()) == pytest.approx(strongest.score, abs=1e-6)
    assert scores[0, :4].max() == 0.0
    row, column = np.unravel_index(int(scores[0].argmax()), scores.shape[1:])
    assert strongest.box.x <= column * 8 < strongest.box.right
    assert strongest.box.y <= row * 8 < strongest.box.bottom


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, range(5000, 5016), SceneSettings(width=512, height=512, defect_rate=0.5), split="test")
    return folder


def test_the_shipped_model_is_evaluated_through_the_lines_own_detector(scenes: Path, repo: Path) -> None:
    question = Question(
        model=repo / "models/surface-small", data=scenes, choice=Choice(), rename={}, resamples=20, seed=7
    )
    found = evaluate(question)
    document = json.loads(json.dumps(found.document, allow_nan=False))
    assert document["model"]["output_dtype"] == "uint8"
    assert document["counts"]["good"] + document["counts"]["bad"] == 16
    assert document["figures"]["image_auroc"]["value"] > 0.9
    assert document["figures"]["control: strongest cell on the defect"]["value"] > 0.8
    assert document["bootstrap"]["seed"] == 7
    assert evaluate(question).document == found.document
    page = scenes / "report.html"
    write_report(page, found, look_again(question, chosen(found.table)))
    html = page.read_text()
    assert html.count("<svg") == 4
    assert html.count("data:image/jpeg;base64,") == 16
    assert not re.search(r"(src|href)='(?!data:)", html)


def test_the_map_pasted_here_is_the_map_that_the_decoder_reads(scenes: Path, repo: Path) -> None:
    with open_eye(repo / "models/surface-small") as eye:
        bad = [given for given in read(scenes).records if not given.good]
        for given in bad:
            seen = eye.look(given)
            if seen.detections:
                assert seen.detections[0].score == pytest.approx(float(seen.scores.max()), abs=1e-6)


def test_one_command_evaluates_and_a_wrong_split_is_a_clear_answer(
    scenes: Path, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(repo / "models/surface-small"), "--data", str(scenes)]
    evaluate_pictures([*model, "--resamples", "3", "--json"])
    assert json.loads(capsys.readouterr().out)["schema"] == "inspector.evaluation/1"
    with pytest.raises(SystemExit) as ended:
        evaluate_pictures([*model, "--split", "nowhere"])
    assert ended.value.code == 78
    assert "no usable picture is among those chosen" in capsys.readouterr().err


def test_the_workshops_one_evaluate_command_knows_both_kinds_of_question(repo: Path) -> None:
    command = [sys.executable, "-m", "tools.evaluate", "--model", "m", "--data", "nowhere"]
    got = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert got.returncode == 78
    assert "nowhere: no such folder" in got.stderr


def test_folds_are_each_looked_at_by_their_own_model_and_pooled(scenes: Path, repo: Path, tmp_path: Path) -> None:
    for fold in "01":
        (tmp_path / f"net-{fold}").symlink_to(repo / "models/surface-small")
    records = read(scenes).records
    sides = {given.image: str(number % 2) for number, given in enumerate(records)}
    question = Question(
        model=tmp_path / "net-{fold}",
        data=scenes,
        choice=Choice(),
        rename={},
        resamples=2,
        sides=sides,
        folds=True,
    )
    found = evaluate(question)
    assert found.document["data"]["splits"] == ["0", "1"]
    assert found.document["counts"]["good"] + found.document["counts"]["bad"] == 16


def test_thresholds_cannot_be_fitted_where_no_good_picture_is(scenes: Path, repo: Path) -> None:
    question = Question(
        model=repo / "models/surface-small",
        data=scenes,
        choice=Choice(splits=("test",)),
        fit="train",
        rename={},
        resamples=1,
    )
    with pytest.raises(ConfigError, match="no usable picture"):
        evaluate(question)
