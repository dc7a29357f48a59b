"""Tiny ONNX graphs and packages, built where a test needs a model that is wrong in one way."""

import hashlib
from pathlib import Path

import onnx
from onnx import TensorProto, helper

CARD = """schema = "inspector.card/1"
[model]
name = "{name}"
version = "1"
task = "segmentation"
sha256 = "{sha256}"
licence = "CC0-1.0"
labels = {labels}
[input]
name = "{input_name}"
dtype = "uint8"
layout = "NCHW"
channels = 1
multiple = 32
[output]
name = "{output_name}"
dtype = "{output_dtype}"
stride = {stride}
scale = 0.1
zero_point = 128
[decoder]
kind = "segmentation"
candidate_score = 0.3
halo_px = {halo_px}
[scale]
px_per_mm_min = 10.0
px_per_mm_max = 40.0
[measure]
min_length_px = 16.0
min_width_px = 1.0
min_area_px = 64.0
"""


def graph(
    path: Path,
    *,
    labels: int = 2,
    stride: int = 8,
    input_name: str = "image",
    output_name: str = "logits",
    input_type: int = TensorProto.UINT8,
    channels: int = 1,
    output_type: int = TensorProto.UINT8,
    says_channels: bool = True,
    flat: bool = False,
    log: bool = False,
) -> Path:
    """A net that gives the strongest light of each cell, once for every label."""
    shape = ["batch", channels, "height", "width"]
    nodes = [
        helper.make_node("Cast", [input_name], ["light"], to=TensorProto.FLOAT),
        helper.make_node("MaxPool", ["light"], ["cells"], kernel_shape=[stride, stride], strides=[stride, stride]),
        helper.make_node("Concat", ["cells"] * labels, ["several"], axis=1),
        helper.make_node("Log" if log else "Flatten" if flat else "Identity", ["several"], ["shaped"]),
        helper.make_node("Cast", ["shaped"], [output_name], to=output_type),
    ]
    given = ["batch", "all"] if flat else ["batch", labels if says_channels else "classes", "rows", "columns"]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info(input_name, input_type, shape)],
            [helper.make_tensor_value_info(output_name, output_type, given)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.save(made, str(path))
    return path


def package(
    folder: Path,
    *,
    name: str = "tiny",
    labels: str = '["crack", "stain"]',
    sha256: str = "",
    stride: int = 8,
    halo_px: int = 64,
    input_name: str = "image",
    output_name: str = "logits",
    output_dtype: str = "uint8",
) -> Path:
    """A package around ``model.onnx`` in the folder, with a card that says this of it."""
    found = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    text = CARD.format(
        name=name,
        sha256=sha256 or found,
        labels=labels,
        stride=stride,
        halo_px=halo_px,
        input_name=input_name,
        output_name=output_name,
        output_dtype=output_dtype,
    )
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return folder
