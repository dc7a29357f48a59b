"""The catalogue of what is measured: each peer with what it does to a frame, and how its process is started."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inspector.app import plugins
from inspector.app.bench.machine import has_vnni
from inspector.app.bench.measure import worker_command
from inspector.app.bench.worker import runtime_of
from inspector.app.model_package import load_card
from inspector.domain.errors import ConfigError
from tools.bench.environments import HERE, Environments

ANCHOR = "sahi-yolov8n"
"""What every ratio is taken to."""
TUNED = ("tuned-f32", "tuned-bf16", "tuned-int8")
"""The fastest of these on this PC is the tuned peer."""
NO_VNNI = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
_PADIM_SHARE, _EFFICIENTAD_SHARE = 8, 48
_FAST_TIMES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One row. ``share``: its process looks at one tile in so many; ``times``: looks in a turn."""

    name: str
    what: str
    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    share: int = 1
    times: int = 1
    licence: str = ""
    sha256: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer that can be asked for by name. ``arguments`` makes its graph, and gives the words for its process."""

    name: str
    what: str
    licence: str
    arguments: Callable[[Environments], Sequence[str]]
    share: int = 1
    times: int = 1

    def contender(self, environments: Environments) -> Contender:
        """The row, its graph made.

        Raises:
            ConfigError: its environment or graph could not be made.
        """
        words = [str(HERE / "peer_worker.py"), *self.arguments(environments)]
        if self.share > 1:
            words += ["--share", str(self.share)]
        return Contender(
            name=self.name,
            what=self.what,
            command=(str(environments.python("yolo")), *words),
            variables=environments.variables(),
            share=self.share,
            times=self.times,
            licence=self.licence,
        )


_ULTRALYTICS = "AGPL-3.0 (ultralytics)"
PEERS: tuple[Peer, ...] = (
    Peer(
        name=ANCHOR,
        what="SAHI + YOLOv8n ONNX, 640 px slices, overlap 0.2, and the whole frame once",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("sahi", "--graph", str(e.yolo_graph("yolov8n", 640))),
    ),
    Peer(
        name="sahi-yolo11n",
        what="SAHI + YOLO11n ONNX, the same slices",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("sahi", "--graph", str(e.yolo_graph("yolo11n", 640))),
    ),
    Peer(
        name="supervision",
        what="supervision InferenceSlicer + YOLOv8n ONNX, the same slices",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("supervision", "--graph", str(e.yolo_graph("yolov8n", 640))),
    ),
    Peer(
        name="opencv",
        what="OpenCV DNN + YOLOv8n, the same slices",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("opencv", "--graph", str(e.yolo_graph("yolov8n", 640))),
    ),
    Peer(
        name="tuned-f32",
        what="tuned by hand: the same slices of YOLOv8n, native OpenVINO f32, one stream a core",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("tuned", "--graph", str(e.yolo_graph("yolov8n", 640)), "--precision", "f32"),
    ),
    Peer(
        name="tuned-bf16",
        what="tuned by hand: bf16 asked for",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("tuned", "--graph", str(e.yolo_graph("yolov8n", 640)), "--precision", "bf16"),
    ),
    Peer(
        name="tuned-int8",
        what="tuned by hand: int8 convolutions",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("tuned", "--graph", str(e.int8_graph("yolov8n", 640)), "--precision", "int8"),
    ),
    Peer(
        name="whole-640",
        what="YOLOv8n on the whole frame shrunk to 640 px: a crack of 3 px is 0.5 px wide then",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("whole", "--graph", str(e.yolo_graph("yolov8n", 640)), "--side", "640"),
        times=3,
    ),
    Peer(
        name="whole-1280",
        what="YOLOv8n on the whole frame shrunk to 1280 px: a crack of 3 px is 0.9 px wide then",
        licence=_ULTRALYTICS,
        arguments=lambda e: ("whole", "--graph", str(e.yolo_graph("yolov8n", 1280)), "--side", "1280"),
    ),
    Peer(
        name="padim",
        what="anomalib PaDiM (ResNet-18) on tiles of 256 px, onnxruntime f32",
        licence="Apache-2.0",
        arguments=lambda e: ("anomaly", "--graph", str(e.anomaly_graph("padim"))),
        share=_PADIM_SHARE,
    ),
    Peer(
        name="efficientad",
        what="anomalib EfficientAD-S on tiles of 256 px, onnxruntime f32",
        licence="Apache-2.0",
        arguments=lambda e: ("anomaly", "--graph", str(e.anomaly_graph("efficientad"))),
        share=_EFFICIENTAD_SHARE,
    ),
)


def ours(packages: Sequence[Path], *, times: int = _FAST_TIMES) -> Iterator[Contender]:
    """Each package by each installed runtime; where there is VNNI, OpenVINO once more as on a CPU without.

    Raises:
        ConfigError: a package that cannot be read.
    """
    vnni = has_vnni()
    for folder in packages:
        card = load_card(folder)
        for kind in plugins.names("runtime"):
            try:
                runtime_of(card, kind, 0)
            except ConfigError:  # its library is not installed: `inspector bench` says so, here it is no contender
                continue
            row = Contender(
                name=f"{card.name} {kind}",
                what=f"this line: {card.name} {card.version}, full resolution, pixels to verdict, {kind}",
                command=tuple(worker_command(folder, kind, 0)),
                times=times,
                licence="Apache-2.0",
                sha256=card.sha256,
                package=str(folder),
            )
            yield row
            if kind == "openvino" and vnni:
                yield Contender(
                    name=f"{row.name} avx2",
                    what=f"{row.what}, kept to AVX2 (no VNNI, no AMX)",
                    command=row.command,
                    variables=NO_VNNI,
                    times=max(times // 5, 1),
                    licence=row.licence,
                    sha256=row.sha256,
                    package=row.package,
                )


def shipped(models: Path) -> list[Path]:
    """Packages in a folder, in the order of their names."""
    return sorted(path.parent for path in models.glob("*/card.toml"))
