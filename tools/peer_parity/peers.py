"""The peers: what each is, how it is made to train, export and predict, and how a user would import its export."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.peer_parity import yolo
from tools.peer_parity.environments import Environment, inside, run
from tools.peer_parity.pictures import NAMES

_NAMED = ("--labels", ",".join(NAMES))
_UNIT = ("--normalise", "unit")
_SHRUNK = ("--set", "frame.interpolation=antialias")
"""As transformers' processors shrink pictures."""
_SCRIPT_MINUTES = 60.0
_BUSY = 20.0
"""A PC that has other things to do may take that many times as long."""
MAPS = frozenset({"anomalib"})
"""Families whose maps are compared, not boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a peer is asked for. ``minutes``: of computing, to train; ``further``: go on from the last weights."""

    work: Path
    minutes: float
    floor: float
    further: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One model of one family. ``made`` gives the graph and the file for ``--reference``; ``options``: to import."""

    name: str
    family: str
    says: str
    made: Callable[[Environment, Order], tuple[Path, Path]]
    options: tuple[str, ...] = ()


def _yolo(model: str, *, nms: bool = False) -> Callable[[Environment, Order], tuple[Path, Path]]:
    def made(environment: Environment, order: Order) -> tuple[Path, Path]:
        yolo.train(environment, order.work, model, minutes=order.minutes, further=order.further)
        graph = yolo.export(environment, order.work, model, floor=order.floor, nms=nms)
        return graph, yolo.predict(environment, order.work, graph, floor=order.floor)

    return made


def _script(module: str, model: str) -> Callable[[Environment, Order], tuple[Path, Path]]:
    def made(environment: Environment, order: Order) -> tuple[Path, Path]:
        words = ["--work", str(order.work), "--model", model, "--minutes", str(order.minutes)]
        words += ["--floor", str(order.floor), *(["--further"] if order.further else [])]
        limit = order.minutes * _BUSY + _SCRIPT_MINUTES
        run([environment.python, *inside(module), *words], folder=order.work, minutes=limit)
        graph = order.work / model / "model.onnx"
        return graph, graph.with_suffix(".json")

    return made


PEERS = (
    Peer(name="yolov8n", family="ultralytics", says="YOLOv8n detection", made=_yolo("yolov8n")),
    Peer(name="yolo11n", family="ultralytics", says="YOLO11n detection", made=_yolo("yolo11n")),
    Peer(name="yolov8n-seg", family="ultralytics", says="YOLOv8n segmentation", made=_yolo("yolov8n-seg")),
    Peer(name="yolo11n-seg", family="ultralytics", says="YOLO11n segmentation", made=_yolo("yolo11n-seg")),
    Peer(name="yolo11n-nms", family="ultralytics", says="YOLO11n with NMS inside", made=_yolo("yolo11n", nms=True)),
    Peer(
        name="fasterrcnn",
        family="torchvision",
        says="Faster R-CNN, MobileNetV3, FPN",
        made=_script("torchvision_peer", "fasterrcnn"),
        options=_NAMED,
    ),
    Peer(
        name="fcos",
        family="torchvision",
        says="FCOS, MobileNetV3, FPN",
        made=_script("torchvision_peer", "fcos"),
        options=_NAMED,
    ),
    Peer(name="padim", family="anomalib", says="PaDiM, ResNet-18", made=_script("anomalib_peer", "padim")),
    Peer(name="patchcore", family="anomalib", says="PatchCore, ResNet-18", made=_script("anomalib_peer", "patchcore")),
    Peer(
        name="rtdetr",
        family="transformers",
        says="RT-DETR, small",
        made=_script("transformers_peer", "rtdetr"),
        options=(*_NAMED, *_UNIT, *_SHRUNK),
    ),
    Peer(
        name="dfine",
        family="transformers",
        says="D-FINE, small",
        made=_script("transformers_peer", "dfine"),
        options=(*_NAMED, *_UNIT, *_SHRUNK),
    ),
)
