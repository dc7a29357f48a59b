"""`runtime.kind = "auto"`: measured once, taken only if it answers as the reference does, and never a line's end."""

import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.app import build, plugins, settings
from inspector.app.parts import Parts, check_parts
from inspector.app.runtime_choice import choice, trial
from inspector.app.runtime_choice.candidates import AUTO, REFERENCE, AutoSettings
from inspector.app.runtime_choice.trial import Order, Shown, Trial
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PixelFormat
from inspector.ports.plugin import Context, Plugin
from inspector.twin.scenes import SceneSettings, render

SHOWN = Shown(height=256, width=320, pixel_format=PixelFormat.MONO8)
GO = threading.Event()
"""Never set: nobody stops these trials."""
UNDER_MDWE = """
import ctypes, json, sys, threading
from pathlib import Path
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    raise SystemExit(9)
from inspector.app import settings
from inspector.app.parts import check_parts
from inspector.app.runtime_choice import choice
from inspector.app.runtime_choice.trial import Shown
from inspector.domain.frame import PixelFormat
if __name__ == "__main__":
    parts = check_parts(settings.load(Path(sys.argv[1]), "left"))
    shown = Shown(height=256, width=320, pixel_format=PixelFormat.MONO8)
    chosen = choice.choose(parts, shown, threading.Event())
    print(json.dumps({name: choice.as_json(one) for name, one in chosen.items()}))
"""


@pytest.fixture
def parts(config: Path, tmp_path: Path) -> Parts:
    """The shipped station with a folder of one picture; its runtime is not set, so it is chosen."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "part.png"), render(8000, SceneSettings(width=320, height=256)).pixels)
    path = config / "stations" / "left.toml"
    text = path.read_text(encoding="utf-8").replace("/srv/inspector/left", str(pictures))
    text = text.replace('mode = "watch"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    path.write_text(text + f'\n[runtime]\nkind = "{AUTO}"\nthreads = 1\n', encoding="utf-8")
    return check_parts(settings.load(config, "left"))


def order(parts: Parts, runtimes: dict[str, Any]) -> Order:
    return Order(package=parts.card.path.parent, runtimes=runtimes, shown=SHOWN, context=parts.context)


def test_every_installed_runtime_is_a_candidate_and_the_reference_is_the_first(parts: Parts) -> None:
    assert next(iter(parts.runtimes)) == REFERENCE
    assert set(parts.runtimes) == set(plugins.names("runtime"))
    assert {own.threads for _, own in parts.runtimes.values()} == {1}  # type: ignore[attr-defined]


def test_all_are_measured_side_by_side_and_the_measurement_is_remembered(parts: Parts) -> None:
    (first,) = choice.choose(parts, SHOWN, GO).values()
    assert first.measured
    assert {one.kind for one in first.trials} == set(parts.runtimes)
    assert not any(one.trouble for one in first.trials)
    assert all(0 < one.min_ms <= one.median_ms for one in first.trials)
    assert first.kind in parts.runtimes
    assert f"{first.kind} (chosen)" in first.words
    (again,) = choice.choose(parts, SHOWN, GO).values()
    assert (again.kind, again.trials, again.measured) == (first.kind, first.trials, False)
    (other,) = choice.choose(parts, Shown(height=128, width=320, pixel_format=PixelFormat.MONO8), GO).values()
    assert other.measured
    (entry, _) = choice.remembered(parts).values()
    assert {"cpu", "model", "frame", "code", *parts.runtimes} == entry.of.keys()


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": {"kind": 1}}', b"\xff\xfe"])
def test_a_file_that_is_not_ours_is_forgotten(parts: Parts, content: bytes) -> None:
    path = choice.file_of(parts)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert choice.remembered(parts) == {}


def test_a_folder_that_cannot_be_written_costs_a_measurement_each_start_and_nothing_else(parts: Parts) -> None:
    choice.file_of(parts).parent.parent.mkdir(parents=True)
    choice.file_of(parts).parent.write_text("a file where the folder should be")
    (first,) = choice.choose(parts, SHOWN, GO).values()
    assert first.measured
    assert first.kind in parts.runtimes


def test_a_runtime_that_is_set_is_taken_without_measuring(config: Path, parts: Parts) -> None:
    path = config / "stations" / "left.toml"
    path.write_text(path.read_text().replace(f'kind = "{AUTO}"', 'kind = "openvino"'))
    (chosen,) = choice.choose(check_parts(settings.load(config, "left")), SHOWN, GO).values()
    assert (chosen.kind, chosen.measured, chosen.trials) == ("openvino", False, ())


@pytest.mark.parametrize(
    ("key", "told"), [("threads = 65", "runtime.threads = 65"), ("spinning = true", "runtime.spinning")]
)
def test_a_wrong_key_beside_auto_is_told(config: Path, parts: Parts, key: str, told: str) -> None:
    path = config / "stations" / "left.toml"
    path.write_text(path.read_text().replace("threads = 1", key))
    with pytest.raises(ConfigError, match=told):
        check_parts(settings.load(config, "left"))


def test_a_trial_that_cannot_find_a_runtime_s_settings_or_ends_early_is_trouble_for_all(parts: Parts) -> None:
    trials = trial.run(order(parts, {"onnx": {"no_such_key": 1}, "openvino": {}}), stop=GO)
    assert [one.kind for one in trials] == ["onnx", "openvino"]
    assert all("exit code 1" in one.trouble for one in trials)
    assert trial.best(trials, margin=0.0) == "onnx"


def test_a_trial_that_hangs_is_ended(parts: Parts) -> None:
    trials = trial.run(order(parts, {"onnx": {"threads": 1}}), stop=GO, limit_s=0.0)
    assert "longer than 0 s" in trials[0].trouble


def test_a_line_that_is_stopped_does_not_wait_for_its_trial_and_remembers_nothing(parts: Parts) -> None:
    stop = threading.Event()
    stop.set()
    (chosen,) = choice.choose(parts, SHOWN, stop).values()
    assert (chosen.kind, {one.trouble for one in chosen.trials}) == (REFERENCE, {"stopped"})
    assert choice.remembered(parts) == {}


def test_the_sample_shows_what_auto_takes(repo: Path) -> None:
    table = tomllib.loads((repo / "config" / "samples" / "runtime_auto.toml").read_text())
    assert table["runtime"].pop("kind") == AUTO
    AutoSettings(**table["runtime"])
    settings.StationTable(**table["station"])


def test_a_runtime_that_answers_otherwise_is_never_taken() -> None:
    assert trial.best([of("onnx", 40), of("openvino", 10, "answers up to 9 steps")], margin=0.03) == "onnx"
    assert trial.best([of("onnx", 40), of("openvino", 39.5)], margin=0.03) == "onnx"
    assert trial.best([of("onnx", 40), of("openvino", 38)], margin=0.03) == "openvino"
    assert trial.best([of("onnx", 0, "broken"), of("openvino", 38)], margin=0.03) == "openvino"
    assert trial.best([of("onnx", 0, "broken"), of("openvino", 0, "broken too")], margin=0.03) == "onnx"


def of(kind: str, median_ms: float, trouble: str = "") -> Trial:
    return Trial(kind=kind, median_ms=median_ms, min_ms=median_ms, trouble=trouble)


def test_what_rounding_makes_is_no_difference_and_what_it_does_not_make_is() -> None:
    wanted = np.arange(1000, dtype=np.uint8)
    near = wanted.copy()
    near[5] += 2
    assert trial.apart(near, wanted) == ""
    near[5] += 1
    assert "up to 3 steps" in trial.apart(near, wanted)
    many = wanted.copy()
    many[:20] += 1
    assert "2.00% of them others" in trial.apart(many, wanted)
    assert "where the reference answers" in trial.apart(wanted[:10], wanted)
    scores = np.linspace(0, 1, 50, dtype=np.float32)
    assert trial.apart(scores + np.float32(0.009), scores) == ""
    assert "over 0.01" in trial.apart(scores + np.float32(0.02), scores)
    assert trial.apart(scores[:0], scores[:0]) == ""


@pytest.mark.parametrize("pixel_format", [PixelFormat.MONO8, PixelFormat.BGR8, PixelFormat.BAYER_RG8])
def test_the_pictures_of_a_trial_are_the_same_for_the_same_seed(pixel_format: PixelFormat) -> None:
    one, same, other = (trial.picture(seed, 700, 530, pixel_format) for seed in (1, 1, 2))
    assert one.shape[:2] == (700, 530)
    assert (one.ndim == 3) == (pixel_format is PixelFormat.BGR8)
    assert (one == same).all()
    assert (one != other).any()


def test_the_line_says_in_its_status_and_records_what_it_runs_on(parts: Parts) -> None:
    with build.open_line(parts, threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    status = json.loads((parts.run_dir / "status.json").read_text())
    (chosen,) = (one for one in choice.remembered(parts).values())
    kind = trial.best(chosen.trials, margin=choice.MARGIN)
    assert f"{kind} (chosen)" in status["model"]["runtime_choice"]
    assert status["model"]["runtime"].startswith({"onnx": "onnxruntime", "openvino": "openvino"}[kind])


def test_a_choice_that_does_not_open_any_more_falls_back_to_the_reference(parts: Parts) -> None:
    """The measurement says OpenVINO; since then its extra broke (here: a setting that it refuses at start)."""
    choice.choose(parts, SHOWN, GO)
    (key, entry) = next(iter(choice.remembered(parts).items()))
    fast = tuple(of(one.kind, 1.0 if one.kind == "openvino" else 9.0) for one in entry.trials)
    faster = entry.model_copy(update={"trials": fast})
    choice.file_of(parts).write_text(json.dumps({key: faster.model_dump(mode="json")}))
    broken = {**parts.runtimes, "openvino": (breaking(), parts.runtimes["openvino"][1])}
    with build.open_line(replace(parts, runtimes=broken), threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    told = json.loads((parts.run_dir / "status.json").read_text())["model"]
    assert told["runtime"].startswith("onnxruntime")
    assert "fell back" in told["runtime_choice"]
    assert "no such processor" in told["runtime_choice"]


def breaking() -> Plugin:
    known = plugins.find("runtime", "openvino", where="here", key="runtime")

    @contextmanager
    def open_broken(*_: Any) -> Iterator[None]:
        raise ConfigError("openvino: no such processor")
        yield

    return Plugin(settings_model=known.settings_model, open=open_broken, vendor=known.vendor)


def test_under_the_units_hardening_the_line_says_so_and_runs_on_the_reference(config: Path, parts: Parts) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_MDWE, str(config)], capture_output=True, text=True, check=False, env=os.environ
    )
    if done.returncode == 9:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3 has)")
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout.splitlines()[-1]).values()
    assert told["kind"] == "onnx"
    assert "MemoryDenyWriteExecute" in told["why"]


@pytest.mark.usefixtures("parts")
def test_a_trials_process_that_crashes_takes_only_the_trial_with_it(parts: Parts) -> None:
    crashing = Order(
        package=parts.card.path.parent,
        runtimes={"onnx": {"threads": 1}},
        shown=SHOWN,
        context=Crash(station="s", data_dir="", run_dir=""),
    )
    (only,) = trial.run(crashing, stop=GO)
    assert only.trouble == f"the trial ended with exit code {-signal.SIGABRT}"


class Crash(Context):
    """Ends the process where it arrives, as a library made for another processor does."""

    def __reduce__(self) -> Any:
        return os.abort, ()
