"""Frames are collected from a running line to the bit, no part is lost for it, and a model is taught from them."""

import hashlib
import json
import signal
import threading
from pathlib import Path
from typing import Any

import cv2
import pytest

from inspector.app.demo.plant import STATION
from inspector.twin.pool import load_pool
from inspector.twin.settings import TwinSettings
from tests.system.bench import Bench, read_json, scene_cache, small_plant, wait_for

COUNT = 6
POOL = 16


def started(bench: Bench) -> None:
    bench.start("twin")
    wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
    bench.start("line")
    bench.line_ready()


def manifest(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def account(bench: Bench) -> dict[str, Any]:
    """Stop the belt, then the line; the book holds one Inspection for each of the PLC's parts."""
    assert bench.stop("twin") == 0
    report = read_json(bench.plant.run_dir / "twin_report.json")
    assert bench.stop("line") == 0
    proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
    assert proof.returncode == 0, proof.stdout
    assert json.loads(proof.stdout)["inspections"] == report["triggers"]
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)
    return report


@pytest.mark.timeout(600)
def test_frames_of_the_running_line_are_kept_to_the_bit_and_a_model_is_taught_from_them(tmp_path: Path) -> None:
    plant = small_plant(tmp_path, parts=0)
    into = tmp_path / "frames"
    with Bench(plant) as bench:
        started(bench)
        command = ["model", "collect", "--count", str(COUNT), "--into", str(into), "--every-part", "--json"]
        done = bench.command(*command)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["state"], told["stored"], told["folder"]) == ("done", COUNT, str(into))
        assert f"{COUNT} of {COUNT} frames stored" in done.stderr
        report = account(bench)

        kept = manifest(into)
        assert [line["file"] for line in kept] == [f"{STATION}-1-{line['part_seq']:06}.png" for line in kept]
        settings = TwinSettings(width=1024, height=768, pool=POOL, cache_dir=scene_cache(), seed=1)
        seeds = range(1, POOL + 1)
        pool = load_pool(
            settings.cache, settings.scenes, seeds, workers=0, stop=threading.Event(), on_progress=lambda *_: None
        )
        scenes = {scene.seed: scene.pixels for scene in pool}
        shown = {row["part_seq"]: row["seed"] for row in report["rows"]}
        for line in kept:
            assert hashlib.sha256((into / line["file"]).read_bytes()).hexdigest() == line["sha256"]
            pixels = cv2.imread(str(into / line["file"]), cv2.IMREAD_UNCHANGED)
            assert pixels.tobytes() == scenes[shown[line["part_seq"]]].tobytes()

        again = bench.command(*command)
        assert (again.returncode, "start it" in again.stderr) == (69, True)
        places = ["--models", str(tmp_path / "m"), "--recipes", str(tmp_path / "r")]
        taught = bench.command("model", "teach", "--good", str(into), "--name", "face", "--scale", "1/2", *places)
        assert taught.returncode == 0, taught.stderr
        assert (tmp_path / "m" / "face" / "model.onnx").is_file()


@pytest.mark.timeout(600)
def test_ctrl_c_takes_the_request_back_and_a_restart_of_the_line_ends_it(tmp_path: Path) -> None:
    plant = small_plant(tmp_path, parts=0)
    with Bench(plant) as bench:
        started(bench)
        first, second = tmp_path / "first", tmp_path / "second"
        bench.start("model collect", "--count", "900", "--into", str(first), name="collect")
        wait_for("a frame", lambda: list(first.glob("*.png")))
        collecting = bench.running.pop("collect")
        collecting.send_signal(signal.SIGINT)
        assert collecting.wait(60) == 130
        log = plant.log("collect").read_text()
        assert "withdrawn: as it was asked for; " in log
        assert f"of 900 frames are in {first}" in log

        bench.start("model collect", "--count", "900", "--into", str(second), name="again")
        wait_for("a frame", lambda: list(second.glob("*.png")))
        bench.kill("line")
        bench.start("line")
        assert bench.end("again", patience_s=120) == 75
        assert "ended: the line was started anew" in plant.log("again").read_text()
        bench.line_ready()
        account(bench)
        for folder in (first, second):
            names = {line["file"] for line in manifest(folder)}
            assert names
            for line in manifest(folder):
                assert hashlib.sha256((folder / line["file"]).read_bytes()).hexdigest() == line["sha256"]
