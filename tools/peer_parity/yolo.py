"""Drives ultralytics' own command line (AGPL-3.0: never imported, only run in its environment)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from tools.peer_parity.environments import Environment, PeerError, run
from tools.peer_parity.pictures import NAMES

SIDE = 320
_TRAINED_AT = 192
_SAME_SCORE = 2e-5
"""The two texts in which one prediction is written round its score to the fifth place."""
_EPOCHS_A_MINUTE = 3.0
"""Of 200 pictures, on one core that has nothing else to do."""
_BUSY = 20.0
_ENDS_MINUTES = 60.0
"""How much longer than on an idle core things may take."""


def train(environment: Environment, work: Path, model: str, *, minutes: float, further: bool) -> None:
    """Train from random weights; ``further``: go on from those of the last time.

    A segmentation model starts from its own detection model's weights where that was trained here before.
    In epochs, not by the clock: on a busy PC the clock would end a training that has hardly begun.
    """
    weights = _weights(work, model)
    ended = weights.with_name("ended")  # the weights themselves are written after every epoch, before the end too
    if ended.exists() and not further:
        return
    start = weights if further else Path(f"{model}.yaml")
    epochs = max(round(minutes * _EPOCHS_A_MINUTE), 1)
    detection = _weights(work, model.removesuffix("-seg"))
    first = detection if detection != weights and detection.exists() and not further else False
    recipe = (f"imgsz={_TRAINED_AT}", f"epochs={epochs}", "batch=8", "nbs=8", "mosaic=0", "seed=1")
    steps = ("optimizer=AdamW", "lr0=0.002", "warmup_epochs=1", "warmup_bias_lr=0", f"pretrained={first}")
    quiet = ("amp=False", "plots=False", "val=False", "save_period=-1")
    place = (f"project={work / 'runs'}", f"name={model}", "exist_ok=True", "device=cpu", "workers=0")
    command: list[str | Path] = [
        _yolo(environment),
        "train",
        f"model={start}",
        f"data={work / 'pictures' / 'data.yaml'}",
    ]
    run([*command, *place, *recipe, *steps, *quiet], folder=work, minutes=minutes * _BUSY + _ENDS_MINUTES)
    ended.touch()


def export(environment: Environment, work: Path, model: str, *, floor: float, nms: bool) -> Path:
    """Export to ONNX; gives the file. ``nms``: with suppression inside the graph."""
    target = work / model / ("nms.onnx" if nms else "model.onnx")
    target.parent.mkdir(exist_ok=True)
    ends = ("nms=True", f"conf={floor}", "iou=0.7") if nms else ()
    command: list[str | Path] = [
        _yolo(environment),
        "export",
        f"model={_weights(work, model)}",
        "format=onnx",
        f"imgsz={SIDE}",
    ]
    run([*command, "opset=17", "simplify=False", *ends], folder=work, minutes=_ENDS_MINUTES)
    _weights(work, model).with_suffix(".onnx").rename(target)
    return target


def predict(environment: Environment, work: Path, graph: Path, *, floor: float) -> Path:
    """Let the peer predict with its exported file; gives a file for ``--reference``."""
    outlined = "-seg" in graph.parent.name
    split = "even" if outlined else "odd"
    pictures = sorted((work / "pictures" / "images" / split).glob("*.png"))
    place = work / "predictions" / f"{graph.parent.name}-{graph.stem}"
    common: tuple[str, ...] = (
        f"model={graph}",
        f"imgsz={SIDE}",
        f"conf={floor}",
        "iou=0.7",
        "device=cpu",
        "exist_ok=True",
    )
    common = (*common, f"project={place.parent}")
    written = ("save=False", "save_txt=True", "save_conf=True", f"name={place.name}")
    run(
        [_yolo(environment), "predict", f"source={pictures[0].parent}", *common, *written],
        folder=work,
        minutes=_ENDS_MINUTES,
    )
    rows = {path.stem: _rows(place / "labels" / f"{path.stem}.txt") for path in pictures}
    if outlined:
        # The texts of a segmentation model hold outlines only; its boxes stand in the validation's JSON.
        quiet = ("save_json=True", "plots=False", "batch=1", "rect=False", "workers=0", f"name={place.name}-boxes")
        command: list[str | Path] = [
            _yolo(environment),
            "val",
            "task=segment",
            f"data={work / 'pictures' / 'data.yaml'}",
        ]
        run([*command, *common, *quiet], folder=work, minutes=_ENDS_MINUTES)
        boxes = _validated(place.with_name(f"{place.name}-boxes") / "predictions.json")
        found = {
            path.stem: [_boxed(row, boxes.get(path.stem, ()), path) for row in rows[path.stem]] for path in pictures
        }
    else:
        found = {path.stem: [_placed(row, path) for row in rows[path.stem]] for path in pictures}
    entries = [{"file": f"../{path.relative_to(work)}", "detections": found[path.stem]} for path in pictures]
    target = graph.with_suffix(".json")
    target.write_text(json.dumps({"images": entries}, indent=1), encoding="utf-8")
    return target


def _yolo(environment: Environment) -> Path:
    return environment.folder / "bin" / "yolo"


def _weights(work: Path, model: str) -> Path:
    return work / "runs" / model / "weights" / "last.pt"


def _rows(path: Path) -> list[list[float]]:
    """Class, numbers, score of each prediction; a picture in which nothing is seen has no file."""
    if not path.is_file():
        return []
    return [[float(word) for word in line.split()] for line in path.read_text(encoding="utf-8").splitlines()]


def _placed(row: Sequence[float], picture: Path) -> dict[str, Any]:
    image = cv2.imread(str(picture))
    assert image is not None  # noqa: S101 - we have drawn it
    height, width = image.shape[:2]
    number, x, y, wide, high, score = row
    box = [(x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height]
    return {"label": NAMES[int(number)], "score": score, "box": box}


def _boxed(row: Sequence[float], boxes: Sequence[dict[str, Any]], picture: Path) -> dict[str, Any]:
    """The box of a prediction that is known by its class and score."""
    label, score = NAMES[int(row[0])], row[-1]
    same = [box for box in boxes if box["label"] == label and abs(box["score"] - score) <= _SAME_SCORE]
    if not same:
        raise PeerError(f"{picture.name}: ultralytics predicts a {label} of {score}, but does not validate it")
    return min(same, key=lambda box: abs(float(box["score"]) - score))


def _validated(path: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    if not path.is_file():  # nothing was seen in any picture
        return found
    for row in json.loads(path.read_text(encoding="utf-8")):
        x, y, width, height = row["bbox"]
        number = int(row["category_id"]) - 1
        entry = {"label": NAMES[number], "score": row["score"], "box": [x, y, x + width, y + height]}
        found.setdefault(Path(row["file_name"]).stem, []).append(entry)
    return found
