"""The comparison with other software: what it draws, what it says, and that no failure counts as the same."""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.model_graphs import spotter
from tools.peer_parity import page, pictures
from tools.peer_parity.__main__ import measured
from tools.peer_parity.compare import DIFFERS, FEW, NONE, Result, imported
from tools.peer_parity.environments import PACKAGES, TORCH, Environment, PeerError, run
from tools.peer_parity.peers import PEERS, Order, Peer

NAMES = {"names": "{0: 'line', 1: 'spot', 2: 'tile'}", "imgsz": "[64, 64]", "task": "detect", "stride": "32"}
YOLO = PEERS[0]


def test_the_drawn_pictures_are_the_same_each_time_and_their_truth_is_where_the_things_are(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        pictures.draw(tmp_path / folder)
    first = tmp_path / "a" / "images" / "odd" / "000.png"
    assert first.read_bytes() == (tmp_path / "b" / "images" / "odd" / "000.png").read_bytes()
    image = cv2.imread(str(first))
    assert image is not None
    boxes, kinds = pictures.boxes(tmp_path / "a" / "labels" / "odd" / "000.txt", *image.shape[:2])
    assert len(boxes) == len(kinds) >= 3
    for left, top, right, bottom in boxes:
        inside = image[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        assert np.ptp(inside.astype(int), axis=(0, 1)).max() > 60
    empty = (tmp_path / "a" / "labels" / "good" / "000.txt").read_text()
    assert empty == ""


def reference(tmp_path: Path, label: str) -> Path:
    """A red block on black, and a prediction of it."""
    image = np.zeros((96, 128, 3), np.uint8)
    image[32:64, 48:96] = (0, 0, 250)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    path = tmp_path / "model.json"
    seen = {"label": label, "score": 250 / 255, "box": [48, 32, 96, 64]}
    path.write_text(json.dumps({"images": [{"file": "a.png", "detections": [seen]}]}))
    return path


def test_too_few_boxes_are_said_and_a_difference_is_told_in_the_imports_words(tmp_path: Path) -> None:
    graph = spotter(tmp_path / "model.onnx", classes=3, metadata=NAMES)
    few = imported(YOLO, tmp_path / "models", graph, reference(tmp_path, "line"), versions="v")
    assert (few.verdict, few.boxes, few.pictures) == (FEW, 1, 1)
    assert few.least_iou is not None
    assert few.least_iou > 0.99
    other = imported(YOLO, tmp_path / "models", graph, reference(tmp_path, "spot"), versions="v")
    assert (other.verdict, other.least_iou) == (DIFFERS, None)
    assert "are the labels in the model's order?" in other.reason


def test_a_peers_command_that_fails_or_hangs_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"ended with 3\nno such package"):
        run([sys.executable, "-c", "print('no such package'); raise SystemExit(3)"], folder=tmp_path, minutes=1)
    with pytest.raises(PeerError, match="took longer than"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], folder=tmp_path, minutes=0.01)


def installed(work: Path, *families: str) -> None:
    """Environments that count as whole, so that nothing is fetched."""
    torch = work / "environments" / "torch"
    for name, packages, seen in (
        ("torch", TORCH, ()),
        *((family, PACKAGES[family], (torch / "lib" / "python3" / "site-packages",)) for family in families),
    ):
        (work / "environments" / name / "lib" / "python3" / "site-packages").mkdir(parents=True)
        stamp = work / "environments" / name / "installed.json"
        stamp.write_text(json.dumps([*packages, *map(str, seen)]), encoding="utf-8")


def test_a_peer_that_cannot_be_measured_does_not_keep_another_family_from_it(tmp_path: Path) -> None:
    installed(tmp_path, "ultralytics", "torchvision")

    def fails(_: Environment, __: Order) -> tuple[Path, Path]:
        raise PeerError("no weights came of it")

    def sees(place: Environment, order: Order) -> tuple[Path, Path]:
        own = order.work / place.python.parent.parent.name  # families work at the same time
        own.mkdir(exist_ok=True)
        return spotter(own / "model.onnx", classes=3, metadata=NAMES), reference(own, "line")

    peers = [
        Peer(name="a", family="ultralytics", says="A", made=fails),
        Peer(name="b", family="torchvision", says="B", made=sees),
        Peer(name="c", family="ultralytics", says="C", made=sees),
    ]
    found = {result.peer: result for result in measured(peers, tmp_path, minutes=1.0, jobs=2)}
    assert {name: result.verdict for name, result in found.items()} == {"a": NONE, "b": FEW, "c": FEW}
    assert found["a"].reason == "no weights came of it"


def test_a_fault_of_the_comparison_itself_is_raised_and_not_waited_for(tmp_path: Path) -> None:
    installed(tmp_path, "ultralytics")

    def broken(_: Environment, __: Order) -> tuple[Path, Path]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(measured([Peer(name="a", family="ultralytics", says="A", made=broken)], tmp_path, minutes=1.0, jobs=1))


def row(peer: str, **figures: Any) -> dict[str, Any]:
    return Result(peer=peer, says=peer.upper(), versions="v 1", runtime="r", **figures).as_json()


def test_the_page_shows_figures_where_there_are_some_and_reasons_where_not() -> None:
    same = row("a", pictures=20, boxes=65, least_iou=0.99998, largest_score_difference=4.9e-7, verdict="same")
    none = row("b", verdict=NONE, reason="b: cannot be installed\nmore")
    lines = list(page.table([same, none]))
    assert lines[2] == "| A | v 1 | 20 | 65 | 0.99998 | 4.9e-07 |  | same |"
    assert lines[3].endswith(f"| {NONE}: b: cannot be installed |")


def test_a_new_result_takes_the_place_of_an_old_one_of_the_same_peer() -> None:
    old = [row("a", verdict=NONE), row("b", verdict="same")]
    assert [one["verdict"] for one in page.merged(old, [row("a", verdict="same")], ["b", "a", "c"])] == ["same", "same"]


def test_the_page_is_what_the_results_say() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.read())
