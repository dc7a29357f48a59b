"""Recipes as files: TOML in, immutable domain recipe and the sha256 of its text out."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.app import toml_file, toml_words
from inspector.app.fixture_file import FixtureTable
from inspector.app.share import share_dir
from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box, Polygon, Scale
from inspector.domain.recipe import ClassRule, Mask, Recipe, Zone
from inspector.domain.verdict import Severity
from inspector.pipeline.fixture import PartFinder
from inspector.ports.model import ModelCard
from inspector.ports.revisions import Revision

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
_STRICT = ConfigDict(frozen=True, extra="forbid")


class ClassTable(BaseModel):
    """[classes.NAME]: what is asked of one class of defect."""

    model_config = _STRICT

    severity: Severity = Field(Severity.MINOR, description="minor | major | critical")
    weight: float = Field(1.0, ge=0.0, le=100.0, description="its share in the severity score, times confidence")
    confidence: Share = Field(0.0, description="from this confidence on a detection counts for sure")
    doubt: Share | None = Field(None, description="from here to `confidence` it is doubtful: UNDECIDED if it decides")
    min_length_mm: Positive | None = Field(None, description="shorter ones do not matter")
    min_width_mm: Positive | None = Field(None, description="narrower ones do not matter")
    min_area_mm2: Positive | None = Field(None, description="smaller ones do not matter")
    size_band: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="share below a minimum size within which a defect is doubtful"
    )
    any_fails: bool = Field(default=False, description="one that matters fails the part")
    max_count: int | None = Field(None, ge=0, description="more than this many fail the part")

    @model_validator(mode="after")
    def _doubt_below_confidence(self) -> "ClassTable":
        if self.doubt is not None and self.doubt >= self.confidence:
            raise ValueError(f"doubt = {self.doubt} must be below confidence = {self.confidence}")
        return self

    def rule(self) -> ClassRule:
        """As the rules engine knows it."""
        return ClassRule(**{name: getattr(self, name) for name in type(self).model_fields})


class ScoreTable(BaseModel):
    """[score]: the rules over all defects of a part."""

    model_config = _STRICT

    max: float | None = Field(None, ge=0.0, description="the part fails above this severity score")
    band: float = Field(0.0, ge=0.0, description="within this much below `max` the part is UNDECIDED")
    max_defects: int | None = Field(None, ge=0, description="the part fails with more sure defects than this")


class ZoneTable(BaseModel):
    """[[zones]]: an area of the frame with rules of its own."""

    model_config = _STRICT

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")
    polygon_px: tuple[tuple[float, float], ...] = Field(min_length=3, description="corners [x, y] in frame pixels")
    classes: dict[str, ClassTable] = Field(default_factory=dict)
    other: ClassTable = Field(default_factory=ClassTable)


class MaskTable(BaseModel):
    """[[masks]]: an area of the frame that is not judged: print, a label, a hole."""

    model_config = _STRICT

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")
    polygon_px: tuple[tuple[float, float], ...] = Field(min_length=3, description="corners [x, y] in frame pixels")


class RoiTable(BaseModel):
    """[roi]: the area of the frame that is looked at; the model is given no more than it."""

    model_config = _STRICT

    rect_px: tuple[float, float, Positive, Positive] = Field(description="x, y, width, height in frame pixels")


class EvidenceTable(BaseModel):
    """[evidence]: which pictures are kept, and how."""

    model_config = _STRICT

    keep_good: Share = Field(0.0, description="share of clean passes whose picture is kept")
    lossless: bool = Field(default=False, description="FAIL and UNDECIDED pictures without loss (PNG) instead of JPEG")


class RecipeTable(BaseModel):
    """One recipe file."""

    model_config = _STRICT

    schema_: str = Field("inspector.recipe/1", alias="schema", pattern=r"^inspector\.recipe/1$")
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    model: str = Field(min_length=1, description="name of the model package that must look")
    job: int = Field(0, ge=0, le=65535, description="the PLC's job number; 0: none")
    score: ScoreTable = Field(default_factory=ScoreTable)
    classes: dict[str, ClassTable] = Field(default_factory=dict)
    other: ClassTable = Field(default_factory=ClassTable)
    zones: tuple[ZoneTable, ...] = ()
    masks: tuple[MaskTable, ...] = ()
    roi: RoiTable | None = None
    fixture: FixtureTable | None = None
    evidence: EvidenceTable = Field(default_factory=EvidenceTable)

    def recipe(self) -> Recipe:
        """As the rules engine knows it."""
        return Recipe(
            name=self.name,
            model=self.model,
            classes={label: table.rule() for label, table in self.classes.items()},
            other=self.other.rule(),
            max_score=self.score.max,
            score_band=self.score.band,
            max_defects=self.score.max_defects,
            zones=tuple(
                Zone(
                    name=zone.name,
                    outline=Polygon(corners=zone.polygon_px),
                    classes={label: table.rule() for label, table in zone.classes.items()},
                    other=zone.other.rule(),
                )
                for zone in self.zones
            ),
            masks=tuple(Mask(name=mask.name, outline=Polygon(corners=mask.polygon_px)) for mask in self.masks),
            roi=Polygon.around(_box(self.roi.rect_px)) if self.roi else None,
            fixture=self.fixture.rule() if self.fixture else None,
            keep_good=self.evidence.keep_good,
            lossless=self.evidence.lossless,
            job=self.job,
        )


def _box(rect: tuple[float, float, float, float]) -> Box:
    x, y, width, height = rect
    return Box(x=x, y=y, width=width, height=height)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRecipe:
    """A recipe, its file's text and the sha256 that names its revision.

    ``finder``: finds the part, and ``taught_px``: width and height of the frames it was taught in; where there is a
    fixture.
    """

    recipe: Recipe
    path: Path
    text: str
    sha256: str
    finder: PartFinder | None = None
    taught_px: tuple[int, int] | None = None


def load_recipe(path: Path) -> LoadedRecipe:
    """Read one recipe file.

    Raises:
        ConfigError: file, key, wrong value and what would be right.
    """
    toml_file.read(path)  # says what is wrong with a file that cannot be read
    return load_text(path.read_text(encoding="utf-8"), path, pictures=path.parent)


def load_text(text: str, path: Path, *, pictures: Path) -> LoadedRecipe:
    """A recipe's text; ``path``: what it is called in messages. ``pictures``: the folder of its template.

    Raises:
        ConfigError: key, wrong value and what would be right.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {toml_words.of_the_parser(str(error))}") from error
    table = toml_file.validate(RecipeTable, data, origin=lambda _: str(path))
    fixture = table.fixture
    return LoadedRecipe(
        recipe=table.recipe(),
        path=path,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        finder=fixture.finder(path, pictures) if fixture else None,
        taught_px=fixture.frame_px if fixture else None,
    )


def load_revision(revision: Revision, *, pictures: Path) -> LoadedRecipe:
    """A recipe as the book keeps it; its template stands in the folder ``pictures``.

    Raises:
        ConfigError: revision, key, wrong value and what would be right.
    """
    place = Path(f"recipe {revision.name} revision {revision.sha256[:12]}")
    return load_text(revision.content, place, pictures=pictures)


def find_recipe(recipe: str) -> Path:
    """The file of a shipped recipe's name, or of a path.

    Raises:
        ConfigError: there is none.
    """
    path = Path(recipe)
    shipped = share_dir() / "config" / "recipes" / f"{recipe}.toml"
    if path.suffix == ".toml" or path.is_file() or not shipped.is_file():
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.toml")))
            raise ConfigError(f"--recipe {recipe!r}: no such recipe; give a file, or one of: {known}")
        return path
    return shipped


def fit(loaded: LoadedRecipe, card: ModelCard, scale: Scale | None) -> None:
    """Refuse a recipe that asks more than the model can see.

    Raises:
        ConfigError: another model, a class the model does not know, mm without a scale or with one that the
            model was not made for, a limit finer than the card allows.
    """
    recipe, place = loaded.recipe, str(loaded.path)
    problems = []
    if recipe.model != card.name:
        problems.append(f"{place}: model = {recipe.model!r}, but the station runs {card.name!r}")
    known = set(card.labels)
    tables = [recipe.classes, *(zone.classes for zone in recipe.zones)]
    problems += [
        f"{place}: classes.{label}: model {card.name} knows no such class; there are: {', '.join(card.labels)}"
        for label in sorted({label for classes in tables for label in classes} - known)
    ]
    if recipe.masks and (card.task == "classification" or any(one.role == "score" for one in card.outputs)):
        problems.append(
            f"{place}: masks: model {card.name} judges the frame as a whole, so no part of it can be left out; "
            "use [roi], or a model that says where"
        )
    if recipe.uses_mm and scale is None:
        problems.append(f"{place}: has limits in mm, but the station has no [scale]; set scale.id and scale.px_per_mm")
    if scale is not None:
        problems += _too_fine(recipe, place, card, scale)
        low, high = card.px_per_mm
        if recipe.uses_mm and not low <= scale.px_per_mm <= high:
            problems.append(
                f"scale.px_per_mm = {scale.px_per_mm}: model {card.name} was made for {low} to {high} px/mm"
            )
    if problems:
        raise ConfigError("\n".join(problems))


def _too_fine(recipe: Recipe, place: str, card: ModelCard, scale: Scale) -> list[str]:
    problems = []
    for rule_id, rule in recipe.class_rules():
        for key, limit, finest, unit in (
            ("min_length_mm", rule.min_length_mm, scale.mm(card.finest_length_px), "mm"),
            ("min_width_mm", rule.min_width_mm, scale.mm(card.finest_width_px), "mm"),
            ("min_area_mm2", rule.min_area_mm2, scale.mm2(card.finest_area_px), "mm2"),
        ):
            if limit is not None and limit < finest:
                problems.append(
                    f"{place}: {rule_id}.{key} = {limit} {unit} is finer than model {card.name} can be trusted with; "
                    f"at {scale.px_per_mm} px/mm the finest is {finest:.3g} {unit}"
                )
    return problems
