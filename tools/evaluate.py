"""Evaluate a model on unseen parts: ``python -m tools.evaluate --model models/surface-small --seeds 1000:1200``.

Every part is rendered at full size and goes through the line's own tiling, runtime and decoder. Thresholds are
looked for on ``--calibrate`` seeds, which are none of ``--seeds``; ``--write`` puts the figures into the card.

With ``--data DIR`` labelled pictures are evaluated instead: see ``python -m tools.evaluate --data . --help``.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

from inspector.adapters.decode_map.segmentation import SegmentationDecoder, SegmentationSettings
from inspector.adapters.runtime_onnx import OnnxRuntime, OnnxSettings
from inspector.app.model_package import load_card
from inspector.domain.frame import PixelFormat
from inspector.pipeline.detect import Detector
from inspector.ports.model import ModelCard
from inspector.twin.scenes import GENERATOR_VERSION, SceneSettings, render
from tools.card import CardFacts, write_card
from tools.matching import Part, match
from tools.modelcard import CANNOT, PX_PER_MM, write_model_card
from tools.scoring import best_thresholds, figures, margins

STRIP_PX = 0
"""A station runs a frame whole unless told otherwise; strips repeat the halo."""
_PLAIN_THRESHOLD = 0.5


def open_detector(card: ModelCard, threads: int) -> Detector:
    """Put the line's own runtime, decoder and tiling together."""
    runtime = OnnxRuntime(OnnxSettings(threads=threads), card)
    decoder = SegmentationDecoder(SegmentationSettings(), card)
    return Detector(card=card, runtime=runtime, decoder=decoder, strip_px=STRIP_PX)


def compare_parts(detector: Detector, seeds: Iterable[int], settings: SceneSettings) -> Iterator[Part]:
    """Render, detect and match the parts of some seeds."""
    for seed in seeds:
        scene = render(seed, settings)
        yield match(scene, detector.detect(scene.pixels, PixelFormat.MONO8).detections)


def time_frames(card: ModelCard, settings: SceneSettings, rounds: int = 12) -> dict[str, float]:
    """Return the median milliseconds of a frame, from pixels to detections, with one and two threads."""
    pixels = render(0, settings).pixels
    result = {}
    for threads in (1, 2):
        detector = open_detector(card, threads)
        detector.warm_up(*pixels.shape)
        spent = []
        for _ in range(rounds):
            begun = time.perf_counter()
            detector.detect(pixels, PixelFormat.MONO8)
            spent.append(time.perf_counter() - begun)
        result[f"frame_ms_{threads}_threads"] = round(sorted(spent)[rounds // 2] * 1e3, 1)
    return result


def seed_range(text: str) -> range:
    """Read ``A:B`` as the seeds from A to B - 1."""
    first, last = (int(part) for part in text.split(":"))
    return range(first, last)


def _describe(part: Part, threshold: float) -> Iterator[str]:
    """Say what went wrong on a part."""
    for found in part.found:
        if found.best is None or found.best.score < threshold:
            score = found.best.score if found.best else 0.0
            yield f"seed {part.seed}: missed ({score:.2f}) {found.truth}"
    for alarm in part.false_alarms:
        if alarm.score >= threshold:
            yield f"seed {part.seed}: false {alarm.label} {alarm.score:.2f} at {alarm.box}"


def _write(folder: Path, card: ModelCard, metrics: dict[str, float | str], *, bias: tuple[float, float]) -> None:
    """Put the figures into card.toml and MODEL_CARD.md."""
    facts = CardFacts(
        name=card.name,
        version=card.version,
        licence=card.licence,
        labels=card.labels,
        dtype=card.output.dtype,
        scale=card.output.scale,
        zero_point=card.output.zero_point,
        px_per_mm=PX_PER_MM,
        length_bias_px=round(card.length_bias_px + bias[0], 2),
        width_bias_px=round(card.width_bias_px + bias[1], 2),
        metrics=metrics,
        cannot=CANNOT,
    )
    write_card(folder, facts)
    write_model_card(folder, facts)


def main() -> None:
    """Read the command line, evaluate, print."""
    if any(word.split("=")[0] == "--data" for word in sys.argv[1:]):
        from tools.evaluation.main import main as evaluate_pictures  # noqa: PLC0415 - needs faster-coco-eval

        evaluate_pictures()
        return
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seeds", type=seed_range, default=range(1000, 1200), metavar="A:B")
    parser.add_argument("--calibrate", type=seed_range, default=range(3000, 3060), metavar="A:B")
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--time", action="store_true", help="measure milliseconds per frame too")
    parser.add_argument("--write", action="store_true", help="put the figures into the card")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if set(asked.seeds) & set(asked.calibrate):
        parser.error("--seeds and --calibrate share seeds; thresholds must not be fitted on the test")
    card = load_card(asked.model)
    settings = SceneSettings(width=asked.width, height=asked.height)
    detector = open_detector(card, asked.threads)
    calibration = list(compare_parts(detector, asked.calibrate, settings))
    thresholds = best_thresholds(calibration)
    parts = list(compare_parts(detector, asked.seeds, settings))
    result: dict[str, float | str] = {
        "data": f"twin scenes, generator {GENERATOR_VERSION}, {asked.width}x{asked.height}, unseen seeds",
        "seeds": f"{asked.seeds.start}:{asked.seeds.stop}",
        "calibration_seeds": f"{asked.calibrate.start}:{asked.calibrate.stop}",
        **{key: value for key, value in card.metrics.items() if key.startswith(("train_", "held_"))},
        **figures(parts, _PLAIN_THRESHOLD),
        **{f"{label}_best_threshold": value for label, value in thresholds.items()},
        **{f"calibration_{key}": value for key, value in margins(calibration).items()},
    }
    if asked.time:
        result |= time_frames(card, settings)
    if asked.write:
        bias = (float(result["thin_length_error_px"]), float(result["thin_width_error_px"]))
        _write(asked.model, card, result, bias=bias)
    if asked.json:
        print(json.dumps(result, indent=1))
        return
    for line in (line for part in parts for line in _describe(part, _PLAIN_THRESHOLD)):
        print(line)
    for key, value in result.items():
        print(f"{key:28} {value}")


if __name__ == "__main__":
    main()
