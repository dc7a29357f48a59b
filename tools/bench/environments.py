"""Makes the peers' throw-away environments and graphs, each once for a working folder.

Two environments, because their packages ask for different versions of torch: ``yolo`` (ultralytics, which is AGPL-3.0,
SAHI, supervision, OpenVINO) and ``anomalib``. Nothing of them is imported by this project.
"""

import os
import shutil
import subprocess
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from inspector.domain.errors import ConfigError
from tools.peer_parity.environments import PACKAGES, TORCH

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_YOLO_NEEDS = (
    *("openvino", "opencv-python", "numpy", "pillow", "pyyaml", "requests", "psutil"),
    *("polars", "matplotlib", "scipy", "sahi", "supervision"),
)
_DONE = "complete"
_QUIET = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
Tell = Callable[[str], None]


class Environments:
    """The environments and graphs below one working folder; whatever is there already is used again."""

    def __init__(self, work: Path, tell: Tell) -> None:
        self._work = work
        self._tell = tell
        self.graphs = work / "graphs"
        self.graphs.mkdir(parents=True, exist_ok=True)

    def variables(self) -> dict[str, str]:
        """What every process of a peer finds in its environment."""
        return {**_QUIET, "YOLO_CONFIG_DIR": str(self._work / "settings"), "PYTHONPATH": str(ROOT)}

    def python(self, name: str) -> Path:
        """The Python of an environment, made if it is not there.

        Raises:
            ConfigError: a package could not be installed.
        """
        folder = self._work / name
        if not (folder / _DONE).exists():
            self._tell(f"making the environment {name}, once, in {folder}")
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            {"yolo": self._fill_yolo, "anomalib": self._fill_anomalib}[name](folder)
            (folder / _DONE).touch()
        return folder / "bin" / "python"

    def yolo_graph(self, model: str, side: int) -> Path:
        """``yolov8n`` or ``yolo11n`` with random weights, for pictures of ``side`` px; ultralytics' own export."""
        target = self.graphs / f"{model}-{side}.onnx"
        if not target.exists():
            command = str(self.python("yolo").parent / "yolo")
            self._tell(f"exporting {model} at {side} px")
            options = [f"model={model}.yaml", "format=onnx", f"imgsz={side}", f"opset={17}", "simplify=False"]
            self._run([command, "export", *options], folder=self.graphs)
            (self.graphs / f"{model}.onnx").rename(target)
        return target

    def int8_graph(self, model: str, side: int) -> Path:
        """The same with int8 convolutions."""
        target = self.graphs / f"{model}-{side}-int8.onnx"
        if not target.exists():
            graph = self.yolo_graph(model, side)
            self._tell(f"quantising {model}")
            draft = target.with_suffix(".draft")
            self._run([str(self.python("yolo")), str(HERE / "exports.py"), "int8", str(graph), str(draft)])
            draft.rename(target)
        return target

    def anomaly_graph(self, model: str) -> Path:
        """``padim`` or ``efficientad`` with random weights, for tiles of 256 px."""
        target = self.graphs / f"{model}.onnx"
        if not target.exists():
            python = str(self.python("anomalib"))
            self._tell("exporting anomalib's models")
            self._run([python, str(HERE / "exports.py"), "anomalib", str(self.graphs)])
        return target

    def _fill_yolo(self, folder: Path) -> None:
        self._install(folder, *TORCH)
        self._install(folder, *PACKAGES["ultralytics"], *_YOLO_NEEDS)

    def _fill_anomalib(self, folder: Path) -> None:
        self._install(folder, *TORCH)
        self._install(folder, *PACKAGES["anomalib"])

    def _install(self, folder: Path, *packages: str) -> None:
        self._run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages])

    def _run(self, command: Sequence[str], *, folder: Path | None = None) -> None:
        try:
            done = subprocess.run(  # noqa: S603 - commands of an environment we made
                command, cwd=folder, env={**os.environ, **self.variables()}, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise ConfigError(
                f"{command[0]}: {error.strerror}; the environment is not whole: remove {self._work} and start again"
            ) from error
        if done.returncode:
            said = (done.stdout[-1000:] + done.stderr[-1500:]).strip()
            raise ConfigError(f"{' '.join(command)}: ended with {done.returncode}\n{said}")
