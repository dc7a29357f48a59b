"""Write and read ``card.toml``, the contract between workshop and line."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspector.ports.model import InputSpec, ModelCard, OutputSpec
from tools.plan import LABELS, MULTIPLE, STRIDE

SCHEMA = "inspector.card/1"
VERSION = "0.1.0"
LICENCE = "CC-BY-SA-4.0"
CANDIDATE_SCORE = 0.30
HALO_PX = 128
CANNOT = (
    (
        "It was trained on rendered metal faces and two small sets of real pictures: it does not find the real defects "
        "of a product it has not seen. Every product needs its own training and its own figures."
    ),
    (
        "Cracks and scratches fainter than five standard deviations of the texture's noise, or thinner than one pixel, "
        "are missed at times."
    ),
    "A dark scratch is told from a crack by its course alone, and is at times called a crack.",
    "Scratches that run along the brushing are not told from the brushing.",
    'The class "other" was learned from pits of ball screws alone.',
    (
        "It was not shown blur beyond a pixel, glare, coolant, chips, colour or any texture but brushed, cast and "
        "painted metal."
    ),
    "A score is no probability: thresholds belong into the recipe, fitted on goods of the line.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What differs between two exports of this net."""

    scale: float
    zero_point: int
    length_bias_px: float = 0.0
    width_bias_px: float = 0.0
    metrics: Mapping[str, float | str] = field(default_factory=dict)


def sha256_of(path: Path) -> str:
    """Return the digest of a file, hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def card_text(facts: CardFacts, digest: str) -> str:
    """Return the card as TOML."""
    tables: dict[str, Mapping[str, Any]] = {
        "model": {
            "name": "surface-small",
            "version": VERSION,
            "task": "segmentation",
            "file": "model.onnx",
            "sha256": digest,
            "licence": LICENCE,
            "labels": list(LABELS),
        },
        "input": {"name": "image", "dtype": "uint8", "layout": "NCHW", "channels": 1, "multiple": MULTIPLE},
        "output": {
            "name": "logits",
            "dtype": "uint8",
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
        "scale": {"px_per_mm_min": 10.0, "px_per_mm_max": 40.0},
        "measure": {
            "length_bias_px": facts.length_bias_px,
            "width_bias_px": facts.width_bias_px,
            "min_length_px": 16.0,
            "min_width_px": 1.0,
            "min_area_px": 64.0,
        },
        "metrics": facts.metrics,
        "cannot": {"says": list(CANNOT)},
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
    text = card_text(facts, sha256_of(folder / "model.onnx"))
    (folder / "card.toml").write_text(text, encoding="utf-8")


def read_card(folder: Path) -> ModelCard:
    """Read a card as the line's own noun. A digest that does not fit its file is refused."""
    raw = tomllib.loads((folder / "card.toml").read_text(encoding="utf-8"))
    model, output, decoder, measure = raw["model"], raw["output"], raw["decoder"], raw["measure"]
    path = folder / model["file"]
    found = sha256_of(path)
    if found != model["sha256"]:
        raise ValueError(f"{path}: sha256 is {found}, but the card says {model['sha256']}; export it again")
    return ModelCard(
        name=model["name"],
        version=model["version"],
        task=model["task"],
        path=path,
        sha256=model["sha256"],
        licence=model["licence"],
        labels=tuple(model["labels"]),
        input=InputSpec(**raw["input"]),
        output=OutputSpec(**output),
        decoder=decoder["kind"],
        decoder_settings={},
        candidate_score=decoder["candidate_score"],
        halo_px=decoder["halo_px"],
        border=decoder["border"],
        px_per_mm=(raw["scale"]["px_per_mm_min"], raw["scale"]["px_per_mm_max"]),
        length_bias_px=measure["length_bias_px"],
        width_bias_px=measure["width_bias_px"],
        finest_length_px=measure["min_length_px"],
        finest_width_px=measure["min_width_px"],
        finest_area_px=measure["min_area_px"],
        metrics=raw["metrics"],
        cannot=tuple(raw["cannot"]["says"]),
    )
