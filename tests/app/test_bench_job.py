"""A package is measured on request only while no line of this PC runs, and gives way to one that starts."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from inspector.app.bench_job import BenchJob, Lines
from inspector.app.model_package import load_card
from inspector.domain.errors import BusyError
from inspector.pipeline.status import StatusFile
from tests.fakes import wait_until

NANO = "surface-nano"


@pytest.fixture
def job(tmp_path: Path, repo: Path) -> Iterator[BenchJob]:
    """Rounds without an end in sight: it must be ended."""
    lines = Lines(tmp_path / "run")
    with closing(BenchJob(repo / "models", lines=lines, station_dir=tmp_path / "left", rounds=100_000)) as job:
        yield job


def line_says(folder: Path, state: str) -> None:
    StatusFile(folder).write({"station": folder.name, "state": state})


def measuring() -> bool:
    """Whether a process of the measurement lives."""
    return any("spawn_main" in " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True))


def test_nothing_is_measured_beside_a_line_of_this_pc(job: BenchJob, tmp_path: Path) -> None:
    line_says(tmp_path / "run" / "right", "ContinuousExecution")
    assert job.hindrance() == "right"
    with pytest.raises(BusyError, match="station right runs"):
        job.start(NANO)
    assert job.running() == ""


def test_a_line_that_starts_ends_the_measurement_at_once(job: BenchJob, tmp_path: Path, repo: Path) -> None:
    job.start(NANO)
    with pytest.raises(BusyError, match="surface-nano is being measured"):
        job.start("surface-small")
    assert wait_until(measuring, 60)
    line_says(tmp_path / "run" / "left", "Ready")
    assert wait_until(lambda: job.running() == "", 20)
    (pace,) = job.benched()[load_card(repo / "models" / NANO).sha256].paces
    assert "line of station left was started" in pace.trouble
    assert pace.median_ms is None
    assert not measuring()


def test_a_station_that_ends_ends_its_measurement_and_keeps_no_figures(tmp_path: Path, repo: Path) -> None:
    with closing(BenchJob(repo / "models", lines=Lines(tmp_path), station_dir=tmp_path, rounds=100_000)) as job:
        job.start(NANO)
    assert job.running() == ""
    assert job.benched() == {}


def test_a_file_of_figures_that_is_none_is_none(job: BenchJob, tmp_path: Path) -> None:
    place = tmp_path / "left" / "cache" / "bench.json"
    place.parent.mkdir(parents=True)
    place.write_text("{")
    assert job.benched() == {}
    place.write_text(json.dumps({"ab": {"measured_utc": "2026-11-24T10:00:00Z", "paces": [{"kind": "onnx"}]}}))
    assert job.benched()["ab"].paces[0].kind == "onnx"
