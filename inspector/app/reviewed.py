"""Collects reviewed parts: from a station's journal or from a table, with the probability that each was looked at."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Scale
from inspector.domain.inspection import Inspection, Review
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.reviewing import SignedReview, is_bad, standing
from inspector.domain.rules import judge
from inspector.domain.tuning import ReviewedPart
from inspector.domain.verdict import Outcome
from inspector.ports.journal import Entry, Event, Reader

_COLUMNS = ("score", "truth", "sampling_probability")
_TRUTHS = {"pass": False, "good": False, "ok": False, "0": False, "fail": True, "bad": True, "nok": True, "1": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The parts that count, and how many were left out for which reason."""

    parts: tuple[ReviewedPart, ...]
    left_out: Mapping[str, int]


def at_threshold(recipe: Recipe, threshold: float) -> Recipe:
    """The recipe whose deciding classes reject from this confidence on."""

    def moved(rule: ClassRule) -> ClassRule:
        return replace(rule, confidence=threshold, doubt=None) if rule.any_fails else rule

    return replace(
        recipe,
        classes={label: moved(rule) for label, rule in recipe.classes.items()},
        other=moved(recipe.other),
        zones=tuple(
            replace(zone, classes={label: moved(rule) for label, rule in zone.classes.items()}, other=moved(zone.other))
            for zone in recipe.zones
        ),
    )


def current_threshold(recipe: Recipe) -> float:
    """From where on the recipe, as it is, does not let a part pass.

    Raises:
        ConfigError: no class of it decides alone: there is nothing to tune.
    """
    deciding = [rule for _, rule in recipe.class_rules() if rule.any_fails]
    if not deciding:
        raise ConfigError(
            f"recipe {recipe.name}: no class has any_fails = true, so no confidence decides a part alone; "
            "tune chooses that confidence: set any_fails for the classes that matter"
        )
    return min(rule.confidence if rule.doubt is None else rule.doubt for rule in deciding)


def score_of(recipe: Recipe, detections: Sequence[Detection], scale: Scale | None) -> float:
    """The highest threshold at which the recipe still rejects the part; 0 where it passes at any, 1 at none.

    Asks ``judge`` itself, so sizes, zones and counts decide as they do on the line.
    """
    if judge(at_threshold(recipe, 2.0), detections, scale).outcome is not Outcome.PASS:
        return 1.0
    for score in sorted({detection.score for detection in detections}, reverse=True):
        if judge(at_threshold(recipe, score), detections, scale).outcome is not Outcome.PASS:
            return score
    return 0.0


def from_table(path: Path, *, current: float) -> Reviewed:
    """Read a CSV of score, truth (good or bad) and sampling_probability, one reviewed part a row.

    A part whose score lies below ``current`` is one that the machine let pass.

    Raises:
        ConfigError: a column is missing or a value is wrong; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(f"{path}: column {missing[0]!r} is missing; needed are {', '.join(_COLUMNS)}")
            parts = tuple(_row(path, number, row, current) for number, row in enumerate(reader, start=2))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    return Reviewed(parts=parts, left_out={})


def _row(path: Path, number: int, row: Mapping[str, str], current: float) -> ReviewedPart:
    where = f"{path} line {number}"
    truth = _TRUTHS.get((row["truth"] or "").strip().lower())
    if truth is None:
        raise ConfigError(f"{where}: truth = {row['truth']!r} is wrong; good or bad would be right")
    score, probability = (_share(where, name, row[name]) for name in ("score", "sampling_probability"))
    if probability <= 0.0:
        raise ConfigError(f"{where}: sampling_probability = 0: a part that could not be sampled is not here")
    return ReviewedPart(score=score, bad=truth, probability=probability, let_pass=score < current)


def _share(where: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ConfigError(f"{where}: {name} = {text!r} is wrong; a number from 0 to 1 would be right")
    return value


def from_journal(journal: Reader, *, recipe: Recipe, scale: Scale | None, model: tuple[str, str]) -> Reviewed:
    """Read every reviewed part that this model has judged; the last review of a part counts.

    ``model``: sha256 and version; a recalibrated model is another, its confidences mean something else.
    The probability that a part was looked at is that of keeping its picture (recipe: keep_good; rejects always) times
    the share of the kept ones of its kind that have been reviewed: reviewers must not choose among them.
    """
    reviews = _standing(journal)
    left_out: Counter[str] = Counter()
    kept: Counter[bool] = Counter()
    told: Counter[bool] = Counter()
    found: list[tuple[Inspection, bool]] = []
    for event in _events(journal):  # months of parts: only the reviewed ones stay in memory
        if not isinstance(event, Inspection):
            continue
        review = reviews.get(event.result_id)
        let_pass = event.verdict.outcome is Outcome.PASS
        reason = _not_counted(event, model)
        kept[let_pass] += not reason
        if review is None:
            continue
        bad = is_bad(event.verdict.outcome, review)
        if reason or bad is None:
            left_out[reason or "the reviewer was not sure"] += 1
            continue
        told[let_pass] += 1
        found.append((event, bad))
    parts = tuple(_part(inspection, recipe, scale, told=told, kept=kept, bad=bad) for inspection, bad in found)
    return Reviewed(parts=parts, left_out=dict(left_out))


def _standing(journal: Reader) -> Mapping[UUID, Review]:
    """The review of each part that counts: the last that nobody took back."""
    said: dict[UUID, list[SignedReview]] = {}
    for entry in _entries(journal):
        if isinstance(entry.event, Review):
            signed = SignedReview(journal_seq=entry.journal_seq, review=entry.event)
            said.setdefault(entry.event.result_id, []).append(signed)
    counted = ((result_id, standing(reviews)) for result_id, reviews in said.items())
    return {result_id: one.review for result_id, one in counted if one is not None}


def _part(
    inspection: Inspection,
    recipe: Recipe,
    scale: Scale | None,
    *,
    told: Counter[bool],
    kept: Counter[bool],
    bad: bool,
) -> ReviewedPart:
    let_pass = inspection.verdict.outcome is Outcome.PASS
    looked_at = told[let_pass] / kept[let_pass]
    return ReviewedPart(
        score=score_of(recipe, inspection.detections, scale),
        bad=bad,
        probability=looked_at * (inspection.kept_probability if let_pass else 1.0),
        let_pass=let_pass,
    )


def _events(journal: Reader) -> Iterator[Event]:
    yield from (entry.event for entry in _entries(journal))


def _entries(journal: Reader) -> Iterator[Entry]:
    cursor = 0
    while entries := journal.after(cursor):
        yield from entries
        cursor = entries[-1].journal_seq


def _not_counted(inspection: Inspection, model: tuple[str, str]) -> str:
    if inspection.verdict.decision.rule.startswith("law."):
        return "not judged by the recipe (late, missed, camera ...)"
    if (inspection.model.sha256, inspection.model.version) != model:
        return "judged by another model"
    if inspection.verdict.outcome is Outcome.PASS and inspection.kept_probability <= 0.0:
        return "let pass without a picture: not drawn at random"
    return ""
