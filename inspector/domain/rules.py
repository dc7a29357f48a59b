"""Judge detections by a recipe. Pure: no clock, no device, no log.

A part FAILS if any check over its sure defects breaks its limit. It is UNDECIDED if it would fail once the
doubtful defects counted too, or if its score lies in the band below the limit. Otherwise it PASSES. Every check
grows with its defects, so a worse detection never gives a milder verdict.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import fsum

from inspector.domain.detection import Detection
from inspector.domain.geometry import Scale
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.verdict import Decision, Defect, Outcome, Verdict, worst


class _Weight(IntEnum):
    """How much a detection counts under one rule."""

    NOTHING = 0
    DOUBTFUL = 1
    SURE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One detection under one rule that applies to it."""

    detection: Detection
    rule_id: str
    rule: ClassRule
    weight: _Weight
    matters: _Weight
    size: Decision | None


def judge(recipe: Recipe, detections: Sequence[Detection], scale: Scale | None) -> Verdict:
    """Judge one part.

    ``scale`` is needed where the recipe has limits in mm; without it every defect there counts as large
    enough: what cannot be measured is never too small.
    """
    readings = [reading for detection in detections for reading in _read(recipe, detection, scale)]
    defects = _defects(readings, scale)
    score = _severity_score(readings, at_least=_Weight.SURE)
    sure = _first_broken(recipe, readings, at_least=_Weight.SURE)
    if sure is not None:
        return Verdict(
            outcome=Outcome.FAIL, reason=_because(sure), decision=sure, defects=defects, severity_score=score
        )
    doubt = _first_broken(recipe, readings, at_least=_Weight.DOUBTFUL) or _in_score_band(recipe, readings)
    if doubt is not None:
        return Verdict(
            outcome=Outcome.UNDECIDED,
            reason=f"in doubt: {_because(doubt)}",
            decision=doubt,
            defects=defects,
            severity_score=score,
        )
    return Verdict(
        outcome=Outcome.PASS,
        reason="no defect" if not defects else "within limits",
        decision=_nearest(recipe, readings),
        defects=defects,
        severity_score=score,
    )


def _read(recipe: Recipe, detection: Detection, scale: Scale | None) -> Iterator[_Reading]:
    """Read a detection under every rule that applies: every zone it touches, and the recipe unless a zone holds it."""
    touched = [zone for zone in recipe.zones if zone.outline.touches(detection.box)]
    if not any(zone.outline.holds(detection.box) for zone in touched):
        known = detection.label if detection.label in recipe.classes else "other"
        yield _reading(f"class.{known}", recipe.rule_for(detection.label), detection, scale)
    for zone in touched:
        known = detection.label if detection.label in zone.classes else "other"
        rule = zone.classes.get(detection.label, zone.other)
        yield _reading(f"zone.{zone.name}.{known}", rule, detection, scale)


def _reading(rule_id: str, rule: ClassRule, detection: Detection, scale: Scale | None) -> _Reading:
    weight = _Weight.NOTHING
    if detection.score >= rule.confidence:
        weight = _Weight.SURE
    elif rule.doubt is not None and detection.score >= rule.doubt:
        weight = _Weight.DOUBTFUL
    matters, size = _matters(rule, detection, scale)
    return _Reading(
        detection=detection, rule_id=rule_id, rule=rule, weight=weight, matters=min(weight, matters), size=size
    )


def _matters(rule: ClassRule, detection: Detection, scale: Scale | None) -> tuple[_Weight, Decision | None]:
    """Whether the defect is large enough to matter, and by which size."""
    limits = [
        (name, limit, measured, unit)
        for name, limit, measured, unit in (
            ("min_length_mm", rule.min_length_mm, scale.mm(detection.length_px) if scale else 0.0, "mm"),
            ("min_width_mm", rule.min_width_mm, scale.mm(detection.width_px) if scale else 0.0, "mm"),
            ("min_area_mm2", rule.min_area_mm2, scale.mm2(detection.area_px) if scale else 0.0, "mm2"),
        )
        if limit is not None
    ]
    if not limits or scale is None:
        return _Weight.SURE, None
    name, limit, measured, unit = max(limits, key=lambda row: row[2] / row[1] if row[1] else float("inf"))
    size = Decision(rule=name, measured=measured, limit=limit, unit=unit)
    if measured >= limit:
        return _Weight.SURE, size
    if measured >= limit * (1.0 - rule.size_band):
        return (_Weight.DOUBTFUL if rule.size_band > 0 else _Weight.NOTHING), size
    return _Weight.NOTHING, size


def _first_broken(recipe: Recipe, readings: Sequence[_Reading], *, at_least: _Weight) -> Decision | None:
    """The gravest check that breaks when every reading of at least this weight counts."""
    for check in _checks(recipe, readings, at_least=at_least):
        if check.measured > check.limit or (check.rule.endswith(".any") and check.measured >= check.limit):
            return check
    return None


def _checks(recipe: Recipe, readings: Sequence[_Reading], *, at_least: _Weight) -> Iterator[Decision]:
    """Every check of the recipe, gravest first: single defects, counts, score, number of defects."""
    mattering = [reading for reading in readings if reading.matters >= at_least]
    singles = [reading for reading in mattering if reading.rule.any_fails]
    for reading in sorted(singles, key=lambda r: (r.rule.weight, r.detection.score, r.detection.area_px), reverse=True):
        yield _single(reading)
    counts = Counter(reading.rule_id for reading in mattering)
    for rule_id, rule in recipe.class_rules():
        if rule.max_count is not None:
            yield Decision(rule=f"{rule_id}.max_count", measured=counts[rule_id], limit=rule.max_count, unit="count")
    if recipe.max_score is not None:
        score = _severity_score(readings, at_least=at_least)
        yield Decision(rule="score.max", measured=score, limit=recipe.max_score, unit="score")
    if recipe.max_defects is not None:
        number = len(_counted(readings, at_least=at_least))
        yield Decision(rule="defects.max", measured=number, limit=recipe.max_defects, unit="count")


def _single(reading: _Reading) -> Decision:
    """The check "any one fails" for one defect: its size against the minimum, or its score against the confidence."""
    if reading.size is not None:
        return Decision(
            rule=f"{reading.rule_id}.{reading.size.rule}.any",
            measured=reading.size.measured,
            limit=reading.size.limit * (1.0 if reading.matters is _Weight.SURE else 1.0 - reading.rule.size_band),
            unit=reading.size.unit,
        )
    limit = reading.rule.confidence
    if reading.weight is not _Weight.SURE and reading.rule.doubt is not None:
        limit = reading.rule.doubt
    return Decision(
        rule=f"{reading.rule_id}.confidence.any", measured=reading.detection.score, limit=limit, unit="score"
    )


def _counted(readings: Iterable[_Reading], *, at_least: _Weight) -> dict[int, _Reading]:
    """Each detection once (by identity), under the rule that weighs it most, if it counts at all."""
    counted: dict[int, _Reading] = {}
    for reading in readings:
        if reading.matters < at_least:
            continue
        known = counted.get(id(reading.detection))
        if known is None or reading.rule.weight > known.rule.weight:
            counted[id(reading.detection)] = reading
    return counted


def _severity_score(readings: Sequence[_Reading], *, at_least: _Weight) -> float:
    """Σ weight x confidence over the counted detections (the rule of the project's background document).

    Exact sum, rounded to nine decimals: the order of detections cannot decide, and 2.5 is 2.5.
    """
    counted = _counted(readings, at_least=at_least)
    return round(fsum(reading.rule.weight * reading.detection.score for reading in counted.values()), 9)


def _in_score_band(recipe: Recipe, readings: Sequence[_Reading]) -> Decision | None:
    if recipe.max_score is None or recipe.score_band <= 0:
        return None
    score = _severity_score(readings, at_least=_Weight.DOUBTFUL)
    floor = recipe.max_score - recipe.score_band
    return Decision(rule="score.band", measured=score, limit=floor, unit="score") if score > floor else None


def _nearest(recipe: Recipe, readings: Sequence[_Reading]) -> Decision:
    """Of a passed part: the check that came nearest to its limit."""
    checks = list(_checks(recipe, readings, at_least=_Weight.SURE))
    if not checks:
        return Decision(rule="defects.none", measured=0, limit=0, unit="count")
    return max(checks, key=lambda check: check.measured / check.limit if check.limit else 0.0)


def _defects(readings: Sequence[_Reading], scale: Scale | None) -> tuple[Defect, ...]:
    """The detections that count or are in doubt, gravest first."""
    best: dict[int, _Reading] = {}
    for reading in readings:
        known = best.get(id(reading.detection))
        if reading.matters is _Weight.NOTHING:
            continue
        if known is None or (reading.matters, reading.rule.weight) > (known.matters, known.rule.weight):
            best[id(reading.detection)] = reading
    defects = [
        Defect(
            detection=reading.detection,
            severity=reading.rule.severity,
            weight=reading.rule.weight,
            sure=reading.matters is _Weight.SURE,
            rule=reading.rule_id,
            length_mm=scale.mm(reading.detection.length_px) if scale else None,
            width_mm=scale.mm(reading.detection.width_px) if scale else None,
            area_mm2=scale.mm2(reading.detection.area_px) if scale else None,
        )
        for reading in best.values()
    ]
    return tuple(
        sorted(defects, key=lambda d: (d.sure, d.weight, d.detection.score, d.detection.area_px), reverse=True)
    )


_QUANTITY = {
    "min_length_mm": "length",
    "min_width_mm": "width",
    "min_area_mm2": "area",
    "confidence": "confidence",
    "max_count": "count",
}


def _because(decision: Decision) -> str:
    """The deciding check as a person says it: "crack length 6.4 mm > 1.5 mm"."""
    place, _, key = decision.rule.removesuffix(".any").rpartition(".")
    kind, _, name = place.partition(".")
    match kind:
        case "class":
            subject = f"{name} {_QUANTITY[key]}"
        case "zone":
            zone, _, label = name.partition(".")
            subject = f"{label} {_QUANTITY[key]} in zone {zone}"
        case "score":
            subject = "severity score"
        case _:
            subject = "number of defects"
    unit = "" if decision.unit in {"score", "count"} else f" {decision.unit}"
    sign = ">" if decision.measured > decision.limit else ">="
    return f"{subject} {_figure(decision.measured)}{unit} {sign} {_figure(decision.limit)}{unit}"


def _figure(value: float) -> str:
    return f"{value:.3g}"


__all__ = ["judge", "worst"]
