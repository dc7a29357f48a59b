"""inspector bench, with its real processes, on small frames."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspector.app.bench import frames, loop, measure
from inspector.app.bench.client import Measured
from inspector.app.bench.turns import Turn, take_turns
from inspector.app.cli import app
from inspector.app.service import Stop
from inspector.app.share import share_dir
from inspector.domain.errors import DeviceError

MODEL = share_dir() / "models" / "surface-small"
ECHO = """
import sys
from inspector.app.bench.serve import serve, take_stdout
channel, seen = take_stdout(), []
print("a library that chatters")
def look(number):
    if number == int(sys.argv[1]):
        raise RuntimeError("this one is too much")
    return {"frame": seen[number]}
serve(channel, {"runtime": "echo"}, load=seen.extend, look=look)
"""


def echo(tmp_path: Path, name: str, *, fails_at: int = -1) -> Measured:
    return Measured(name, [sys.executable, "-c", ECHO, str(fails_at)], log=tmp_path / f"{name}.log")


def test_our_own_runtime_is_a_worker_that_looks_at_frames_in_memory(tmp_path: Path) -> None:
    files = frames.write_parts(tmp_path, 768, 576)
    with Measured("ours", measure.worker_command(MODEL, "onnx", 1), log=tmp_path / "log") as process:
        assert process.hello["runtime"].startswith("onnxruntime")
        assert len(process.hello["sha256"]) == 64
        process.load(files)
        first, second = process.look(1, times=2)
        assert first["outcome"] == second["outcome"]
        assert first["wall_ms"] >= first["total"] >= first["infer"] > 0
        assert first["cpu_ms"] > 0
        assert process.peak_mb() > 50


def test_what_a_worker_prints_does_not_reach_the_answers(tmp_path: Path) -> None:
    with echo(tmp_path, "echo") as process:
        process.load([Path("a.npy"), Path("b.npy")])
        assert [look["frame"] for look in process.look(1, times=3)] == ["b.npy"] * 3
    assert "chatters" in (tmp_path / "echo.log").read_text()


def test_processes_take_turns_and_see_every_frame(tmp_path: Path) -> None:
    with echo(tmp_path, "a") as a, echo(tmp_path, "b") as b:
        for process in (a, b):
            process.load([Path("1.npy"), Path("2.npy")])
        said: list[str] = []
        turns = [Turn(name="a", process=a, frames=range(2), times=2), Turn(name="b", process=b, frames=[0])]
        series = take_turns(turns, 3, said.append)
    assert [look["frame"] for look in series["a"].looks] == ["1.npy", "1.npy", "2.npy", "2.npy", "1.npy", "1.npy"]
    assert [look["frame"] for look in series["b"].looks] == ["1.npy"] * 3
    assert series["a"].load.keys() == {"before", "after", "highest"}
    assert len(said) == 3


def test_one_that_fails_leaves_the_round_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    with echo(tmp_path, "bad", fails_at=1) as bad, echo(tmp_path, "good") as good:
        for process in (bad, good):
            process.load([Path("1.npy"), Path("2.npy")])
        turns = [Turn(name=p.name, process=p, frames=range(2)) for p in (bad, good)]
        series = take_turns(turns, 4, lambda _: None)
    assert len(series["bad"].looks) == 1
    assert "this one is too much" in series["bad"].trouble
    assert len(series["good"].looks) == 4


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = measure.worker_command(tmp_path / "nowhere", "onnx", 0)
    with pytest.raises(DeviceError, match="no such model package"), Measured("ours", command, log=tmp_path / "log"):
        pass


def test_a_worker_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    deaf = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with (
        pytest.raises(DeviceError, match="no answer within"),
        Measured("deaf", deaf, log=tmp_path / "log", patience_s=0.2),
    ):
        pass


def test_the_verb_measures_every_stage_and_size_and_how_much_there_is_to_see() -> None:
    done = CliRunner().invoke(
        app,
        ["bench", "--frames", "5", "--megapixels", "0.4,3", "--runtime", "onnx", "--json"],
        catch_exceptions=False,
    )
    found = json.loads(done.stdout)
    assert found["schema"] == "inspector.bench/1"
    assert [(row["runtime"], row["size"], row["frames"]) for row in found["stages"]] == [
        ("onnx", 0.4, 5),
        ("onnx", 3.0, 5),
    ]
    for row in found["stages"]:
        assert row["stages_ms"].keys() == {"optics", "preprocess", "infer", "decode", "judge", "total"}
        assert row["stages_ms"]["total"].keys() == {"count", "least", "p50", "p99", "most"}
        assert row["load"].keys() == {"before", "after", "highest"}
        assert row["peak_memory_mb"] > 0
        assert row["frames_per_s"] > 0
        assert row["cpu_ms"]["p50"] > 0
    assert [row["components"] for row in found["components"]] == [0, 10, 100, 400, 1000, 5000]
    assert found["components"][4]["outcome"] == "UNDECIDED"
    assert "too many candidates" in found["components"][4]["reason"]
    assert len(found["model"]["sha256"]) == 64
    assert found["machine"]["cpu"]


def test_the_verb_tells_a_person_the_same() -> None:
    done = CliRunner().invoke(
        app, ["bench", "--frames", "5", "--megapixels", "3", "--runtime", "onnx"], catch_exceptions=False
    )
    assert "Pixels to verdict" in done.stdout
    assert "infer" in done.stdout
    assert "too many" in done.stdout


@pytest.mark.parametrize("words", [["--megapixels", "many"], ["--megapixels", "0"], ["--runtime", "abacus"]])
def test_what_cannot_be_measured_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["bench", *words])
    assert done.exit_code == 78


def test_a_size_that_memory_does_not_allow_is_said_and_left_out(tmp_path: Path) -> None:
    order = measure.Order(model=MODEL, runtimes=("onnx",), megapixels=(0.4,), frames=5, threads=1, mb_per_mp=1e9)
    found = measure.measure(order, tmp_path, lambda _: None)
    assert found["stages"] == found["components"] == []
    assert "wants about" in found["not_measured"][0]["why"]


def test_the_whole_loop_is_run_by_real_processes_and_every_part_is_accounted_for(tmp_path: Path) -> None:
    order = loop.LoopOrder(model=MODEL, runtime="onnx", parts=12, rate=3.0, width=1024, height=768, pool=4)
    found = loop.run_loop(order, tmp_path, Stop(), lambda _: None)
    assert sum(found["verdicts"].values()) == found["parts"] == 12
    assert found["wrong_ejections"] == 0
    assert found["verdict_ms"]["count"] > 0
    assert found["memory"].keys() == {"first_mb", "last_mb", "highest_mb", "mb_per_1000_parts", "parts"}
    assert found["belt_per_s"] == 3.0
