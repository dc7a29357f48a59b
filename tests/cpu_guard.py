"""CPU time of the line's own work as a multiple of a fixed graph's: a figure that a busy machine does not move much.

Both work in one thread, in turn, and the least of many rounds counts: a neighbour can only make a round dearer. CPU
time and not the clock, so that waiting for a core costs nothing.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from inspector.app.bench.worker import CONTEXT, RECIPE, SCALE, runtime_of
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.app.recipe_file import load_recipe
from inspector.app.share import share_dir
from inspector.domain.frame import PixelFormat
from inspector.domain.rules import judge
from inspector.pipeline import preprocess, tiling
from inspector.twin.scenes import SceneSettings, render

MODEL = "surface-small"
WIDTH, HEIGHT, SEED = 1024, 768, 8102
CHANNELS, ROWS, COLUMNS, LAYERS = 64, 48, 64, 4
ROUNDS = 25
_WARM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """CPU time as a multiple. ``line``: pixels to verdict, of the reference; ``path``: the same, of the bare graph."""

    line: float
    path: float


def reference() -> bytes:
    """Four 3x3 convolutions of 64 channels in int8, as every map model here is made of; fixed for ever."""
    rng = np.random.default_rng(1)
    nodes = [helper.make_node("DequantizeLinear", ["image", "step", "zero"], ["x0"])]
    weights = [
        numpy_helper.from_array(np.array(0.05, np.float32), "step"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
        numpy_helper.from_array(np.full(CHANNELS, 0.002, np.float32), "steps"),
        numpy_helper.from_array(np.zeros(CHANNELS, np.int8), "zeros"),
        numpy_helper.from_array(np.zeros(CHANNELS, np.int32), "bias"),
        numpy_helper.from_array(np.full(CHANNELS, 0.0001, np.float32), "bias_steps"),
        numpy_helper.from_array(np.zeros(CHANNELS, np.int32), "bias_zeros"),
    ]
    for layer in range(LAYERS):
        kernel = rng.integers(-100, 100, (CHANNELS, CHANNELS, 3, 3), np.int8)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        nodes += [
            helper.make_node("DequantizeLinear", [f"w{layer}", "steps", "zeros"], [f"w{layer}_f"], axis=0),
            helper.make_node("DequantizeLinear", ["bias", "bias_steps", "bias_zeros"], [f"b{layer}_f"], axis=0),
            helper.make_node("Conv", [f"x{layer}", f"w{layer}_f", f"b{layer}_f"], [f"c{layer}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]),
            helper.make_node("QuantizeLinear", [f"r{layer}", "step", "zero"], [f"q{layer}"]),
            helper.make_node("DequantizeLinear", [f"q{layer}", "step", "zero"], [f"x{layer + 1}"]),
        ]
    nodes[-1] = helper.make_node("Identity", [f"q{LAYERS - 1}"], ["map"])
    sides = [1, CHANNELS, ROWS, COLUMNS]
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, sides)],
        [helper.make_tensor_value_info("map", TensorProto.UINT8, sides)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def session(graph: Path | bytes) -> ort.InferenceSession:
    """A graph as onnxruntime runs it by itself, in the calling thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def measure(rounds: int = ROUNDS) -> Ratios:
    """All three in turn."""
    share = share_dir()
    card = load_card(share / "models" / MODEL)
    recipe = load_recipe(share / "config" / "recipes" / f"{RECIPE}.toml").recipe
    pixels = render(SEED, SceneSettings(width=WIDTH, height=HEIGHT, defect_rate=1.0)).pixels
    (tile,) = tiling.plan(HEIGHT, WIDTH, card)
    tensor = preprocess.Presenter(card.input, card.frame).tensor(tile)
    preprocess.Presenter(card.input, card.frame).write(tensor, pixels, tile)
    bare, fixed = session(card.path), session(reference())
    blocks = np.random.default_rng(2).integers(0, 255, (1, CHANNELS, ROWS, COLUMNS), np.uint8)
    with ExitStack() as stack:
        detector = stack.enter_context(open_model(card, runtime=runtime_of(card, "onnx", 1), context=CONTEXT))
        work: dict[str, Callable[[], object]] = {
            "line": lambda: judge(recipe, detector.detect(pixels, PixelFormat.MONO8).detections, SCALE),
            "graph": lambda: bare.run([card.output.name], {card.input.name: tensor}),
            "fixed": lambda: fixed.run(["map"], {"image": blocks}),
        }
        for _ in range(_WARM):
            for do in work.values():
                do()
        least = dict.fromkeys(work, float("inf"))
        for _ in range(rounds):
            for name, do in work.items():
                begun = time.thread_time()
                do()
                least[name] = min(least[name], time.thread_time() - begun)
    return Ratios(line=least["line"] / least["fixed"], path=least["line"] / least["graph"])


if __name__ == "__main__":
    print(measure())
