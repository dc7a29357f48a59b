"""Keep a net's trained weights beside its package, so that a user's own product can start from them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inspector.domain.errors import ConfigError
from tools.net import SurfaceNet
from tools.plan import Shape

FILE = "weights.npz"
_ABOUT = "about"


def save_weights(net: SurfaceNet, labels: tuple[str, ...], path: Path) -> None:
    """Write the unfolded weights and what they are of; numbers only, no pickles."""
    shape = net.shape
    about = {"fine": shape.fine, "middle": shape.middle, "coarse": shape.coarse, "labels": list(labels)}
    arrays: dict[str, Any] = {
        name: value.numpy().astype(np.float32)
        for name, value in net.state_dict().items()
        if value.dtype.is_floating_point
    }
    arrays[_ABOUT] = np.array(json.dumps(about))
    np.savez_compressed(path, allow_pickle=False, **arrays)


def load_weights(path: Path) -> tuple[SurfaceNet, tuple[str, ...]]:
    """Read a net and its labels from ``weights.npz`` or from a folder that holds it (a package or a run).

    Raises:
        ConfigError: there are none, or they are no net's.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(
            f"{path}: no {FILE} there; models/surface-small, or the --out folder of an earlier training is right"
        )
    try:
        with np.load(file, allow_pickle=False) as kept:
            about = json.loads(str(kept[_ABOUT]))
            state = {name: torch.from_numpy(kept[name]) for name in kept.files if name != _ABOUT}
            labels = tuple(about.pop("labels"))
            net = SurfaceNet(Shape(**about), len(labels))
            net.load_state_dict({**net.state_dict(), **state})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ConfigError(f"{file}: is no file of weights of this workshop ({error})") from error
    net.eval()
    return net, labels


def start_from(net: SurfaceNet, labels: tuple[str, ...], path: Path) -> str:
    """Copy into ``net`` what fits of another net's weights; classes are matched by name.

    Returns:
        What was taken, in words.

    Raises:
        ConfigError: the other net has other channels.
    """
    other, known = load_weights(path)
    if other.shape != net.shape:
        raise ConfigError(f"--init {path}: is a net of {other.shape}, but --tier asks for {net.shape}")
    state = {name: value for name, value in other.state_dict().items() if not name.startswith("head.")}
    net.load_state_dict({**net.state_dict(), **state})
    shared = [label for label in labels if label in known]
    with torch.no_grad():
        for label in shared:
            new, old = labels.index(label), known.index(label)
            net.head.weight[new] = other.head.weight[old]
            net.head.bias[new] = other.head.bias[old]
    return f"all layers, and the head for {', '.join(shared) or 'no class'}"
