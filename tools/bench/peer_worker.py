"""A peer's process: looks at frames as its own software does, in its own environment, and is asked like ours.

Run by the Python of a throw-away environment, where this project is not installed: only the standard library and the
peer's own packages are imported, and of this project ``inspector.app.bench.serve`` alone. Weights are random: what is
measured is cost.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.app.bench.serve import Look, serve, take_stdout

SLICE, OVERLAP = 640, 0.2
TILE = 256
CONFIDENCE, NMS_IOU = 0.25, 0.5
_PACKAGES = ("sahi", "supervision", "ultralytics", "torch", "onnxruntime", "openvino", "opencv-python")
_SHORTEST_RUN = 3
Frames = list[Any]


def slices(height: int, width: int, *, side: int = SLICE, overlap: float = OVERLAP) -> list[tuple[int, int]]:
    """Left and top of every slice, the last ones moved back to end with the frame (as SAHI lays them)."""
    step = int(side * (1 - overlap))

    def starts(length: int) -> list[int]:
        last = max(length - side, 0)
        return [*range(0, last, step), last]

    return [(x, y) for y in starts(height) for x in starts(width)]


def detections(raw: Any, corner: tuple[int, int]) -> tuple[Any, Any]:
    """Boxes (left, top, width, height) in the frame and scores of one slice's raw head (1, 4 + classes, anchors)."""
    head = raw[0]
    scores = head[4:].max(axis=0)
    sure = scores >= CONFIDENCE
    x, y, w, h = head[:4, sure]
    return np.stack([x - w / 2 + corner[0], y - h / 2 + corner[1], w, h], axis=1), scores[sure]


def merged(found: Sequence[tuple[Any, Any]]) -> int:
    """Non-maximum suppression over the whole frame; how many are left."""
    boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    if not len(scores):
        return 0
    return len(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), CONFIDENCE, NMS_IOU))


def sahi(frames: Frames, graph: Path) -> Look:
    """SAHI's sliced prediction with ultralytics' ONNX model, as its documentation shows."""
    from sahi import AutoDetectionModel  # noqa: PLC0415 - only this peer has it
    from sahi.predict import get_sliced_prediction  # noqa: PLC0415

    model = AutoDetectionModel.from_pretrained(
        model_type="ultralytics", model_path=str(graph), confidence_threshold=CONFIDENCE, device="cpu", image_size=SLICE
    )

    def look(number: int) -> dict[str, Any]:
        image = cv2.cvtColor(frames[number], cv2.COLOR_GRAY2RGB)
        result = get_sliced_prediction(
            image, model, slice_height=SLICE, slice_width=SLICE,
            overlap_height_ratio=OVERLAP, overlap_width_ratio=OVERLAP, verbose=0,
        )  # fmt: skip
        return {"detections": len(result.object_prediction_list)}

    return look


def _detector(graph: Path, side: int) -> Any:
    """Ultralytics' own model object, opened by SAHI."""
    from sahi import AutoDetectionModel  # noqa: PLC0415

    return AutoDetectionModel.from_pretrained(
        model_type="ultralytics", model_path=str(graph), confidence_threshold=CONFIDENCE, device="cpu", image_size=side
    ).model


def supervision(frames: Frames, graph: Path) -> Look:
    """Roboflow's slicer around the same model."""
    import supervision as sv  # noqa: PLC0415 - only this peer has it

    model = _detector(graph, SLICE)

    def callback(image: Any) -> Any:
        return sv.Detections.from_ultralytics(model(image, imgsz=SLICE, conf=CONFIDENCE, verbose=False)[0])

    shared = int(SLICE * OVERLAP)
    slicer = sv.InferenceSlicer(callback=callback, slice_wh=(SLICE, SLICE), overlap_wh=(shared, shared))

    def look(number: int) -> dict[str, Any]:
        return {"detections": len(slicer(cv2.cvtColor(frames[number], cv2.COLOR_GRAY2BGR)))}

    return look


def whole(frames: Frames, graph: Path, side: int) -> Look:
    """Ultralytics' predict on the whole frame, shrunk to ``side``."""
    model = _detector(graph, side)

    def look(number: int) -> dict[str, Any]:
        image = cv2.cvtColor(frames[number], cv2.COLOR_GRAY2BGR)
        return {"detections": len(model.predict(image, imgsz=side, conf=CONFIDENCE, verbose=False)[0])}

    return look


def tuned(frames: Frames, graph: Path, precision: str) -> Look:
    """The same slices as an engineer would tune them: OpenVINO, two streams, no framework around."""
    import openvino as ov  # noqa: PLC0415 - only this peer has it

    hints = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": str(os.cpu_count() or 1)}
    if precision in {"f32", "bf16"}:
        hints["INFERENCE_PRECISION_HINT"] = precision
    compiled = ov.Core().compile_model(str(graph), "CPU", hints)
    queue = ov.AsyncInferQueue(compiled)
    found: list[tuple[Any, Any]] = []
    queue.set_callback(lambda request, corner: found.append(detections(request.get_output_tensor(0).data, corner)))

    def look(number: int) -> dict[str, Any]:
        frame = frames[number]
        found.clear()
        for x, y in slices(*frame.shape):
            grey = frame[y : y + SLICE, x : x + SLICE].astype(np.float32) * np.float32(1 / 255)
            queue.start_async({0: np.broadcast_to(grey, (1, 3, SLICE, SLICE)).copy()}, (x, y))
        queue.wait_all()
        return {"detections": merged(found)}

    return look


def opencv(frames: Frames, graph: Path) -> Look:
    """The same slices by OpenCV's own network module."""
    net = cv2.dnn.readNetFromONNX(str(graph))

    def look(number: int) -> dict[str, Any]:
        frame, found = frames[number], []
        for x, y in slices(*frame.shape):
            image = cv2.cvtColor(frame[y : y + SLICE, x : x + SLICE], cv2.COLOR_GRAY2BGR)
            net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, (SLICE, SLICE)))
            found.append(detections(net.forward(), (x, y)))
        return {"detections": merged(found)}

    return look


def anomaly(frames: Frames, graph: Path, share: int) -> Look:
    """An anomaly model in its own tile size; every ``share``-th tile is looked at, the rest is computed from it."""
    import onnxruntime as ort  # noqa: PLC0415 - only this peer has it

    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    name, outputs = session.get_inputs()[0].name, [node.name for node in session.get_outputs()]

    def look(number: int) -> dict[str, Any]:
        worst = 0.0
        for tile in list(tiles(frames[number]))[::share]:
            grey = tile.astype(np.float32) * np.float32(1 / 255)
            given = session.run(outputs, {name: np.broadcast_to(grey, (1, 3, TILE, TILE)).copy()})
            worst = max(worst, float(given[0].max()))
        return {"worst": worst}

    return look


def tiles(frame: Any) -> Iterator[Any]:
    """Tiles of the frame, its edge repeated to fill the last ones; none overlap."""
    height, width = frame.shape
    padded = np.pad(frame, ((0, -height % TILE), (0, -width % TILE)), mode="edge")
    for y in range(0, padded.shape[0], TILE):
        for x in range(0, padded.shape[1], TILE):
            yield padded[y : y + TILE, x : x + TILE]


def opened(asked: argparse.Namespace, frames: Frames) -> Callable[[], Look]:
    """How the asked peer is opened."""
    return {
        "sahi": lambda: sahi(frames, asked.graph),
        "supervision": lambda: supervision(frames, asked.graph),
        "whole": lambda: whole(frames, asked.graph, asked.side),
        "tuned": lambda: tuned(frames, asked.graph, asked.precision),
        "opencv": lambda: opencv(frames, asked.graph),
        "anomaly": lambda: anomaly(frames, asked.graph, asked.share),
    }[asked.peer]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Read the command line, open the peer, answer."""
    channel = take_stdout()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=("sahi", "supervision", "whole", "tuned", "opencv", "anomaly"))
    parser.add_argument("--graph", type=Path, required=True)
    parser.add_argument("--side", type=int, default=SLICE)
    parser.add_argument("--precision", choices=("f32", "bf16", "int8"), default="f32")
    parser.add_argument("--share", type=int, default=1)
    asked = parser.parse_args()
    frames: Frames = []
    look = opened(asked, frames)()

    def load(files: Sequence[str]) -> None:
        frames.extend(np.load(file) for file in files)
        look(0)  # the first look of every runtime is the slow one

    serve(channel, {"versions": _versions(), "share": asked.share}, load=load, look=look)


if __name__ == "__main__":
    main()
