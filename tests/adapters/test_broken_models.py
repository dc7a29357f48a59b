"""A model that computes nonsense has seen nothing, and nothing seen must not pass a part: the frame is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters import decode_classification, decode_detr, decode_torchvision, decode_yolo
from inspector.adapters.decode_map import segmentation
from inspector.adapters.decode_yolo import instances
from inspector.domain.errors import DeviceError, FrameError
from inspector.ports.model import FrameSpec, InputSpec, OutputSpec
from inspector.ports.plugin import Plugin
from tests.model_graphs import model_card, says, seen

BLANK = np.zeros((64, 64), np.uint8)
NAN = np.nan
HEAD = np.array([[[20.0, NAN], [20.0, 20.0], [8.0, 8.0], [8.0, 8.0], [0.9, 0.9], [0.1, 0.1]]], np.float32)
SCORES = np.where(np.arange(6)[None, :, None] >= 4, NAN, HEAD).astype(np.float32)
LOGITS = np.where(np.arange(6)[None, :, None] >= 4, 7.3, np.nan_to_num(HEAD)).astype(np.float32)
ANSWERS: dict[str, tuple[Plugin, dict[str, np.ndarray], tuple[str, ...], str, dict[str, Any]]] = {
    "yolo scores": (decode_yolo.PLUGIN, {"o": SCORES}, ("",), "NaN or infinity", {}),
    "yolo boxes": (decode_yolo.PLUGIN, {"o": HEAD}, ("",), "NaN or infinity", {}),
    "yolo logits": (decode_yolo.PLUGIN, {"o": LOGITS}, ("",), "to 7.3; 0 to 1 is right", {}),
    "instances": (
        instances.PLUGIN,
        {"o": np.pad(SCORES, ((0, 0), (0, 1), (0, 0))), "p": np.zeros((1, 1, 16, 16), np.float32)},
        ("predictions", "prototypes"),
        "NaN or infinity",
        {},
    ),
    "detr": (
        decode_detr.PLUGIN,
        {"l": np.full((1, 5, 2), NAN, np.float32), "b": np.zeros((1, 5, 4), np.float32)},
        ("logits", "boxes"),
        "NaN or infinity",
        {},
    ),
    "detr logits": (
        decode_detr.PLUGIN,
        {"l": np.full((1, 5, 2), 4, np.float32), "b": np.zeros((1, 5, 4), np.float32)},
        ("logits", "boxes"),
        "logits",
        {"activation": "none"},
    ),
    "torchvision": (
        decode_torchvision.PLUGIN,
        {
            "b": np.zeros((2, 4), np.float32),
            "l": np.ones(2, np.int64),
            "s": np.array([NAN, 0.1], np.float32),
        },
        ("boxes", "labels", "scores"),
        "NaN or infinity",
        {},
    ),
    "classification": (
        decode_classification.PLUGIN,
        {"o": np.array([[NAN, 1]], np.float32)},
        ("",),
        "NaN or infinity",
        {},
    ),
    "map": (segmentation.PLUGIN, {"o": np.full((1, 2, 8, 8), NAN, np.float32)}, ("",), "NaN or infinity", {}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_what_is_no_number_or_no_score_never_passes_a_part(tmp_path: Path, what: str) -> None:
    plugin, answers, roles, message, settings = ANSWERS[what]
    graph = says(tmp_path / "m.onnx", answers)
    outputs = [
        OutputSpec(name=name, dtype=str(answer.dtype), role=role, stride=8 if what == "map" else 1)
        for (name, answer), role in zip(answers.items(), roles, strict=True)
    ]
    entry = InputSpec(
        name="images", dtype="float32", layout="NCHW", channels=3, multiple=8, colour="rgb", scale=1 / 255
    )
    fit = FrameSpec(fit="tiles", width=64, height=64) if what == "map" else FrameSpec(width=64, height=64)
    task = "segmentation" if what == "map" else "detection"
    bound = model_card(graph, frame=fit, outputs=outputs, input=entry, task=task)
    with pytest.raises((FrameError, DeviceError), match=message):
        seen(plugin, bound, BLANK, **settings)
