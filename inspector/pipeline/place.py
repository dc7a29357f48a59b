"""Where the part lies decides where a recipe's zones, masks and roi lie; no part, or a wrong one, is no PASS."""

from collections.abc import Iterable

from inspector.domain.frame import PixelFormat, Pixels
from inspector.domain.recipe import Recipe
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline.fixture import PartFinder

NO_PART, WRONG_PART = "no part", "wrong part"
_RULES = {NO_PART: "law.no_part", WRONG_PART: "law.wrong_part"}


def place(
    recipe: Recipe,
    finder: PartFinder | None,
    pixels: Pixels,
    pixel_format: PixelFormat,
    others: Iterable[tuple[str, PartFinder]] = (),
) -> Recipe | Verdict:
    """The recipe with its places where the part lies; or UNDECIDED, with the share of its edges that is there.

    ``others``: parts of other recipes, by name: a wrong part that is one of them is called by it.
    """
    if finder is None:
        return recipe
    found = finder.find(pixels, pixel_format)
    trouble = finder.why_not(found)
    if not trouble:
        return recipe.carried(found.pose)
    kind = trouble.partition(":")[0]
    if kind == WRONG_PART:
        known = (name for name, other in others if not other.why_not(other.find(pixels, pixel_format)))
        trouble += "".join(f"; it is the part of recipe {name}" for name in list(known)[:1])
    return undecided(trouble, rule=_RULES[kind], measured=round(found.match, 3), limit=finder.rule.match, unit="share")
