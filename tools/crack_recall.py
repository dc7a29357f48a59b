"""Recall of cracks 1, 2 and 3 px wide at a fixed rate of false alarms: ``python -m tools.crack_recall --model DIR``.

Rendered parts at full size go through the line's own detector: good ones set the threshold at which no more than
``--false-alarms`` a megapixel are left, parts with painted cracks of known width tell how many are found there. With
``--float FILE`` the same parts go through the float graph that the package was quantised from (input: pixels 0 to 255
as uint8 or float32 in the package's layout; output: the same map as float32 logits), at its own threshold for the
same rate; the difference is what int8 costs. With ``--shrink 2`` every part is halved first: what a coarse look would
still find, which is all that a finer look at its places can confirm. No seed is one that training or another
evaluation uses.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich import box as lines
from rich.console import Console
from rich.table import Table

from inspector.adapters.runtime_onnx.graph import look
from inspector.app.bench import machine
from inspector.app.bench.worker import CONTEXT, runtime_of
from inspector.app.digest import sha256_of
from inspector.app.exits import speaking_plainly
from inspector.app.model_package import load_card
from inspector.app.open_model import open_model
from inspector.domain.confidence import lower_bound, upper_bound
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.domain.geometry import Box
from inspector.ports.model import ModelCard
from inspector.twin.scenes import GENERATOR_VERSION, Scene, SceneSettings, render, render_cracks
from tools.matching import Part, match

SCHEMA = "inspector.crack-recall/1"
WIDTHS = (1.0, 2.0, 3.0)
FORMS = ("package", "float")
LARGEST_DROP = 0.5
"""Points of recall that int8 may cost."""
_GOOD_SEEDS, _CRACK_SEEDS = 31_000, 32_000
_CONFIDENCE = 0.975
_ABOVE = 1e-4
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. ``each``: cracks of every width on a part; sizes in px. ``shrink``: the divisor of both sides."""

    good: int = 80
    cracked: int = 100
    each: int = 4
    width: int = 4096
    height: int = 3000
    false_alarms_per_mp: float = 0.01
    shrink: int = 1

    @classmethod
    def quick(cls) -> "Question":
        """A few small parts: to see it work."""
        return cls(good=4, cracked=4, each=2, width=1536, height=1152)

    @property
    def scenes(self) -> SceneSettings:
        """What the renderer is asked for."""
        return SceneSettings(width=self.width, height=self.height, defect_rate=0.0)


def measure_recall(folder: Path, float_graph: Path | None, question: Question, *, tell: Tell) -> dict[str, Any]:
    """Both forms of a package on the same parts; JSON-ready.

    Raises:
        ConfigError: the package or the float graph is wrong.
    """
    card = load_card(folder)
    cards = {"package": card}
    if float_graph is not None:
        cards["float"] = float_card(card, float_graph)
    with ExitStack() as stack:
        detectors = {
            name: stack.enter_context(open_model(bound, runtime=runtime_of(bound, "onnx", 0), context=CONTEXT))
            for name, bound in cards.items()
        }
        good: dict[str, list[Part]] = {name: [] for name in cards}
        cracked: dict[str, list[Part]] = {name: [] for name in cards}
        refused = Counter[str]()
        for into, scene in _parts(question, good, cracked, tell):
            for name, detector in detectors.items():
                try:
                    seen = detector.detect(shrunk(scene.pixels, question.shrink), PixelFormat.MONO8).detections
                except FrameError:  # too many candidates: the line says UNDECIDED, nothing was found on it
                    refused[name] += 1
                    seen = ()
                into[name].append(match(scene, [grown(one, question.shrink) for one in seen]))
    answers = {
        name: answer(good[name], cracked[name], question.false_alarms_per_mp, floor=cards[name].candidate_score)
        | {
            "undecided_parts": refused[name],
            "sha256": cards[name].sha256,
            "name": card.name,
            "version": card.version,
            "file": cards[name].path.name,
        }
        for name in cards
    }
    return {
        "schema": SCHEMA,
        "at": machine.now(),
        "generator": GENERATOR_VERSION,
        "question": asdict(question),
        "seeds": {"good": [_GOOD_SEEDS, question.good], "cracked": [_CRACK_SEEDS, question.cracked]},
        "package": answers["package"],
        "float": answers.get("float"),
        "drop_points": drop(answers["package"], answers["float"]) if "float" in answers else None,
    }


def _parts(
    question: Question, good: dict[str, list[Part]], cracked: dict[str, list[Part]], tell: Tell
) -> Iterator[tuple[dict[str, list[Part]], Scene]]:
    """Every part once, and where what is seen of it goes."""
    for number in range(question.good):
        tell(f"good part {number + 1} of {question.good}")
        yield good, render(_GOOD_SEEDS + number, question.scenes)
    for number in range(question.cracked):
        tell(f"cracked part {number + 1} of {question.cracked}")
        yield cracked, render_cracks(_CRACK_SEEDS + number, question.scenes, WIDTHS * question.each)


def shrunk(pixels: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """The frame at a fraction of its size, each pixel the mean of ``by`` x ``by``."""
    if by == 1:
        return pixels
    height, width = pixels.shape
    return np.asarray(cv2.resize(pixels, (width // by, height // by), interpolation=cv2.INTER_AREA), np.uint8)


def grown(seen: Detection, by: int) -> Detection:
    """Where a detection of a shrunk frame lies on the whole one; its sizes stay as they were seen."""
    box = seen.box
    return replace(seen, box=Box(x=box.x * by, y=box.y * by, width=box.width * by, height=box.height * by))


def float_card(card: ModelCard, graph: Path) -> ModelCard:
    """The package's card for its float sibling.

    Raises:
        ConfigError: the graph does not take one picture or does not give one map of float32.
    """
    seen = look(graph)
    if len(seen.inputs) != 1 or len(seen.outputs) != 1 or seen.outputs[0].dtype != "float32":
        outputs = ", ".join(f"{node.name} {node.dtype}" for node in seen.outputs)
        raise ConfigError(
            f"--float {graph}: it takes {len(seen.inputs)} input(s) and gives {outputs}; one input of pixels 0 to 255 "
            "and one map of float32 logits are right"
        )
    entry, given = seen.inputs[0], seen.outputs[0]
    return replace(
        card,
        path=graph,
        sha256=sha256_of(graph),
        input=replace(card.input, name=entry.name, dtype=entry.dtype),
        output=replace(card.output, name=given.name, dtype="float32", scale=1.0, zero_point=0),
    )


def answer(good: Sequence[Part], cracked: Sequence[Part], rate: float, *, floor: float) -> dict[str, Any]:
    """Threshold, false alarms and, by width, cracks found of those painted with their 95 % interval."""
    area = sum(part.megapixels for part in good)
    limit = threshold([d.score for part in good for d in part.false_alarms], allowed=int(rate * area), floor=floor)
    alarms = sum(1 for part in good for d in part.false_alarms if d.score >= limit)
    widths = {}
    for width in WIDTHS:
        scores = [
            found.best.score if found.best is not None else 0.0
            for part in cracked
            for found in part.found
            if found.truth.width_px == width
        ]
        widths[f"{width:g}"] = share(sum(1 for score in scores if score >= limit), len(scores))
    return {
        "threshold": round(limit, 4),
        "false_alarms_per_mp": rate,
        "false_alarms": alarms,
        "good_megapixels": round(area, 1),
        "widths": widths,
        "all": share(sum(w["found"] for w in widths.values()), sum(w["painted"] for w in widths.values())),
    }


def threshold(scores: Sequence[float], *, allowed: int, floor: float) -> float:
    """The lowest threshold, not below ``floor``, that at most ``allowed`` of the scores reach."""
    ordered = sorted((score for score in scores if score >= floor), reverse=True)
    return floor if len(ordered) <= allowed else ordered[allowed] + _ABOVE


def share(found: int, painted: int) -> dict[str, Any]:
    """Counts, recall, and its exact 95 % interval (Clopper-Pearson)."""
    return {
        "found": found,
        "painted": painted,
        "recall": round(found / painted, 4) if painted else 0.0,
        "low": round(lower_bound(found, painted, _CONFIDENCE), 4) if painted else 0.0,
        "high": round(upper_bound(found, painted, _CONFIDENCE), 4) if painted else 1.0,
    }


def drop(package: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, float]:
    """Points of recall that the package lacks against its float graph; negative where it has more."""
    pairs = {name: (package["widths"][name], whole["widths"][name]) for name in package["widths"]}
    pairs["all"] = (package["all"], whole["all"])
    return {
        name: round((float_["found"] / float_["painted"] - own["found"] / own["painted"]) * 100, 2)
        for name, (own, float_) in pairs.items()
        if own["painted"] and float_["painted"]
    }


def _show(console: Console, found: Mapping[str, Any]) -> None:
    rate = found["question"]["false_alarms_per_mp"]
    table = Table(
        title=f"Cracks found at {rate:g} false alarms a megapixel", title_justify="left", box=lines.SIMPLE_HEAD
    )
    for head in ("form", "width px", "found", "painted", "recall", "95 %"):
        table.add_column(head, justify="left" if head == "form" else "right", no_wrap=True)
    for form in FORMS:
        for name, row in {**found[form]["widths"], "all": found[form]["all"]}.items() if found[form] else ():
            counts = (str(row["found"]), str(row["painted"]), f"{row['recall']:.4f}")
            table.add_row(form, name, *counts, f"{row['low']:.4f} to {row['high']:.4f}")
    console.print(table)
    for form in FORMS:
        if (own := found[form]) is not None:
            console.print(
                f"{form}: {own['file']}, threshold {own['threshold']:.3f}, {own['false_alarms']} false alarms in "
                f"{own['good_megapixels']:.0f} MP\n  sha256 {own['sha256']}"
            )
    if found["drop_points"] is not None:
        drops = ", ".join(f"{name}: {points:+.2f}" for name, points in found["drop_points"].items())
        console.print(f"int8 costs, points of recall by width: {drops} (at most {LARGEST_DROP:g} is right)")


def main() -> None:
    """Read the command line, measure, print; exit 1 if int8 costs more than it may."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.crack_recall", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = Question()
    parser.add_argument("--model", type=Path, required=True, help="package")
    parser.add_argument("--float", dest="float_graph", type=Path, help="the float graph it was quantised from")
    parser.add_argument("--good", type=int, default=usual.good, help=f"good parts [default: {usual.good}]")
    parser.add_argument("--cracked", type=int, default=usual.cracked, help=f"parts with cracks [{usual.cracked}]")
    parser.add_argument("--false-alarms", type=float, default=usual.false_alarms_per_mp, help="a megapixel")
    parser.add_argument("--shrink", type=int, default=1, choices=(1, 2, 4, 8), help="look at smaller frames [1: whole]")
    parser.add_argument("--quick", action="store_true", help="a few small parts: to see it work")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    question = Question(
        good=asked.good, cracked=asked.cracked, false_alarms_per_mp=asked.false_alarms, shrink=asked.shrink
    )

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text:40}", end="", file=sys.stderr, flush=True)

    with speaking_plainly():
        found = measure_recall(asked.model, asked.float_graph, Question.quick() if asked.quick else question, tell=tell)
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        _show(Console(), found)
    raise SystemExit(1 if found["drop_points"] and max(found["drop_points"].values()) > LARGEST_DROP else 0)


if __name__ == "__main__":
    main()
