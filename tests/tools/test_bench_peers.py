"""The comparison with what people run today: its pure parts, and a quick run of ours alone."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from inspector.app.bench.turns import Series
from inspector.domain.errors import ConfigError
from tools import bench_peers, performance_page
from tools.bench import peer_worker, told
from tools.bench.environments import Environments
from tools.bench.peers import ANCHOR, PEERS, TUNED, Contender
from tools.bench.rows import Measurement, rows_of, tuned_of, with_recall

OURS_SHA = "ab" * 32


def measurement(name: str, wall_ms: float, *, share: int = 1, sha256: str = "", trouble: str = "") -> Measurement:
    looks = [{"wall_ms": wall_ms + wobble, "cpu_ms": 2 * wall_ms} for wobble in (-0.1, 0.0, 0.1)]
    series = Series(looks=[] if trouble else looks, loads=[1.0, 3.0, 2.0])
    row = Contender(
        name=name, what=f"what {name} does", command=(), share=share, sha256=sha256, package="p" * bool(sha256)
    )
    return Measurement(contender=row, series=series, hello={"versions": {"onnxruntime": "1"}}, trouble=trouble)


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return rows_of(
        [
            measurement(ANCHOR, 2000.0),
            measurement("tuned-f32", 1000.0),
            measurement("tuned-int8", 500.0),
            measurement("efficientad", 100.0, share=48),
            measurement("broken", 0.0, trouble="it is not installed"),
            measurement("ours onnx", 20.0, sha256=OURS_SHA),
        ]
    )


def test_ratios_are_taken_to_sahi_and_to_the_fastest_tuned_peer(rows: list[dict[str, Any]]) -> None:
    assert tuned_of(rows) == "tuned-int8"
    ours = rows[-1]
    assert ours["times_faster_than_sahi"] == 100.0
    assert ours["times_less_cpu_than_sahi"] == 100.0
    assert ours["times_faster_than_tuned"] == 25.0
    assert rows[0]["times_faster_than_sahi"] == 1.0


def test_a_peer_that_looks_at_a_share_of_its_tiles_is_computed_and_says_so(rows: list[dict[str, Any]]) -> None:
    assert rows[3]["wall_ms"]["p50"] == 4800.0
    assert rows[3]["looked_at"] == "1 of 48 tiles, the rest computed"


def test_what_failed_is_a_row_with_its_reason_and_no_figure(rows: list[dict[str, Any]]) -> None:
    assert rows[4]["trouble"] == "it is not installed"
    assert "wall_ms" not in rows[4]


def test_without_sahi_in_the_run_there_is_no_ratio() -> None:
    assert rows_of([measurement("ours", 20.0, sha256=OURS_SHA)])[0]["times_faster_than_sahi"] is None


def test_recall_stands_beside_the_file_that_was_timed_and_nowhere_else(rows: list[dict[str, Any]]) -> None:
    widths = {width: {"recall": 0.5 + int(width) / 10} for width in ("1", "2", "3")}
    with_recall(rows, {OURS_SHA: {"package": {"widths": widths, "false_alarms_per_mp": 0.01}}})
    assert rows[-1]["recall"] == {"1": 0.6, "2": 0.7, "3": 0.8}
    assert told.recall(rows[-1]) == "0.600 / 0.700 / 0.800"
    assert told.recall(rows[0]) == "cost only"


def test_slices_are_as_many_as_sahis_and_cover_the_frame() -> None:
    places = peer_worker.slices(3000, 4096)
    assert len(places) == 48
    seen = np.zeros((3000, 4096), np.bool_)
    for x, y in places:
        seen[y : y + 640, x : x + 640] = True
    assert seen.all()


def test_tiles_cover_a_frame_whose_sides_are_no_multiple() -> None:
    tiles = list(peer_worker.tiles(np.zeros((3000, 4096), np.uint8)))
    assert len(tiles) == 192
    assert {tile.shape for tile in tiles} == {(256, 256)}


def test_a_raw_head_is_read_and_boxes_of_two_slices_are_merged() -> None:
    raw = np.zeros((1, 6, 3), np.float32)
    raw[0, :, 0] = (50, 60, 20, 10, 0.9, 0.1)
    raw[0, :, 1] = (50, 60, 20, 10, 0.2, 0.1)
    boxes, scores = peer_worker.detections(raw, (512, 0))
    assert boxes.tolist() == [[552.0, 55.0, 20.0, 10.0]]
    assert scores.tolist() == pytest.approx([0.9])
    assert peer_worker.merged([(boxes, scores), (boxes + 1, scores)]) == 1
    assert peer_worker.merged([(boxes[:0], scores[:0])]) == 0


def test_the_catalogue_has_what_was_promised() -> None:
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    wanted = {
        ANCHOR,
        *TUNED,
        "sahi-yolo11n",
        "supervision",
        "opencv",
        "whole-640",
        "whole-1280",
        "padim",
        "efficientad",
    }
    assert wanted == set(names)


def test_an_environment_that_cannot_be_made_is_an_error_with_its_words(tmp_path: Path) -> None:
    environments = Environments(tmp_path, lambda _: None)
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo" / "complete").touch()  # as if it were there: its commands are not
    with pytest.raises(ConfigError, match="not whole"):
        environments.yolo_graph("yolov8n", 640)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    words = ["--quick", "--peers", "ours", "--megapixels", "1", "--work", str(tmp_path_factory.mktemp("peers"))]
    return bench_peers.compare(bench_peers.parser().parse_args(words))


def test_a_quick_run_of_ours_gives_speed_and_recall_of_one_file(quick: dict[str, Any]) -> None:
    assert json.loads(json.dumps(quick)) == quick
    first = quick["rows"][0]
    assert first["looks"] == 6
    assert first["trouble"] == ""
    assert first["recall"].keys() == {"1", "2", "3"}
    assert quick["recall"][0]["package"]["sha256"] == first["sha256"]


def test_a_person_sees_a_table_of_it(quick: dict[str, Any]) -> None:
    screen = io.StringIO()
    told.show(Console(width=160, file=screen), quick)
    text = screen.getvalue()
    assert "surface-small onnx" in text
    assert quick["rows"][0]["sha256"] in text


def test_the_page_is_made_of_what_was_measured_and_says_what_was_not(quick: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "peers.json").write_text(json.dumps(quick))
    text = performance_page.page(performance_page.documents(tmp_path))
    row = quick["rows"][0]
    assert f"{row['cpu_ms']['p50']:.1f}" in text
    assert row["sha256"] in text
    assert quick["machine"]["cpu"] in text
    assert text.count("Not measured yet.") == len(performance_page.SCHEMAS) - 1


def test_the_page_in_the_repository_is_the_one_its_measurements_make() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert (docs / "performance.md").read_text() == performance_page.page(
        performance_page.documents(docs / "performance")
    )


def test_a_busy_machine_is_named_on_the_page() -> None:
    assert "busy" in performance_page.quietness([{"before": 1.0, "after": 9.0, "highest": 9.0}], cores=2)
    assert "quiet" in performance_page.quietness([{"before": 0.2, "after": 1.9, "highest": 1.9}], cores=2)


def test_a_measurement_of_another_shape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps({"schema": "inspector.bench/0"}))
    with pytest.raises(ConfigError, match="measure again"):
        performance_page.documents(tmp_path)
