"""Make a model package of a trained net: ``python -m tools.export RUN --out models/NAME``.

Folds the net, writes it as ONNX, quantises it on crops it was trained on, sets 0.5 by pictures that it was not
trained on, and lets no package out before torch, float ONNX and int8 ONNX have been held side by side.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from inspector.adapters.runtime_onnx import sums
from inspector.app.model_package import GRAPH_FILE
from inspector.app.model_signature import sign_package
from inspector.domain.errors import ConfigError, FrameError
from tools.card import CardFacts, write_card
from tools.data.record import Record
from tools.evaluation.figures import Table
from tools.evaluation.looking import open_eye
from tools.evaluation.table import make_row
from tools.graph import build, with_pixels
from tools.limits import Limit, limits
from tools.net import SurfaceNet
from tools.plan import NORM_MIDDLE, NORM_SCALE
from tools.quantise import LOGIT_LIMIT, Quantised, quantise, quietly
from tools.weights import FILE, save_weights

MOST_FOLD_DIFFERENCE = 1e-2
"""Logits of torch and of the folded float ONNX differ by rounding alone; more means a wrong graph."""
_EDGE = 1e-6
_TIMED_SIDE, _ROUNDS = 1024, 5
_CALIBRATION = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of the net, as measured on pictures that it was not trained on. NaN: nothing to measure on."""

    name: str
    kilobytes: float
    cpu_ms_per_mp: float
    image_auroc: float
    image_ap: float
    flips: int
    pictures: int
    largest_logit_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export found out."""

    forms: tuple[Form, ...]
    limits: tuple[Limit, ...]
    fold_difference: float


def export(
    net: SurfaceNet, facts: CardFacts, out: Path, *, crops: Sequence[NDArray[np.uint8]], held: Sequence[Record]
) -> Exported:
    """Write ``out/model`` (int8) and ``out/float``; ``facts`` gives names, the rest is found here.

    Args:
        net: in evaluation mode; its head is moved so that a score of 0.5 is the limit.
        facts: of the card.
        out: folder for both packages; what stands there is replaced.
        crops: pieces of training pictures, (H, W) uint8; the last quarter checks, the others calibrate.
        held: pictures that the net was not trained on; none: 0.5 stays where it is.

    Raises:
        ConfigError: the ONNX graph does not say what the trained net says.
    """
    calibrating, checking = list(crops[: -(len(crops) // 4)]), list(crops[-(len(crops) // 4) :])
    found: list[Limit] = []
    if held:
        _write(net, facts, out, calibrating)
        table, logits = look(out / "model", held)
        found = limits(logits, ~table.bad, table.class_bad, facts.labels)
        with torch.no_grad():
            net.head.bias -= torch.tensor([limit.logit for limit in found])
    models = _write(net, facts, out, calibrating)
    fold = _fold_difference(net, models["float"], checking)
    if fold > MOST_FOLD_DIFFERENCE:
        raise ConfigError(f"{out}: torch and ONNX differ by {fold:.3g} in a logit; no package was let out")
    save_weights(net, tuple(facts.labels), out / "model" / FILE)
    return Exported(forms=tuple(_forms(models, facts, out, checking, held)), limits=tuple(found), fold_difference=fold)


def _write(net: SurfaceNet, facts: CardFacts, out: Path, crops: list[NDArray[np.uint8]]) -> dict[str, Any]:
    """Write the int8 and the float package; return all three ONNX models."""
    plain = build(net.fold())
    whole = with_pixels(plain)
    int8 = quantise(plain, crops)
    _package(out / "model", int8.model, _with(facts, int8))
    _package(out / "float", whole, _with(facts, None))
    return {"float": whole, "int8": int8.model, "int8, dynamic": _dynamic(whole), "codes": int8}


def _with(facts: CardFacts, int8: Quantised | None) -> CardFacts:
    kept = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    if int8 is None:
        return CardFacts(**{**kept, "dtype": "float32", "scale": 1.0, "zero_point": 0})
    return CardFacts(**{**kept, "dtype": "uint8", "scale": int8.scale, "zero_point": int8.zero_point})


def _package(folder: Path, model: Any, facts: CardFacts) -> None:
    """Write graph and card; what the graph is stands in its own metadata too."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"name": facts.name, "version": facts.version, "licence": facts.licence, "labels": ",".join(facts.labels)}
    for key, value in told.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = f"inspector.{key}", value
    onnx.save(model, folder / GRAPH_FILE)
    write_card(folder, facts)


def _dynamic(model: Any) -> Any:
    """Quantise weights only; onnxruntime finds the ranges of activations anew for each picture."""
    with tempfile.TemporaryDirectory() as folder, quietly():
        before, after = Path(folder) / "float.onnx", Path(folder) / "dynamic.onnx"
        onnx.save(model, before)
        quantize_dynamic(before, after, weight_type=QuantType.QUInt8)
        return onnx.load(after)


def _session(model: Any) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if sums.are_cut_off():  # as the line's own: see decision 0055
        options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _fold_difference(net: SurfaceNet, model: Any, crops: Sequence[NDArray[np.uint8]]) -> float:
    """Largest difference of a logit between torch and the folded float graph."""
    session, worst = _session(model), 0.0
    for crop in crops:
        image = ((crop.astype(np.float32) - NORM_MIDDLE) / NORM_SCALE)[None, None]
        with torch.no_grad():
            expected = net(torch.from_numpy(image)).numpy()
        given = session.run(None, {"image": np.ascontiguousarray(crop[None, None])})[0]
        worst = max(worst, float(np.abs(expected - given).max()))
    return worst


def _forms(
    models: dict[str, Any], facts: CardFacts, out: Path, crops: Sequence[NDArray[np.uint8]], held: Sequence[Record]
) -> list[Form]:
    """Hold the forms side by side: size, speed, accuracy, and the verdicts that flip."""
    codes: Quantised = models["codes"]
    reference = _logits(_session(models["float"]), crops, 1.0, 0)
    forms, said = [], None
    for name in ("float", "int8", "int8, dynamic"):
        session = _session(models[name])
        static = name == "int8"
        given = _logits(session, crops, codes.scale if static else 1.0, codes.zero_point if static else 0)
        difference = max(
            float(np.abs(np.clip(a, -LOGIT_LIMIT, LOGIT_LIMIT) - np.clip(b, -LOGIT_LIMIT, LOGIT_LIMIT)).max())
            for a, b in zip(reference, given, strict=True)
        )
        auroc = ap = float("nan")
        flips = 0
        if held:
            folder = out / ("model" if static else "float")
            with tempfile.TemporaryDirectory() as scratch:
                if name == "int8, dynamic":
                    folder = Path(scratch) / "dynamic"
                    _package(folder, models[name], _with(facts, None))
                table, _ = look(folder, held)
            ones = np.ones(len(table.rows))
            figures = table.figures(ones, ())
            auroc, ap = figures["image_auroc"], figures["image_ap"]
            verdicts = table.score >= 0.5  # noqa: PLR2004 - the limit
            said = verdicts if said is None else said
            flips = int((verdicts != said).sum())
        forms.append(
            Form(
                name=name,
                kilobytes=round(len(models[name].SerializeToString()) / 1024, 1),
                cpu_ms_per_mp=round(_cpu_ms(session), 2),
                image_auroc=auroc,
                image_ap=ap,
                flips=flips,
                pictures=len(held),
                largest_logit_difference=round(difference, 3),
            )
        )
    return forms


def _logits(
    session: ort.InferenceSession, crops: Sequence[NDArray[np.uint8]], scale: float, zero: int
) -> list[NDArray[np.float32]]:
    given = [session.run(None, {"image": np.ascontiguousarray(crop[None, None])})[0] for crop in crops]
    return [(array.astype(np.float32) - zero) * np.float32(scale) for array in given]


def _cpu_ms(session: ort.InferenceSession) -> float:
    """Least processor time of a run on a megapixel, one thread."""
    image = np.random.default_rng(1).integers(60, 200, (1, 1, _TIMED_SIDE, _TIMED_SIDE), np.uint8)
    spent = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        session.run(None, {"image": image})
        spent.append(time.process_time() - begun)
    return min(spent) * 1e3 / (_TIMED_SIDE**2 / 1e6)


def look(package: Path, records: Sequence[Record]) -> tuple[Table, NDArray[np.float64]]:
    """Look at pictures through the line's own code.

    Returns:
        The table, and (pictures, classes) the logit of each class's strongest cell.
    """
    with open_eye(package) as eye:
        rows = []
        for record in records:
            try:
                rows.append(make_row(eye.look(record), eye.card.labels))
            except FrameError as error:
                print(f"left out: {error}", file=sys.stderr)
        table = Table(rows, eye.card.labels)
    scores = np.clip(np.stack([row.class_scores for row in rows]), _EDGE, 1.0 - _EDGE)
    return table, np.log(scores / (1.0 - scores))


def main(arguments: Sequence[str] | None = None) -> None:
    """Copy a run's package to where the line finds it, signed if a key is given."""
    parser = argparse.ArgumentParser(prog="python -m tools.export", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder of tools.train")
    parser.add_argument("--out", type=Path, required=True, help="model folder, e.g. models/bracket")
    parser.add_argument("--replace", action="store_true", help="overwrite what stands there")
    parser.add_argument("--key", type=Path, help="sign the package with this private key (inspector model keygen)")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    source = asked.run / "model"
    if not (source / GRAPH_FILE).is_file():
        raise SystemExit(f"{source}: no package there; python -m tools.train --out {asked.run} ends by writing it")
    if asked.out.exists() and not asked.replace:
        raise SystemExit(f"{asked.out}: is there already; --replace overwrites it")
    shutil.rmtree(asked.out, ignore_errors=True)
    shutil.copytree(source, asked.out)
    if asked.key:
        try:
            print(f"signed by {sign_package(asked.out, asked.key)}")
        except ConfigError as error:
            shutil.rmtree(asked.out)
            raise SystemExit(f"tools.export: {error}; nothing was exported") from error
    print(f"{asked.out}: {(asked.out / GRAPH_FILE).stat().st_size} bytes of graph")


def exported_as_json(found: Exported) -> str:
    """The findings, for ``RUN/export.json``."""
    return json.dumps(asdict(found), indent=1) + "\n"


if __name__ == "__main__":
    main()
