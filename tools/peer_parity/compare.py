"""Measures one peer: lets it train, export and predict, imports its export as a user would, says what came of it."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort

from tools.peer_parity.environments import Environment, PeerError, environment, say
from tools.peer_parity.peers import MAPS, Order, Peer

LEAST_BOXES = 50
LEAST_IOU = 0.99
MOST = 1e-3
FLOOR = 0.2
_ROUNDS = 8
SAME, FEW, DIFFERS, NONE = "same", "same, but too few boxes", "differs", "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one peer. Figures that a peer of its kind does not have are None."""

    peer: str
    says: str
    versions: str
    runtime: str
    pictures: int = 0
    boxes: int | None = None
    least_iou: float | None = None
    largest_score_difference: float | None = None
    largest_map_difference: float | None = None
    verdict: str
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the file and for machines."""
        return asdict(self)


def measure(peer: Peer, work: Path, *, minutes: float) -> Result:
    """Train for ``minutes`` of computing, again until there are boxes enough, then compare."""
    versions = peer.family
    try:
        place = environment(work, peer.family)
        versions = place.versions
        graph, reference = _taught(peer, place, work, minutes)
    except (PeerError, OSError) as error:
        return Result(**_named(peer), versions=versions, verdict=NONE, reason=str(error))
    if peer.family not in MAPS and not _boxes(reference):
        reason = f"it sees nothing after {_ROUNDS} rounds of {minutes:g} min: give more --minutes"
        return Result(**_named(peer), versions=versions, verdict=NONE, reason=reason)
    say(f"{peer.name}: importing with --reference")
    return imported(peer, work / "models", graph, reference, versions=versions)


def imported(peer: Peer, models: Path, graph: Path, reference: Path, *, versions: str) -> Result:
    """Import as a user would: the parity gate judges."""
    images = json.loads(reference.read_text(encoding="utf-8"))["images"]
    boxes = None if peer.family in MAPS else _boxes(reference)
    known = {**_named(peer), "versions": versions, "pictures": len(images), "boxes": boxes}
    command = [sys.executable, "-m", "inspector", "model", "import", str(graph), "--name", peer.name, "--replace"]
    command += ["--models", str(models), "--reference", str(reference), "--json", *peer.options]
    command += [] if peer.family in MAPS else ["--floor", str(FLOOR)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        return Result(**known, verdict=DIFFERS, reason=_sentence(done.stderr))
    return _judged(json.loads(done.stdout), known)


def _named(peer: Peer) -> dict[str, Any]:
    return {"peer": peer.name, "says": peer.says, "runtime": f"onnxruntime {ort.__version__}"}


def _sentence(printed: str) -> str:
    """What the import says, without what its libraries print before."""
    lines = printed.splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("inspector: ")), 0)
    return "\n".join(lines[first:]).removeprefix("inspector: ").strip()


def _taught(peer: Peer, place: Environment, work: Path, minutes: float) -> tuple[Path, Path]:
    for again in range(_ROUNDS):
        say(f"{peer.name}: round {again + 1} of at most {_ROUNDS}: trains {minutes:g} min, exports, predicts")
        made = peer.made(place, Order(work=work, minutes=minutes, floor=FLOOR, further=again > 0))
        if peer.family in MAPS or _boxes(made[1]) >= LEAST_BOXES:
            break
        say(f"{peer.name}: sees {_boxes(made[1])} things, fewer than {LEAST_BOXES}")
    return made


def _boxes(reference: Path) -> int:
    images = json.loads(reference.read_text(encoding="utf-8"))["images"]
    return sum(len(image.get("detections", ())) for image in images)


def _judged(told: dict[str, Any], known: dict[str, Any]) -> Result:
    """The gate has passed it; whether that says enough is said here."""
    maps, boxes = told["map_parity"], told["parity"]
    if maps is not None:
        return Result(
            **known,
            largest_map_difference=maps["largest_map_difference"],
            largest_score_difference=maps["largest_score_difference"],
            verdict=SAME,
        )
    return Result(
        **known,
        least_iou=boxes["least_iou"],
        largest_score_difference=boxes["largest_score_difference"],
        verdict=SAME if boxes["compared"] >= LEAST_BOXES else FEW,
    )
