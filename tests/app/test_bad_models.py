"""A graph that cannot run, or is not what its card says, is refused by every verb in one sentence, before a line stops.

What is wrong with a file is told by the runtime's own tests; here it is what a person sees who typed the command.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.app.conftest import Verb
from tests.graphs import graph

Edit = Callable[[str, str, str], Path]


def built(path: Path, *, op: str = "Add", domain: str = "", opset: int = 17, external: bool = False) -> Path:
    """A picture in, a picture out: whole but for what is asked for."""
    shape = [1, 3, 64, 64]
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node(op, ["images", "w"], ["o"], domain=domain)],
            "g",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("o", TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(np.zeros(shape, np.float32), "w")],
        ),
        opset_imports=[helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])],
        ir_version=9,
    )
    onnx.save(made, str(path), save_as_external_data=external, location="w.bin", size_threshold=0)
    return path


def truncated(path: Path) -> Path:
    whole = built(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def weightless(path: Path) -> Path:
    built(path, external=True)
    path.with_name("w.bin").unlink()
    return path


def free_rank(path: Path) -> Path:
    entry = helper.make_tensor_value_info("images", TensorProto.FLOAT, None)
    out = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    made = helper.make_graph([helper.make_node("Identity", ["images"], ["o"])], "g", [entry], [out])
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "truncated": (truncated, "no whole ONNX file"),
    "custom operator": (lambda path: built(path, op="Sharpen", domain="acme"), "does not have: acme.Sharpen"),
    "free rank": (free_rank, "its rank is free"),
    "external data missing": (weightless, "weights are in w.bin, which is not beside it"),
    "opset too new": (lambda path: built(path, opset=99), "opset 99 is newer"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_import_says_what_is_wrong_and_leaves_nothing(what: str, tmp_path: Path, verb: Verb) -> None:
    build, message = BROKEN[what]
    source = build(tmp_path / "best.onnx")
    models = tmp_path / "packages"
    done = verb("model", "import", source, "--name", "m", "--models", models, "--yes", "--labels", "a")
    assert done.exit_code == 78, done.output
    assert message in done.stderr
    assert "best.onnx" in done.stderr
    assert "Traceback" not in done.output
    assert not models.exists() or list(models.iterdir()) == []


CARD = """\
schema = "inspector.card/1"
[model]
name = "m"
version = "1"
task = "segmentation"
sha256 = "{sha256}"
licence = "CC0-1.0"
labels = {labels}
[input]
name = "image"
dtype = "{dtype}"
channels = 1
multiple = 32
[output]
name = "logits"
dtype = "uint8"
stride = 8
scale = 0.1
zero_point = 128
[decoder]
kind = "segmentation"
candidate_score = 0.3
halo_px = 64
"""

LIES: dict[str, tuple[Callable[[Path], Any], dict[str, str], str]] = {
    "truncated": (lambda path: path.write_bytes(graph(path).read_bytes()[:200]), {}, "no whole ONNX file"),
    "labels": (graph, {}, "4 labels, but the graph gives 2 channels"),
    "input": (graph, {"dtype": "float32"}, "input.dtype = 'float32', but the graph has uint8"),
    "free rank": (free_rank, {}, "does not match its card"),
    "opset too new": (lambda path: built(path, opset=99), {}, "opset 99 is newer than"),
    "custom operator": (lambda path: built(path, op="Sharpen", domain="acme"), {}, "does not have: acme.Sharpen"),
    "external data missing": (weightless, {}, "weights are in w.bin, which is not beside it"),
}


@pytest.mark.parametrize("what", LIES)
def test_check_and_line_refuse_a_package_that_is_not_what_its_card_says(
    what: str, config: Path, tmp_path: Path, verb: Verb, edit: Edit
) -> None:
    build, said, message = LIES[what]
    (tmp_path / "models").unlink()
    package = tmp_path / "models" / "m"
    package.mkdir(parents=True)
    build(package / "model.onnx")
    sha256 = hashlib.sha256((package / "model.onnx").read_bytes()).hexdigest()
    values = {"labels": '["crack", "scratch", "dent", "stain"]', "dtype": "uint8", "sha256": sha256} | said
    (package / "card.toml").write_text(CARD.format(**values))
    edit("stations/left.toml", 'model = "surface-small"', 'model = "m"')
    edit("recipes/critical.toml", 'model = "surface-small"', 'model = "m"')
    checked = verb("check", "--config", config, "--station", "left")
    assert checked.exit_code == 78, checked.output
    assert message in checked.stderr
    assert "model.onnx" in checked.stderr
    assert "Traceback" not in checked.output
    if what in {"labels", "truncated"}:
        command = [sys.executable, "-m", "inspector", "line", "--config", str(config), "--station", "left"]
        line = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert line.returncode == 78
        assert message in line.stderr
