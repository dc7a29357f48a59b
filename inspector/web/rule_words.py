"""Says a recipe's rules in sentences of the reader's language: what a person reads before approving one."""

from collections.abc import Iterator, Mapping

from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.verdict import Severity
from inspector.web import facts
from inspector.web.words import Words

_DIGITS = 6


def sentences(recipe: Recipe, words: Words) -> tuple[str, ...]:
    """The rules, one a sentence, the classes first."""
    _ = words.gettext
    label = facts.labels(words)
    found = [_rule(label(name), rule, words) for name, rule in recipe.classes.items()]
    found.append(_rule(_("any other defect"), recipe.other, words))
    for zone in recipe.zones:
        place = _("in zone %(zone)s, %(subject)s")
        found += [
            _rule(place % {"zone": zone.name, "subject": label(name)}, rule, words)
            for name, rule in zone.classes.items()
        ]
        found.append(_rule(place % {"zone": zone.name, "subject": _("any other defect")}, zone.other, words))
    return (*found, *_whole(recipe, words))


def _rule(subject: str, rule: ClassRule, words: Words) -> str:
    _ = words.gettext
    clauses = _("; ").join(_clauses(rule, words))
    return _("%(subject)s: %(clauses)s.") % {"subject": subject, "clauses": clauses}


def _clauses(rule: ClassRule, words: Words) -> Iterator[str]:
    _ = words.gettext
    yield _("counted from confidence %(limit)s") % {"limit": _figure(rule.confidence, words)}
    sizes = list(_sizes(rule, words))
    if sizes:
        yield _("relevant from %(sizes)s") % {"sizes": _(" or ").join(sizes)}
    if rule.any_fails:
        yield _("a single one fails the part")
    if rule.max_count is not None:
        yield _("more than %(count)s fail the part") % {"count": words.number(rule.max_count)}
    yield _("adds %(weight)s times the confidence to the severity score (%(severity)s)") % {
        "weight": _figure(rule.weight, words),
        "severity": severities(words)[rule.severity],
    }
    if rule.doubt is not None:
        yield _("uncertain from confidence %(limit)s") % {"limit": _figure(rule.doubt, words)}
    if sizes and rule.size_band:
        yield _("uncertain down to %(share)s below a size limit") % {"share": words.share(rule.size_band, 1, 0)}


def _sizes(rule: ClassRule, words: Words) -> Iterator[str]:
    _ = words.gettext
    if rule.min_length_mm is not None:
        yield _("length %(size)s mm") % {"size": _figure(rule.min_length_mm, words)}
    if rule.min_width_mm is not None:
        yield _("width %(size)s mm") % {"size": _figure(rule.min_width_mm, words)}
    if rule.min_area_mm2 is not None:
        yield _("area %(size)s mm²") % {"size": _figure(rule.min_area_mm2, words)}


def _whole(recipe: Recipe, words: Words) -> Iterator[str]:
    _ = words.gettext
    if recipe.max_score is not None:
        yield _("A severity score above %(limit)s fails the part.") % {"limit": _figure(recipe.max_score, words)}
        if recipe.score_band:
            begins = {"limit": _figure(recipe.max_score - recipe.score_band, words)}
            yield _("From a severity score of %(limit)s the part is uncertain.") % begins
    if recipe.max_defects is not None:
        yield _("More than %(count)s defects fail the part.") % {"count": words.number(recipe.max_defects)}
    if recipe.roi is not None:
        yield _("Only the region of interest is inspected.")
    if recipe.masks:
        names = _(", ").join(mask.name for mask in recipe.masks)
        yield _("Nothing is inspected inside %(names)s.") % {"names": names}
    if recipe.fixture is not None:
        yield _("The part is located by its edges; zones, masks and the region of interest move with it.")
    yield _("A part that would fail only because of uncertain defects is UNDECIDED and is rejected.")
    if recipe.lossless:
        yield _("The image of every rejected part is saved without loss.")
    else:
        yield _("The image of every rejected part is saved as JPEG.")
    yield _("Images of %(share)s of the good parts are saved.") % {"share": words.share(recipe.keep_good, 1)}


def severities(words: Words) -> Mapping[Severity, str]:
    """How severe a class of defect is."""
    _ = words.gettext
    return {Severity.MINOR: _("minor"), Severity.MAJOR: _("major"), Severity.CRITICAL: _("critical")}


def _figure(value: float, words: Words) -> str:
    """As many digits as the file has, up to six behind the point."""
    digits = next((many for many in range(_DIGITS) if round(value, many) == value), _DIGITS)
    return words.number(value, digits)
