"""An ONNX file that cannot run here is refused with what would help."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector.adapters.runtime_onnx import onnx_file
from inspector.adapters.runtime_onnx.graph import look
from inspector.domain.errors import ConfigError
from tests.graphs import graph


def saved(path: Path, *, op: str = "Add", domain: str = "", opset: int = 17, external: bool = False) -> Path:
    weights = numpy_helper.from_array(np.zeros((4, 300), np.float32), "w")
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node(op, ["x", "w"], ["y"], domain=domain)],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 300])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 300])],
            [weights],
        ),
        opset_imports=[helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])],
        ir_version=9,
    )
    onnx.save(made, str(path), save_as_external_data=external, location="w.bin", size_threshold=0)
    return path


def test_a_file_says_its_opset_and_how_many_weights_it_has(tmp_path: Path) -> None:
    facts = onnx_file.read(saved(tmp_path / "m.onnx"))
    assert (facts.opset, facts.parameters, facts.external, facts.custom_operators) == (17, 1200, (), ())


def test_a_graph_is_described_with_its_free_sides(tmp_path: Path) -> None:
    facts = look(graph(tmp_path / "m.onnx"))
    assert (facts.inputs[0].name, facts.inputs[0].dtype, facts.inputs[0].shape) == (
        "image",
        "uint8",
        (None, 1, None, None),
    )
    assert facts.outputs[0].shape == (None, 2, None, None)


def test_a_truncated_file_is_called_so(tmp_path: Path) -> None:
    whole = saved(tmp_path / "m.onnx").read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m.onnx").write_bytes(whole[:length])
        with pytest.raises(ConfigError, match=r"no whole ONNX file.*truncated"):
            look(tmp_path / "m.onnx")


def test_a_custom_operator_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"operators that onnxruntime does not have: acme\.Sharpen"):
        look(saved(tmp_path / "m.onnx", op="Sharpen", domain="acme"))


def test_missing_external_weights_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", external=True)
    assert onnx_file.read(path).external == ("w.bin",)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ConfigError, match=r"weights are in w\.bin, which is not beside it"):
        look(path)


def test_an_opset_that_is_too_new_says_which_one_to_export(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"opset 99 is newer.*export it with opset 17"):
        look(saved(tmp_path / "m.onnx", opset=99))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"m\.onnx: cannot be read"):
        look(tmp_path / "m.onnx")
