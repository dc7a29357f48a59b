"""Write ``card.toml`` of a surface net, the contract between workshop and line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.app.digest import sha256_of
from inspector.app.model_package import GRAPH_FILE
from tools.plan import LABELS, MULTIPLE, STRIDE

SCHEMA = "inspector.card/1"
FILE = "card.toml"
CANDIDATE_SCORE = 0.30
HALO_PX = 192
"""A cell sees 168 px far: what a strip shows of its neighbours must reach as far, or its scores differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What differs between two exports of this net. ``dtype``: of its logits."""

    name: str
    version: str
    licence: str
    scale: float
    zero_point: int
    labels: Sequence[str] = LABELS
    dtype: str = "uint8"
    px_per_mm: tuple[float, float] = (1.0, 1000.0)
    length_bias_px: float = 0.0
    width_bias_px: float = 0.0
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    cannot: Sequence[str] = ()


def card_text(facts: CardFacts, digest: str) -> str:
    """Return the card as TOML."""
    tables: dict[str, Mapping[str, Any]] = {
        "model": {
            "name": facts.name,
            "version": facts.version,
            "task": "segmentation",
            "file": GRAPH_FILE,
            "sha256": digest,
            "licence": facts.licence,
            "labels": list(facts.labels),
        },
        "input": {"name": "image", "dtype": "uint8", "layout": "NCHW", "channels": 1, "multiple": MULTIPLE},
        "output": {
            "name": "logits",
            "dtype": facts.dtype,
            "stride": STRIDE,
            "scale": facts.scale,
            "zero_point": facts.zero_point,
        },
        "decoder": {
            "kind": "segmentation",
            "candidate_score": CANDIDATE_SCORE,
            "halo_px": HALO_PX,
            "border": "replicate",
        },
        "scale": {"px_per_mm_min": facts.px_per_mm[0], "px_per_mm_max": facts.px_per_mm[1]},
        "measure": {
            "length_bias_px": facts.length_bias_px,
            "width_bias_px": facts.width_bias_px,
            "min_length_px": 16.0,
            "min_width_px": 1.0,
            "min_area_px": 64.0,
        },
        "metrics": facts.metrics,
        "cannot": {"says": list(facts.cannot)},
    }
    lines = [f'schema = "{SCHEMA}"']
    for title, table in tables.items():
        lines += ["", f"[{title}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Write a string, number or list of strings; JSON's spelling of these is TOML's too."""
    if isinstance(value, list):
        return "[\n" + "".join(f"  {_toml(item)},\n" for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def write_card(folder: Path, facts: CardFacts) -> None:
    """Write ``card.toml`` beside ``model.onnx``."""
    text = card_text(facts, sha256_of(folder / GRAPH_FILE))
    (folder / FILE).write_text(text, encoding="utf-8")
