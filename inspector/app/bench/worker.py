"""A process that judges frames as the line does: its detector, its recipe, its scale.

    python -m inspector.app.bench.worker --model models/surface-small --runtime onnx

It is asked on standard input as ``serve.py`` says. A look gives the stages' milliseconds, the outcome and how many
detections there were.
"""

import argparse
import gc
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from inspector.app import plugins
from inspector.app.bench.frames import marks_of
from inspector.app.bench.serve import serve, take_stdout
from inspector.app.exits import speaking_plainly
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.app.parts import SOFTWARE
from inspector.app.recipe_file import load_recipe
from inspector.app.share import share_dir
from inspector.app.tables import StationTable
from inspector.domain.detection import Detection
from inspector.domain.errors import FrameError
from inspector.domain.frame import PixelFormat, Pixels
from inspector.domain.geometry import Scale
from inspector.domain.recipe import Recipe
from inspector.domain.rules import judge
from inspector.domain.verdict import undecided
from inspector.pipeline import optics
from inspector.pipeline.detect import Detector
from inspector.pipeline.preprocess import Image
from inspector.pipeline.sight import Health, glance, reference_of
from inspector.ports.model import Decoder, ModelCard, TileOutput
from inspector.ports.plugin import Context, Plugin

STAGES = ("optics", "preprocess", "infer", "decode", "judge", "total")
SCALE = Scale(id="bench", px_per_mm=20.0)
RECIPE = "critical"
CONTEXT = Context(station="bench", data_dir="", run_dir="", software=SOFTWARE)
_WARM_ROUNDS = 3
_SWITCH_INTERVAL_S = 0.0005


def runtime_of(card: ModelCard, kind: str, threads: int) -> tuple[Plugin, BaseModel]:
    """A runtime plug-in by its kind, with this many threads where it can be told (0: one per core).

    Raises:
        ConfigError: no such runtime, or its library is not installed.
    """
    where = str(card.path.parent / "card.toml")
    plugin = plugins.find("runtime", kind, where=where, key="runtime")
    told = {"threads": threads} if threads and "threads" in plugin.settings_model.model_fields else {}
    return plugin, plugins.settings(plugin, told, origin=lambda _: where, prefix=("runtime",))


class Planted:
    """A decoder that reads maps in which something was made to be seen: one strong cell at each of some marks."""

    def __init__(self, decoder: Decoder, stride: int) -> None:
        self._decoder = decoder
        self._stride = stride
        self.marks: NDArray[np.int64] = np.empty((0, 2), np.int64)

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        """Mark the maps, then decode them."""
        marked = [self._marked(output) for output in outputs] if len(self.marks) else outputs
        return self._decoder.decode(marked, pixels)

    def _marked(self, output: TileOutput) -> TileOutput:
        tile, cells = output.tile, np.zeros_like(output.arrays[0])  # what the model itself sees there is its own affair
        column = (self.marks[:, 0] - tile.x) // self._stride
        row = (self.marks[:, 1] - tile.y) // self._stride
        inside = (column >= 0) & (row >= 0) & (column < cells.shape[3]) & (row < cells.shape[2])
        cells[0, 0, row[inside], column[inside]] = np.iinfo(np.uint8).max
        return TileOutput(tile=tile, arrays=(cells, *output.arrays[1:]))


class Judge:
    """Frames in memory, looked at one by one. Marks that stand beside a frame's file are planted in its map."""

    def __init__(self, detector: Detector, recipe: Recipe) -> None:
        self._detector = detector
        self._recipe = recipe
        self._frames: list[Image] = []
        self._marks: list[NDArray[np.int64]] = []
        self._healths: list[Health] = []
        self._planted = Planted(detector.decoder, detector.card.output.stride)
        detector.decoder = self._planted

    def load(self, files: Sequence[str]) -> None:
        """Read the frames, warm up for their size, and settle the heap as a line does before its first part."""
        grey = self._detector.card.input.channels == 1
        for file in files:
            pixels = np.load(file)
            self._frames.append(pixels if grey else np.repeat(pixels[..., None], 3, axis=2))
            marks = marks_of(Path(file))
            has_map = self._detector.card.task == "segmentation"
            self._marks.append(np.load(marks) if has_map and marks.exists() else np.empty((0, 2), np.int64))
        height, width = self._frames[0].shape[:2]
        glances = [glance(pixels, _format(pixels)) for pixels in self._frames]
        self._healths = [Health(reference=reference_of(glances))]
        self._detector.warm_up(height, width, rounds=_WARM_ROUNDS)
        gc.collect()
        gc.freeze()

    def look(self, number: int) -> Mapping[str, Any]:
        """Pixels to verdict."""
        pixels, self._planted.marks = self._frames[number], self._marks[number]
        pixel_format = _format(pixels)
        begun = time.perf_counter()
        detections: tuple[Detection, ...] = ()
        stages: dict[str, float] = {}
        try:
            optics.check(pixels)
            for health in self._healths:
                health.look(glance(pixels, pixel_format))
            looked = time.perf_counter()
            seen = self._detector.detect(pixels, pixel_format)
            detections, judging = seen.detections, time.perf_counter()
            verdict = judge(self._recipe, detections, SCALE)
            stages = {
                "optics": (looked - begun) * 1e3,
                "preprocess": seen.preprocess_ms,
                "infer": seen.infer_ms,
                "decode": seen.decode_ms,
                "judge": (time.perf_counter() - judging) * 1e3,
            }
        except FrameError as error:
            verdict = undecided(str(error), rule="law.frame")
        stages["total"] = (time.perf_counter() - begun) * 1e3
        return {
            **stages,
            "detections": len(detections),
            "outcome": verdict.outcome.name,
            "reason": verdict.reason,
        }


def _format(pixels: Pixels) -> PixelFormat:
    return PixelFormat.MONO8 if pixels.ndim == 2 else PixelFormat.BGR8  # noqa: PLR2004 - grey


def main() -> None:
    """Read the command line, open the model, answer."""
    channel = take_stdout()
    parser = argparse.ArgumentParser(prog="python -m inspector.app.bench.worker", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a model package")
    parser.add_argument("--runtime", default="onnx", help="kind of the runtime plug-in")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    asked = parser.parse_args()
    with speaking_plainly():
        card = load_card(asked.model)
        recipe = load_recipe(share_dir() / "config" / "recipes" / f"{RECIPE}.toml").recipe
        runtime = runtime_of(card, asked.runtime, asked.threads)
        strip_px = StationTable().strip_px
        with open_model(card, runtime=runtime, context=CONTEXT, strip_px=strip_px) as detector:
            sys.setswitchinterval(_SWITCH_INTERVAL_S)
            eye = Judge(detector, recipe)
            hello = {"runtime": detector.runtime.description, "model": card.name, "sha256": card.sha256}
            serve(channel, hello, load=eye.load, look=eye.look)


if __name__ == "__main__":
    main()
