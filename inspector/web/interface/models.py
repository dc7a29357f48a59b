"""Model packages for programs: card, signature, the recipes that name each, and how fast it is on this PC."""

from dataclasses import asdict
from typing import Any

from inspector.domain.account import Access
from inspector.domain.card_figures import Proven
from inspector.ports.model import ModelCard
from inspector.ports.packages import PaceTable
from inspector.web.access import Here, Routes
from inspector.web.screens import models as screen
from inspector.web.station import Json

ROUTES = Routes("models")
_GONE = {404: {"description": "no such package"}}
_BUSY = {409: {"description": "a line runs, a package is being measured, or this one cannot be run: the reason"}}


@ROUTES.get("/api/models", Access.EXPERT)
def models(visit: Here) -> Json:
    """Every package of this PC; ``trouble`` says why no line runs one, "" if it does."""
    return {"items": [_told(one) for one in screen.shown(visit)], "measuring": visit.station.bench.running()}


@ROUTES.get("/api/models/{name}", Access.EXPERT, responses=_GONE)
def model(visit: Here, name: str) -> Json:
    """One package. Another model comes into use with another recipe: see /api/recipes."""
    return _told(screen.found(visit, name))


@ROUTES.post("/api/models/{name}/bench", Access.ENGINEER, status_code=202, responses=_GONE | _BUSY)
def bench(visit: Here, name: str) -> Json:
    """Measure it now, while no line of this PC runs; ``benched`` of the package has the figures afterwards."""
    screen.start_bench(visit, name)
    return {"measuring": name}


def _told(one: screen.Shown) -> Json:
    package = one.package
    return {
        "name": package.name,
        "trouble": package.trouble,
        "inUse": one.active,
        "signature": {
            "state": package.signature.value,
            "by": package.signed_by or None,
            "time": package.signed_utc or None,
            "trusted": package.trusted,
        },
        "sizeBytes": package.size_bytes,
        "card": _card(package.card) if package.card else None,
        "accuracy": {
            "parts": [_proven(share) for share in one.parts],
            "classes": [_proven(share) for share in one.classes],
            "further": one.further,
        },
        "recipes": [
            {"name": revision.name, "sha256": revision.sha256, "standing": revision.standing.value}
            for revision in one.recipes
        ],
        "chosen": [_paces(table) for table in package.chosen],
        "benched": _paces(package.benched) if package.benched else None,
    }


def _card(card: ModelCard) -> Json:
    return {
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "task": card.task,
        "licence": card.licence,
        "released": card.released,
        "classes": list(card.labels),
        "input": {key: value for key, value in asdict(card.input).items() if key != "constants"},
        "frame": asdict(card.frame),
        "decoder": card.decoder,
        "candidateScore": card.candidate_score,
        "pxPerMm": list(card.px_per_mm),
        "biasPx": {"length": card.length_bias_px, "width": card.width_bias_px},
        "finestPx": {"length": card.finest_length_px, "width": card.finest_width_px, "area": card.finest_area_px},
        "cannot": list(card.cannot),
    }


def _proven(share: Proven) -> Json:
    return {"name": share.name, "count": share.count, "of": share.of, "interval95": [share.low, share.high]}


def _paces(table: PaceTable) -> Json:
    paces: list[dict[str, Any]] = [
        {
            "kind": pace.kind,
            "runtime": pace.runtime,
            "medianMs": pace.median_ms,
            "p99Ms": pace.p99_ms,
            "memoryMb": pace.memory_mb,
            "chosen": pace.chosen,
            "trouble": pace.trouble,
        }
        for pace in table.paces
    ]
    return {"time": table.measured_utc.isoformat(), "frame": table.frame, "runtimes": paces}
