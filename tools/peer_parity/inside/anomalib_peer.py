"""Fits, exports and predicts with anomalib, by its own engine. Its backbone's weights are random: no hub is asked."""

import shutil
from pathlib import Path

import numpy as np
from anomalib.data import Folder, PredictDataset
from anomalib.engine import Engine
from anomalib.models import Padim, Patchcore

from tools.peer_parity.inside.lesson import SEED, Lesson, begin, write

SIDE = 256
_BATCH = 8


def main() -> None:
    """Read the command line and do all three."""
    lesson = begin()
    root = lesson.graph.parent
    quiet = {"pre_trained": False, "visualizer": False, "evaluator": False}
    model = Padim(n_features=40, **quiet) if lesson.model == "padim" else _patchcore(quiet)
    data = Folder(
        name="drawn",
        root=lesson.work / "pictures" / "images",
        normal_dir="good",
        abnormal_dir="even",
        train_batch_size=_BATCH,
        eval_batch_size=_BATCH,
        num_workers=0,
        seed=SEED,
    )
    engine = Engine(default_root_dir=root / "runs", logger=False, accelerator="cpu", devices=1, max_epochs=1)
    engine.fit(model=model, datamodule=data)
    _predict(lesson, engine, model)
    # PatchCore's search for neighbours fixes the batch: to two pictures, unless it is exported with one.
    one = {"dynamic_shapes": None} if lesson.model == "patchcore" else {}
    exported = model.to_onnx(root / "export", input_size=(SIDE, SIDE), **one)
    for part in exported.parent.glob("model.onnx*"):
        shutil.move(part, root / part.name)


def _patchcore(quiet: dict[str, bool]) -> Patchcore:
    return Patchcore(backbone="resnet18", layers=("layer2",), coreset_sampling_ratio=0.002, **quiet)


def _predict(lesson: Lesson, engine: Engine, model: Padim | Patchcore) -> None:
    """The raw map of every picture as a file, and its score."""
    pictures = lesson.pictures("odd")
    batches = engine.predict(model=model, dataset=PredictDataset(path=pictures[0].parent), return_predictions=True)
    entries = []
    for batch in batches:
        for path, found, score in zip(batch.image_path, batch.anomaly_map, batch.pred_score, strict=True):
            picture = Path(path)
            target = lesson.graph.parent / f"{picture.stem}.npy"
            np.save(target, found.squeeze().float().cpu().numpy())
            entry = {"file": f"../{picture.relative_to(lesson.work)}", "map": target.name, "map_score": float(score)}
            entries.append(entry)
    write(lesson, entries)


if __name__ == "__main__":
    main()
