"""Virtual environments of the peers: made outside of the project, pinned, used again where they are whole."""

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TORCH = ("torch==2.14.1", "torchvision==0.29.1")
_ONNX = ("onnx==1.23.2", "onnxruntime==1.32.0", "onnxscript==0.7.2")
PACKAGES = {
    "ultralytics": ("ultralytics==8.4.190", *_ONNX),
    "torchvision": ("opencv-python-headless==4.13.0.92", *_ONNX),
    "transformers": ("transformers==5.23.0", "scipy==1.17.1", "opencv-python-headless==4.13.0.92", *_ONNX),
    "anomalib": ("anomalib==2.7.0", "pytest-socket==0.8.1", *_ONNX),
}
"""What each family is measured with. torch and torchvision lie in one environment that all of them look into."""
_STAMP = "installed.json"
_INSTALL_MINUTES = 40.0
_STEPS_BACK = 10


class PeerError(Exception):
    """A peer cannot be measured: it could not be installed, or its own command failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One family's environment. ``versions``: its packages, as pinned."""

    family: str
    folder: Path

    @property
    def python(self) -> Path:
        """The environment's own interpreter."""
        return self.folder / "bin" / "python"

    @property
    def versions(self) -> str:
        """The peer and what it computes with, in words."""
        peer, torch = PACKAGES[self.family][0], " + ".join(TORCH)
        return torch if self.family == "torchvision" else f"{peer} + {torch}"


def say(text: str) -> None:
    """Tell the person at the terminal how far it is; results go to standard output alone."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def environment(work: Path, family: str) -> Environment:
    """The family's environment, made where it is not there.

    Raises:
        PeerError: pip could not install a package.
    """
    base = common(work)
    folder = _made(work / "environments" / family, PACKAGES[family], (_site(base),))
    return Environment(family=family, folder=folder)


def common(work: Path) -> Path:
    """The environment that all others look into, made where it is not there: before there are two of them at once.

    Raises:
        PeerError: pip could not install torch.
    """
    return _made(work / "environments" / "torch", TORCH, ())


def _made(folder: Path, packages: Sequence[str], seen: Sequence[Path]) -> Path:
    """An environment with ``packages`` that also finds what lies in ``seen``."""
    wanted = json.dumps([*packages, *map(str, seen)])
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    say(f"{folder.name}: installing {', '.join(packages)} (at most {_INSTALL_MINUTES:.0f} min)")
    venv.create(folder, with_pip=True)
    if seen:
        (_site(folder) / "seen.pth").write_text("".join(f"{path}\n" for path in seen), encoding="utf-8")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        run([*pip, *packages], folder=folder, minutes=_INSTALL_MINUTES)
    except PeerError as error:
        raise PeerError(
            f"{folder.name}: {', '.join(packages)} cannot be installed; is a package index within reach that has these "
            f"versions (pip's own words follow)?\n{error}"
        ) from error
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def _site(folder: Path) -> Path:
    return next((folder / "lib").glob("python*/site-packages"))


def run(command: Sequence[str | Path], *, folder: Path, minutes: float) -> str:
    """Run one of the peer's commands, one thread; gives what it printed.

    Raises:
        PeerError: it failed or took longer than ``minutes``.
    """
    words = [str(word) for word in command]
    told = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        **({"PYTHONPATH": str(ROOT)} if "-m" in words else {}),
        "PYTHONWARNINGS": "ignore",
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(folder / "settings"),
        "HF_HUB_OFFLINE": "1",
        "MPLCONFIGDIR": str(folder / "settings"),
    }
    with subprocess.Popen(  # noqa: S603 - the environment's own commands
        words,
        cwd=folder,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            printed, _ = process.communicate(timeout=minutes * 60)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise PeerError(f"{' '.join(words)}: took longer than {minutes:g} min") from error
    if process.returncode:
        raise PeerError(f"{' '.join(words)}: ended with {process.returncode}\n{_end_of(printed)}")
    return printed


def step_back() -> None:
    """Let this process and all that it starts run behind everything else on this PC."""
    os.nice(max(_STEPS_BACK - os.nice(0), 0))


def _end_of(printed: str, lines: int = 25) -> str:
    kept = [line for line in printed.splitlines() if line.strip() and not line.startswith("WARNING: Location")]
    return "\n".join(kept[-lines:])


def inside(name: str) -> list[str]:
    """How an environment's Python runs a module of ours."""
    return ["-m", f"tools.peer_parity.inside.{name}"]
