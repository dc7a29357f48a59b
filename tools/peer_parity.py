"""Prove that imported models see what their own software sees.

A throw-away environment is made outside of the repository; there the peer trains for minutes on drawn pictures,
exports to ONNX and predicts, all by its own command line. Then the export is imported as a user would import it, with
the peer's predictions as ``--reference``: same boxes (IoU >= 0.99), same scores (within 1e-3), or it is refused.

The peer (ultralytics, AGPL-3.0) lives in that environment only. Nothing of it is imported here, and nothing is kept.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = ("line", "spot", "tile")
MODELS = ("yolov8n", "yolo11n", "yolov8n-seg", "yolo11n-seg")
PICTURES = 20
LEAST_BOXES = 50
FLOOR = 0.2
SIDE = 320
TORCH = "torch==2.13.0"
PEER = ("ultralytics", "ultralytics-thop", "torchvision==0.28.0")
NEEDED = (
    *("onnx>=1.23,<2", "onnxruntime", "opencv-python-headless", "numpy", "pillow", "pyyaml", "requests", "psutil"),
    *("polars", "matplotlib", "scipy"),
)
NMS = '''"""Stands in for torchvision, whose compiled operators need gigabytes that this comparison does not."""
import torch
__version__ = "0.28.0"


class ops:
    @staticmethod
    def nms(boxes, scores, iou):
        order, kept = scores.argsort(descending=True), []
        while order.numel():
            best, rest = order[0], order[1:]
            kept.append(best)
            low = torch.maximum(boxes[best, :2], boxes[rest, :2])
            high = torch.minimum(boxes[best, 2:], boxes[rest, 2:])
            inner = (high - low).clamp(min=0).prod(dim=1)
            area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
            order = rest[inner / (area[best] + area[rest] - inner) <= iou]
        return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long)
'''
SIZES = {
    "train": ((256, 320),),
    "odd": ((300, 420), (500, 400), (256, 320), (700, 900)),
    "val": ((480, 640), (640, 480), (320, 320), (240, 320)),
}
"""Height and width. Pictures to predict on have odd sizes; those to validate on scale to ``SIDE`` without rounding."""


def make_environment(folder: Path) -> Path:
    """Install the peer into a virtual environment; gives its folder of commands."""
    bin_ = folder / "bin"
    if (bin_ / "yolo").exists():
        return bin_
    venv.create(folder, with_pip=True)
    pip = [str(bin_ / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, TORCH])
    _run([*pip, *NEEDED])
    _run([*pip, "--no-deps", *PEER])
    site = next((folder / "lib").glob("python*/site-packages"))
    _run(["rm", "-rf", str(site / "torchvision"), str(site / "torchvision.libs")])
    (site / "torchvision").mkdir()
    (site / "torchvision" / "__init__.py").write_text(NMS, encoding="utf-8")
    return bin_


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "YOLO_OFFLINE": "true",
        **({"YOLO_CONFIG_DIR": str(folder / "settings")} if folder else {}),
    }
    os.nice(max(15 - os.nice(0), 0))  # whatever else runs on this PC comes first
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the environment's own commands
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)}: ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def draw_data(folder: Path, train: int) -> None:
    """Pictures of lines, spots and tiles on grain, with the outlines as labels."""
    for seed, (split, sizes) in enumerate(SIZES.items()):
        random = np.random.default_rng(seed)
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for number in range(train if split == "train" else PICTURES):
            image, lines = _scene(random, *sizes[number % len(sizes)])
            cv2.imwrite(str(images / f"{number:03}.png"), image)
            (labels / f"{number:03}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    names = json.dumps(list(NAMES))
    text = f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames: {names}\n"
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _scene(random: np.random.Generator, height: int, width: int) -> tuple[NDArray[np.uint8], list[str]]:
    grain = cv2.GaussianBlur(random.normal(128, 10, (height, width)).astype(np.float32), (0, 0), 1.2)
    grain = grain + np.linspace(-15, 15, width, dtype=np.float32)
    image = np.repeat(grain[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
    taken: NDArray[Any] = np.zeros((height, width), np.uint8)
    lines = []
    for _ in range(int(random.integers(4, 8))):
        kind = int(random.integers(len(NAMES)))
        outline = _outline(random, kind, random.uniform(30, width - 30), random.uniform(30, height - 30))
        outline = np.clip(outline, 0, (width - 1, height - 1))
        corners = outline.round().astype(np.int32)
        own = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1)
        if (own & taken).any():
            continue
        taken = np.maximum(taken, cv2.dilate(own, np.ones((9, 9), np.uint8)))
        cv2.fillPoly(image, [corners], ((30, 30, 40), (60, 200, 230), (220, 90, 60))[kind], cv2.LINE_AA)
        lines.append(f"{kind} " + " ".join(f"{x / width:.5f} {y / height:.5f}" for x, y in outline.tolist()))
    noisy = image + random.normal(0, 4, image.shape)
    return noisy.clip(0, 255).astype(np.uint8), lines


def _outline(random: np.random.Generator, kind: int, x: float, y: float) -> NDArray[np.float64]:
    if kind == 1:
        axes = (int(random.uniform(8, 20)), int(random.uniform(8, 20)))
        ring = cv2.ellipse2Poly((int(x), int(y)), axes, int(random.uniform(0, 180)), 0, 360, 15)
        return np.asarray(ring, np.float64)
    side = random.uniform(16, 34)
    sides = (random.uniform(40, 80), random.uniform(4, 8)) if kind == 0 else (side, side)
    return np.asarray(cv2.boxPoints(((x, y), sides, random.uniform(0, 180))), np.float64)


def train_and_export(bin_: Path, work: Path, model: str, *, epochs: int) -> Path:
    """The peer trains and exports; gives the ONNX file."""
    weights = work / "runs" / model / "weights"
    yolo = str(bin_ / "yolo")
    if not (weights / "best.pt").exists():
        places = (f"project={work / 'runs'}", f"name={model}", "exist_ok=True", "device=cpu", "workers=0")
        recipe = ("imgsz=224", f"epochs={epochs}", "batch=16", "mosaic=0", "optimizer=AdamW", "lr0=0.002", "seed=1")
        quiet = ("amp=False", "plots=False", "val=False", "pretrained=False")
        _run([yolo, "train", f"model={model}.yaml", f"data={work / 'data.yaml'}", *places, *recipe, *quiet], work)
    if not (weights / "best.onnx").exists():
        _run(
            [
                yolo,
                "export",
                f"model={weights / 'best.pt'}",
                "format=onnx",
                f"imgsz={SIDE}",
                "opset=17",
                "simplify=False",
            ],
            work,
        )
    return weights / "best.onnx"


def predict(bin_: Path, work: Path, model: str, graph: Path) -> Path:
    """The peer predicts; gives a file for ``--reference``."""
    common = (f"model={graph}", f"imgsz={SIDE}", f"conf={FLOOR}", "iou=0.7", "device=cpu", "exist_ok=True")
    place = (f"project={work / 'predictions'}", f"name={model}")
    yolo = str(bin_ / "yolo")
    if model.endswith("-seg"):
        # Its text files hold outlines only; boxes of a segmentation model stand in the validation's JSON.
        quiet = ("save_json=True", "plots=False", "batch=1", "rect=False", "workers=0")
        _run([yolo, "val", f"data={work / 'data.yaml'}", *common, *place, *quiet], work)
        found = _from_json(work / "predictions" / model / "predictions.json")
        split = "val"
    else:
        split = "odd"
        _run(
            [
                yolo,
                "predict",
                f"source={work / 'images' / split}",
                *common,
                *place,
                "save=False",
                "save_txt=True",
                "save_conf=True",
            ],
            work,
        )
        found = {
            file.stem: _from_text(file, work / "images" / split / f"{file.stem}.png")
            for file in (work / "predictions" / model / "labels").glob("*.txt")
        }
    pictures = sorted((work / "images" / split).glob("*.png"))
    entries = [{"file": str(path.relative_to(work)), "detections": found.get(path.stem, [])} for path in pictures]
    target = work / f"{model}.json"
    target.write_text(json.dumps({"images": entries}), encoding="utf-8")
    return target


def _from_json(path: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        x, y, width, height = row["bbox"]
        entry = {"label": NAMES[row["category_id"] - 1], "score": row["score"], "box": [x, y, x + width, y + height]}
        found.setdefault(Path(row["file_name"]).stem, []).append(entry)
    return found


def _from_text(path: Path, picture: Path) -> list[dict[str, Any]]:
    image = cv2.imread(str(picture))
    assert image is not None  # noqa: S101 - we have drawn it
    height, width = image.shape[:2]
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        number, x, y, wide, high, score = (float(word) for word in line.split())
        box = [(x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height]
        found.append({"label": NAMES[int(number)], "score": score, "box": box})
    return found


def compare(work: Path, model: str, graph: Path, reference: Path) -> dict[str, Any]:
    """Import as a user would, and say what came of it."""
    command = [sys.executable, "-m", "inspector", "model", "import", str(graph), "--name", model, "--replace", "--json"]
    command += ["--models", str(work / "models"), "--reference", str(reference), "--floor", str(FLOOR)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    boxes = sum(len(image["detections"]) for image in json.loads(reference.read_text(encoding="utf-8"))["images"])
    result: dict[str, Any] = {"model": model, "pictures": PICTURES, "boxes": boxes, "enough": boxes >= LEAST_BOXES}
    if done.returncode:
        return {**result, "fits": False, "says": done.stderr.strip()}
    return {**result, "fits": True, **json.loads(done.stdout)["parity"]}


def main() -> None:
    """Read the command line, compare, print JSON; exit 1 if a model does not fit."""
    parser = argparse.ArgumentParser(prog="python -m tools.peer_parity", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--work", type=Path, help="folder to work in, kept [default: a temporary one, removed]")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=240, help="to train on")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peer-parity-") as temporary:
        work = (asked.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        bin_ = make_environment(work / "environment")
        draw_data(work, asked.pictures)
        results = []
        for model in asked.models:
            graph = train_and_export(bin_, work, model, epochs=asked.epochs)
            results.append(compare(work, model, graph, predict(bin_, work, model, graph)))
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
        print(json.dumps({"least_iou": 0.99, "largest_score_difference": 1e-3, "results": results}, indent=1))
    raise SystemExit(0 if all(result["fits"] and result["enough"] for result in results) else 1)


if __name__ == "__main__":
    main()
