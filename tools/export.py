"""Export a trained run: ``python -m tools.export RUN --out models/surface-small --data REAL``.

Folds the net, writes it as ONNX, quantises it on train crops, compares torch, float ONNX and int8 ONNX on crops
that were not used for calibration, and writes ``model.onnx`` and ``card.toml``.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from tools.card import CardFacts, write_card
from tools.graph import blocks, build
from tools.net import SurfaceNet
from tools.plan import LABELS, NORM_MIDDLE, NORM_SCALE
from tools.quantise import Quantised, quantise
from tools.realdata import shippable_pictures
from tools.sampler import draw_batch
from tools.scenebank import SceneBank

_CALIBRATION_CROPS, _CHECK_CROPS, _SIDE = 96, 24, 320
_CALIBRATION_SEED = 99


def load_net(run: Path) -> SurfaceNet:
    """Load the averaged net of a run's last checkpoint."""
    net = SurfaceNet()
    net.load_state_dict(torch.load(run / "checkpoint.pt", weights_only=False)["ema"])
    net.eval()
    return net


def sample_crops(data: Path | None, count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Draw train crops as training saw them, (side, side) uint8, seeded."""
    rng = np.random.default_rng(seed)
    real = shippable_pictures(data, "train", rng) if data else []
    bank = SceneBank(size=48, seed=seed)
    batch = draw_batch(rng, bank.pictures, real, count=count, side=_SIDE, real_share=0.12)
    grey = batch.images[:, 0] * NORM_SCALE + NORM_MIDDLE
    return list(np.rint(grey).astype(np.uint8))


def compare(net: SurfaceNet, float_model: Any, int8: Quantised, crops: list[NDArray[np.uint8]]) -> dict[str, float]:
    """Return the largest and mean differences between the three forms of the net on crops."""
    float_run = ort.InferenceSession(float_model.SerializeToString(), providers=["CPUExecutionProvider"])
    int8_run = ort.InferenceSession(int8.model.SerializeToString(), providers=["CPUExecutionProvider"])
    fold, logit, score, flips, cells = 0.0, [], [], 0, 0
    for crop in crops:
        image = ((crop.astype(np.float32) - NORM_MIDDLE) / NORM_SCALE)[None, None]
        with torch.no_grad():
            torch_logits = net(torch.from_numpy(image)).numpy()
        onnx_logits = float_run.run(None, {"blocks": np.ascontiguousarray(blocks(image), np.float32)})[0]
        codes = int8_run.run(None, {"image": crop[None, None]})[0]
        int8_logits = (codes.astype(np.float32) - int8.zero_point) * int8.scale
        fold = max(fold, float(np.abs(torch_logits - onnx_logits).max()))
        logit.append(np.abs(int8_logits - onnx_logits).mean())
        before, after = 1 / (1 + np.exp(-onnx_logits)), 1 / (1 + np.exp(-int8_logits))
        score.append(np.abs(after - before).ravel())
        flips += int(((before >= 0.5) != (after >= 0.5)).sum())  # noqa: PLR2004 - the plain middle
        cells += before.size
    scores = np.concatenate(score)
    return {
        "fold_max_logit": fold,
        "int8_mean_logit": float(np.mean(logit)),
        "int8_max_score": float(scores.max()),
        "int8_p999_score": float(np.quantile(scores, 0.999)),
        "int8_flipped_cells_share": flips / cells,
    }


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(prog="python -m tools.export", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder of tools.train")
    parser.add_argument("--out", type=Path, required=True, help="model folder, e.g. models/surface-small")
    parser.add_argument("--data", type=Path, help="folder of real pictures, as for training")
    parser.add_argument(
        "--shift", type=float, nargs=len(LABELS), default=[0.0] * len(LABELS), metavar="LOGIT",
        help="added to the logits of each class, so that 0.5 lies amid good and bad calibration parts",
    )  # fmt: skip
    asked = parser.parse_args()
    torch.set_num_threads(1)
    net = load_net(asked.run)
    with torch.no_grad():
        net.head.bias += torch.tensor(asked.shift)
    float_model = build(net.fold())
    crops = sample_crops(asked.data, _CALIBRATION_CROPS + _CHECK_CROPS, _CALIBRATION_SEED)
    int8 = quantise(float_model, crops[:_CALIBRATION_CROPS])
    differences = compare(net, float_model, int8, crops[_CALIBRATION_CROPS:])
    print(json.dumps(differences, indent=1))
    asked.out.mkdir(parents=True, exist_ok=True)
    onnx.save(int8.model, asked.out / "model.onnx")
    facts = json.loads((asked.run / "run.json").read_text(encoding="utf-8"))
    metrics = {f"train_{key}": value for key, value in facts.items() if key != "commands"}
    metrics["train_commands"] = "\n".join(facts["commands"])
    metrics["train_shift"] = " ".join(f"{shift:g}" for shift in asked.shift)
    write_card(asked.out, CardFacts(scale=int8.scale, zero_point=int8.zero_point, metrics=metrics))
    print(f"{asked.out / 'model.onnx'}: {(asked.out / 'model.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
