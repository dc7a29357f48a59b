"""The difference of two recipes, key by key: what people read before they approve one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from inspector.domain.recipe import ClassRule, Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that two recipes have different; None: the recipe has no such key."""

    key: str
    before: str | None
    after: str | None


def difference(before: Recipe, after: Recipe) -> tuple[Change, ...]:
    """Every key that differs, in the order of the recipe; keys as the file has them."""
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = dict.fromkeys((*old, *new))
    return tuple(
        Change(key=key, before=old.get(key), after=new.get(key)) for key in keys if old.get(key) != new.get(key)
    )


def _flat(recipe: Recipe) -> Iterator[tuple[str, str]]:
    for key, value in (
        ("name", recipe.name),
        ("model", recipe.model),
        ("job", recipe.job),
        ("score.max", recipe.max_score),
        ("score.band", recipe.score_band),
        ("score.max_defects", recipe.max_defects),
        ("evidence.keep_good", recipe.keep_good),
        ("evidence.lossless", recipe.lossless),
    ):
        yield key, _words(value)
    yield from _classes("", recipe.classes, recipe.other)
    for mask in recipe.masks:
        yield f"masks.{mask.name}.polygon_px", _words(mask.outline.corners)
    yield "roi", _words(None if recipe.roi is None else recipe.roi.corners)
    yield "fixture", _words(recipe.fixture)
    for zone in recipe.zones:
        yield f"zones.{zone.name}.polygon_px", _words(zone.outline.corners)
        yield from _classes(f"zones.{zone.name}.", zone.classes, zone.other)


def _classes(prefix: str, classes: Mapping[str, ClassRule], other: ClassRule) -> Iterator[tuple[str, str]]:
    named = {f"{prefix}classes.{label}": rule for label, rule in classes.items()} | {f"{prefix}other": other}
    for place, rule in named.items():
        for one in fields(rule):
            value = getattr(rule, one.name)
            yield f"{place}.{one.name}", _words(getattr(value, "value", value))


def _words(value: object) -> str:
    """As the file has it."""
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
