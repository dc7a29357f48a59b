"""Tune reads what people signed, counts it by how it was sampled, and refuses what it cannot prove."""

import csv
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import Result

from inspector.adapters import journal_sql
from inspector.app import reviewed
from inspector.app.parts import JOURNAL_FILE
from inspector.app.recipe_file import load_recipe
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError
from inspector.domain.frame import PartId
from inspector.domain.geometry import Box, Scale
from inspector.domain.inspection import (
    EvidenceRef,
    GateTold,
    Inspection,
    ModelStamp,
    OpenedPart,
    Opinion,
    RecipeStamp,
    Review,
    Timings,
)
from inspector.domain.recipe import Recipe
from inspector.domain.reviewing import is_bad
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome, undecided
from inspector.ports.journal import Entry

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MODEL = ModelStamp(name="surface-small", version="1", sha256="b2" * 32)
SCALE = Scale(id="plate", px_per_mm=20.0)
STAMP = RecipeStamp(name="critical", sha256="a1" * 32)
SETTINGS = "c3" * 32
PICTURE = EvidenceRef(path="x.jpg", sha256="d4" * 32, width=10, height=10, lossless=True)


@pytest.fixture
def recipe(repo: Path) -> Recipe:
    return load_recipe(repo / "config/recipes/critical.toml").recipe


def crack(score: float, length_px: float = 100.0) -> Detection:
    box = Box(x=10, y=10, width=length_px, height=8)
    return Detection(label="crack", score=score, box=box, length_px=length_px, width_px=2, area_px=2 * length_px)


def inspection(recipe: Recipe, number: int, detections: tuple[Detection, ...], keep: float = 0.05) -> Inspection:
    verdict = judge(recipe, detections, SCALE)
    return Inspection(
        result_id=uuid4(),
        part=PartId(part_seq=number),
        station="left",
        verdict=verdict,
        detections=detections,
        gate_told=GateTold.ACKNOWLEDGED,
        recipe=STAMP,
        model=MODEL,
        settings_sha256=SETTINGS,
        created_utc=NOW,
        opened_utc=NOW,
        timings=Timings(),
        software="inspector",
        evidence=PICTURE,
        kept_probability=keep if verdict.outcome is Outcome.PASS else 1.0,
    )


def review(result_id: UUID, opinion: Opinion, said: str = "") -> Review:
    return Review(result_id=result_id, reviewer="ana", opinion=opinion, true_outcome=said, reason="", at_utc=NOW)


class Book:
    """A reader over a list."""

    def __init__(self, events: Sequence[Inspection | Review]) -> None:
        self._entries = [Entry(journal_seq=number, event=event) for number, event in enumerate(events, start=1)]

    def after(self, journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        return self._entries[journal_seq : journal_seq + limit]

    def head(self) -> int:
        return len(self._entries)

    def counts(self) -> dict[str, int]:
        return {}


def collect(recipe: Recipe, events: Sequence[Inspection | Review]) -> reviewed.Reviewed:
    return reviewed.from_journal(Book(events), recipe=recipe, scale=SCALE, model=(MODEL.sha256, MODEL.version))


def test_the_score_of_a_part_is_the_highest_threshold_at_which_judge_itself_rejects_it(recipe: Recipe) -> None:
    assert reviewed.current_threshold(recipe) == 0.35
    assert reviewed.score_of(recipe, (), SCALE) == 0.0
    assert reviewed.score_of(recipe, (crack(0.42), crack(0.61)), SCALE) == 0.61
    too_short_to_matter = crack(0.9, length_px=10)
    assert reviewed.score_of(recipe, (too_short_to_matter, crack(0.42)), SCALE) == 0.42
    stain = replace(crack(0.8), label="stain")
    assert reviewed.score_of(recipe, (stain,), SCALE) == 0.0
    assert reviewed.score_of(recipe, (stain,) * 4, SCALE) == 1.0  # too many stains fail at any threshold


def test_a_recipe_whose_classes_decide_nothing_alone_cannot_be_tuned(repo: Path) -> None:
    background = load_recipe(repo / "config/recipes/background.toml").recipe
    with pytest.raises(ConfigError, match="no class has any_fails = true"):
        reviewed.current_threshold(background)


def test_parts_are_weighted_by_how_they_were_kept_and_how_many_of_their_kind_were_reviewed(recipe: Recipe) -> None:
    passes = [inspection(recipe, number, (), keep=0.05) for number in range(10)]
    rejects = [inspection(recipe, 20 + number, (crack(0.9),)) for number in range(4)]
    reviews = [review(one.result_id, Opinion.AGREE) for one in [*passes[:5], *rejects[:1]]]
    got = collect(recipe, [*passes, *rejects, *reviews])
    assert {(part.let_pass, part.bad, part.probability) for part in got.parts} == {
        (True, False, 0.025),
        (False, True, 0.25),
    }


def test_the_last_review_counts_and_what_tells_nothing_is_left_out_and_counted(recipe: Recipe) -> None:
    twice = inspection(recipe, 1, (crack(0.9),))
    unsure = inspection(recipe, 2, (crack(0.9),))
    late = replace(inspection(recipe, 3, ()), verdict=undecided("late", rule="law.late"))
    other = replace(inspection(recipe, 4, ()), model=replace(MODEL, version="1+cal1"))
    unkept = replace(inspection(recipe, 5, ()), kept_probability=0.0, evidence=None)
    events: list[Inspection | Review] = [twice, unsure, late, other, unkept]
    events += [review(one.result_id, Opinion.AGREE) for one in (twice, late, other, unkept)]
    events += [review(unsure.result_id, Opinion.UNSURE), review(twice.result_id, Opinion.DISAGREE, "PASS")]
    got = collect(recipe, events)
    assert [(part.bad, part.score) for part in got.parts] == [(False, 0.9)]
    assert got.left_out == {
        "not judged by the recipe (late, missed, camera ...)": 1,
        "judged by another model": 1,
        "let pass without a picture: not drawn at random": 1,
        "the reviewer was not sure": 1,
    }


def test_an_undecided_part_takes_its_truth_from_the_reviewers_word_alone(recipe: Recipe) -> None:
    doubtful = inspection(recipe, 1, (crack(0.4),))
    assert doubtful.verdict.outcome is Outcome.UNDECIDED
    assert is_bad(doubtful.verdict.outcome, review(doubtful.result_id, Opinion.AGREE)) is None
    assert is_bad(doubtful.verdict.outcome, review(doubtful.result_id, Opinion.AGREE, "fail")) is True
    assert is_bad(doubtful.verdict.outcome, review(doubtful.result_id, Opinion.DISAGREE)) is None


Verb = Callable[..., Result]


def table(path: Path, rows: Sequence[tuple[object, object, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("score", "truth", "sampling_probability"))
        writer.writerows(rows)
    return path


def acceptance(bad: int, good: int = 300) -> list[tuple[object, object, object]]:
    rng = random.Random(1)
    rows: list[tuple[object, object, object]] = [(round(rng.uniform(0.55, 1.0), 3), "bad", 1) for _ in range(bad)]
    return rows + [(round(rng.uniform(0.0, 0.5), 3), "good", 1) for _ in range(good)]


def test_a_table_of_enough_parts_gives_the_threshold_and_its_price(verb: Verb, tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", acceptance(400))
    got = verb("recipe", "tune", "--recipe", "critical", "--reviews", file, "--json")
    assert got.exit_code == 0, got.stderr
    answer = json.loads(got.stdout)
    assert answer["chosen"]["threshold"] == pytest.approx(0.55)
    assert answer["chosen"]["escapes_high"] <= 0.008
    assert answer["chosen"]["false_rejects"] == 0.0
    assert answer["current"]["false_rejects"] > 0.2
    assert answer["classes"] == ["class.crack", "class.scratch", "class.dent", "class.other"]
    text = verb("recipe", "tune", "--reviews", file).stdout
    assert "chosen: 0.55" in text
    assert "0 of 400 bad escape" in text


def test_too_few_bad_parts_are_refused_with_the_number_needed(verb: Verb, tmp_path: Path) -> None:
    got = verb("recipe", "tune", "--reviews", table(tmp_path / "a.csv", acceptance(40)))
    assert got.exit_code == 1
    assert "refused: escapes <= 0.80% at 95% confidence needs 373 known-bad parts with none let through" in got.stdout
    assert "reviewed are 40" in got.stdout


def test_a_table_of_rejects_alone_is_refused(verb: Verb, tmp_path: Path) -> None:
    rows = [(0.9, "bad", 1)] * 500 + [(0.7, "good", 1)] * 50
    got = verb("recipe", "tune", "--reviews", table(tmp_path / "a.csv", rows), "--json")
    assert got.exit_code == 1
    assert "rejects alone cannot show escapes" in json.loads(got.stdout)["refusal"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ((1.5, "bad", 1), "line 2: score = '1.5' is wrong; a number from 0 to 1 would be right"),
        ((0.5, "maybe", 1), "line 2: truth = 'maybe' is wrong; good or bad would be right"),
        ((0.5, "bad", 0), "line 2: sampling_probability = 0: a part that could not be sampled is not here"),
        ((0.5, "bad", ""), "line 2: sampling_probability = '' is wrong"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    verb: Verb, tmp_path: Path, row: tuple[object, object, object], told: str
) -> None:
    got = verb("recipe", "tune", "--reviews", table(tmp_path / "a.csv", [row]))
    assert got.exit_code == 78
    assert told in got.stderr


def test_a_stations_journal_is_read_and_what_is_missing_is_said(verb: Verb, config: Path, recipe: Recipe) -> None:
    check = json.loads(verb("check", "--config", config, "--station", "left", "--json").stdout)
    model = replace(MODEL, sha256=check["model"]["sha256"], version=check["model"]["version"])
    book = config.parent / "data" / "left" / JOURNAL_FILE
    book.parent.mkdir(parents=True)
    journal_sql.migrate(book)
    parts = [replace(inspection(recipe, number, (), keep=1.0), model=model) for number in range(1, 31)]
    parts += [replace(inspection(recipe, number, (crack(0.9),)), model=model) for number in range(31, 41)]
    with journal_sql.open_recorder(book, station="left") as pen, journal_sql.open_journal(book, station="left") as desk:
        desk.resume(0, NOW)
        for one in parts:
            pen.open(
                OpenedPart(
                    part=one.part,
                    station="left",
                    opened_utc=NOW,
                    opened_at=1.0,
                    recipe=STAMP,
                    model=model,
                    settings_sha256=SETTINGS,
                )
            )
            pen.close(one)
    with journal_sql.open_for_people(book, station="left") as people:
        for one in parts:
            people.desk.sign(review(one.result_id, Opinion.AGREE))
    got = verb("recipe", "tune", "--config", config, "--station", "left", "--json")
    assert got.exit_code == 1, got.stderr
    answer = json.loads(got.stdout)
    assert answer["reviewed"]["bad"] == 10
    assert answer["reviewed"]["good"] == 30
    assert answer["reviewed"]["bad_needed"] == 373
    assert "reviewed are 10" in answer["refusal"]
    enough = verb("recipe", "tune", "--config", config, "--station", "left", "--alpha", "0.3", "--json")
    assert enough.exit_code == 0
