"""What a peer is given and what it gives back: pictures and truth as tensors, predictions as a reference file."""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.peer_parity.pictures import NAMES, boxes

SEED = 1
_WARM_STEPS = 50
_STEEPEST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One run of a peer. ``further``: it goes on from the weights of the last time."""

    work: Path
    model: str
    minutes: float
    floor: float
    further: bool

    @property
    def graph(self) -> Path:
        """Where the export belongs."""
        return self.work / self.model / "model.onnx"

    @property
    def weights(self) -> Path:
        """Where training ended the last time."""
        return self.work / self.model / "weights.pt"

    def pictures(self, split: str) -> list[Path]:
        """The drawn pictures of a split."""
        return sorted((self.work / "pictures" / "images" / split).glob("*.png"))

    def truth(self, picture: Path) -> tuple[list[list[float]], list[int]]:
        """Boxes and classes drawn into a picture."""
        height, width = read(picture).shape[:2]
        return boxes(self.work / "pictures" / "labels" / picture.parent.name / f"{picture.stem}.txt", height, width)


def begin() -> Lesson:
    """Read the command line; one thread, seeded."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--floor", type=float, required=True)
    parser.add_argument("--further", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - some peers draw from it
    lesson = Lesson(**vars(asked))
    lesson.graph.parent.mkdir(parents=True, exist_ok=True)
    return lesson


def read(picture: Path) -> NDArray[np.uint8]:
    """Red, green, blue; shape (height, width, 3)."""
    image = cv2.imread(str(picture))
    assert image is not None  # noqa: S101 - we have drawn it
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def taught(lesson: Lesson, model: torch.nn.Module, losses: Any, *, batch: int, rate: float) -> None:
    """Train for the lesson's minutes of this process's own computing: ``losses(numbers)`` is to become small.

    Computing time, not the clock: on a busy PC the clock would end a training that has hardly begun.
    """
    if lesson.weights.is_file():
        model.load_state_dict(torch.load(lesson.weights, weights_only=True))
        if not lesson.further:
            return
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4)
    begun, end = time.process_time(), lesson.minutes * 60
    model.train()
    for step, numbers in enumerate(_shuffled(len(lesson.pictures("train")), batch)):
        spent = (time.process_time() - begun) / end
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min((step + 1) / _WARM_STEPS, 1.0, 0.02 + 1.2 * (1 - spent))
        loss = losses(numbers)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _STEEPEST)
        optimiser.step()
        if step % _WARM_STEPS == 0:
            print(f"step {step}, {spent:.0%} of the time, loss {loss.item():.3f}", file=sys.stderr, flush=True)
    torch.save(model.state_dict(), lesson.weights)


def _shuffled(count: int, batch: int) -> Iterator[list[int]]:
    order = random.Random(SEED)
    while True:
        numbers = list(range(count))
        order.shuffle(numbers)
        yield from (numbers[at : at + batch] for at in range(0, count - batch + 1, batch))


def write_detections(lesson: Lesson, found: Mapping[Path, Sequence[tuple[int, float, Sequence[float]]]]) -> None:
    """Write the reference file: class, score and box of every prediction at or above the floor."""
    entries = [
        {
            "file": f"../{picture.relative_to(lesson.work)}",
            "detections": [
                {"label": NAMES[number], "score": score, "box": list(box)}
                for number, score, box in predictions
                if score >= lesson.floor
            ],
        }
        for picture, predictions in found.items()
    ]
    write(lesson, entries)


def write(lesson: Lesson, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the reference file beside the graph."""
    lesson.graph.with_suffix(".json").write_text(json.dumps({"images": entries}, indent=1), encoding="utf-8")
