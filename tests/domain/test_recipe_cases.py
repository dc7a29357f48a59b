"""A complaint from a plant becomes a folder in tests/recipes: recipe, detections, and what must come out."""

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.app.recipe_file import load_recipe
from inspector.domain.detection import Detection
from inspector.domain.geometry import Box, Scale
from inspector.domain.rules import judge
from inspector.domain.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(path.parent for path in (ROOT / "tests" / "recipes").glob("*/expected.json"))
KNOWN = {"story", "recipe", "outcome", "rule", "severity_score", "measured", "limit", "defects", "sure"}


def judged(case: Path, expected: dict[str, Any]) -> Verdict:
    own = case / "recipe.toml"
    path = own if own.is_file() else ROOT / "config" / "recipes" / f"{expected['recipe']}.toml"
    seen = json.loads((case / "detections.json").read_text(encoding="utf-8"))
    density = seen["px_per_mm"]
    detections = []
    for row in seen["detections"]:
        x, y, width, height = row.pop("box")
        detections.append(Detection(box=Box(x=x, y=y, width=width, height=height), **row))
    scale = Scale(id="case", px_per_mm=density) if density else None
    return judge(load_recipe(path).recipe, detections, scale)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert expected.keys() <= KNOWN
    verdict = judged(case, expected)
    found = {
        "outcome": verdict.outcome.name,
        "rule": verdict.decision.rule,
        "severity_score": verdict.severity_score,
        "measured": pytest.approx(verdict.decision.measured),
        "limit": pytest.approx(verdict.decision.limit),
        "defects": len(verdict.defects),
        "sure": sum(defect.sure for defect in verdict.defects),
    }
    assert {key: found[key] for key in expected.keys() & found.keys()} == {
        key: value for key, value in expected.items() if key in found
    }


def test_there_are_cases() -> None:
    assert len(CASES) >= 10
