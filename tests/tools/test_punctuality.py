"""The tool that measures the loop runs each of its ways and counts what it shows."""

import json
import sys
from pathlib import Path

import pytest

from tools import punctuality


def test_every_way_differs_from_the_lines_own_in_what_its_name_says() -> None:
    named = {way.name: way for way in punctuality.ways([1, 3], priority=7)}
    assert [named[f"handoff depth {depth}"].depth for depth in (1, 3)] == [1, 3]
    assert not named["collector and switches as Python has them"].steady
    assert named["both"].locked
    assert named["both"].priority == named["real-time priority 7"].priority == 7


def test_a_short_run_counts_every_frame_once(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = repo / "models" / "surface-small"
    setup = punctuality.Setup(package=package, runtime="onnx", pitch_s=0.4, seconds=1.0, neighbour=True)
    run = punctuality._judge(setup, punctuality.Way(name="x"))
    assert run.frames >= 2
    assert 0 <= run.overruns < run.frames
    assert 0 < run.p50_ms <= run.p99_ms <= run.max_ms
    words = f"x --package {package} --seconds 0.5 --pitch-ms 400 --rounds 0 --json"
    monkeypatch.setattr(sys, "argv", words.split())
    punctuality.main()
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_rounds_are_summed_a_way_at_a_time() -> None:
    runs = [
        {"way": {"name": "a"}, "frames": 10, "overruns": over, "p50_ms": p50, "p99_ms": 9.0, "max_ms": most}
        for over, p50, most in ((1, 4.0, 20.0), (0, 6.0, 30.0))
    ]
    assert punctuality.summed(runs) == [
        {"name": "a", "frames": 20, "overruns": 1, "p50_ms": 5.0, "p99_ms": 9.0, "max_ms": 30.0}
    ]
