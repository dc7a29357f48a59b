"""A recipe in sentences, and the difference of two: what people read before they approve one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from inspector.domain.recipe import ClassRule, Recipe

_LIMITS = (("min_length_mm", "long", "mm"), ("min_width_mm", "wide", "mm"), ("min_area_mm2", "large", "mm²"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that two recipes have different; None: the recipe has no such key."""

    key: str
    before: str | None
    after: str | None


def sentences(recipe: Recipe) -> tuple[str, ...]:
    """The rules, one a sentence, the classes first."""
    found = [_class(f"Any {label}", rule) for label, rule in recipe.classes.items()]
    found.append(_class("Any other defect", recipe.other))
    for zone in recipe.zones:
        found += [_class(f"In zone {zone.name}, any {label}", rule) for label, rule in zone.classes.items()]
        found.append(_class(f"In zone {zone.name}, any other defect", zone.other))
    return (*found, *_whole(recipe))


def _class(subject: str, rule: ClassRule) -> str:
    seen = f"{subject} seen with a confidence of at least {rule.confidence:g}"
    sizes = [f"{getattr(rule, key):g} {unit} {word}" for key, word, unit in _LIMITS if getattr(rule, key) is not None]
    size = f" and at least {' or '.join(sizes)}" if sizes else ""
    what = []
    if rule.any_fails:
        what.append("fails the part")
    if rule.max_count is not None:
        what.append(f"fails it when there are more than {rule.max_count}")
    what.append(f"counts {rule.weight:g} x confidence in the severity score ({rule.severity.value})")
    doubt = [f"from a confidence of {rule.doubt:g}"] if rule.doubt is not None else []
    doubt += [f"down to {rule.size_band:.0%} below a size"] if sizes and rule.size_band else []
    tail = f"; {' and '.join(doubt)} it is in doubt" if doubt else ""
    return f"{seen}{size} {', and '.join(what)}{tail}."


def _whole(recipe: Recipe) -> Iterator[str]:
    if recipe.max_score is not None:
        band = f"; from {recipe.max_score - recipe.score_band:g} on it is in doubt" if recipe.score_band else ""
        yield f"A severity score above {recipe.max_score:g} fails the part{band}."
    if recipe.max_defects is not None:
        yield f"More than {recipe.max_defects} defects fail the part."
    if recipe.masks:
        yield f"Nothing is judged inside {', '.join(mask.name for mask in recipe.masks)}."
    yield "A part that would fail only with what is in doubt is UNDECIDED, and is not let through."
    kind = "without loss" if recipe.lossless else "as JPEG"
    yield f"The picture of every rejected part is kept {kind}, and of {recipe.keep_good:.1%} of the good ones."


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
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
