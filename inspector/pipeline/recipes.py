"""The recipes that a line judges by, by slot and by the PLC's job number: changed whole, between two parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inspector.domain.errors import ConfigError
from inspector.domain.inspection import ModelStamp, RecipeStamp
from inspector.domain.recipe import Recipe
from inspector.pipeline.fixture import PartFinder


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRecipe:
    """A recipe in force, the stamp of its immutable revision, and of the model that looks for it.

    ``finder``: finds its part, where the recipe has a fixture.
    """

    recipe: Recipe
    stamp: RecipeStamp
    model: ModelStamp
    finder: PartFinder | None = None


class RecipeBoard(Mapping[int, ActiveRecipe]):
    """The recipes in force by job number; 0 is the default, the first slot's. Any thread may read it.

    ``put`` swaps one reference: whoever reads sees the recipes of before or those of after. A part takes its recipe
    along from its trigger, so parts under way are judged by what was valid then.
    """

    def __init__(self, slots: Mapping[str, ActiveRecipe]) -> None:
        self._slots, self._jobs = dict(slots), _by_job(slots)

    @property
    def slots(self) -> Mapping[str, ActiveRecipe]:
        """By the name of the slot: the recipe's name in the settings; the default one first."""
        return self._slots

    @property
    def names(self) -> list[str]:
        """What the recipes call themselves, sorted."""
        return sorted({active.recipe.name for active in self._slots.values()})

    def put(self, slot: str, active: ActiveRecipe) -> None:
        """Judge by another revision in this slot from the next part on.

        Raises:
            ConfigError: no such slot, or its job number does not fit.
        """
        self._slots, self._jobs = self._with(slot, active)

    def check(self, slot: str, active: ActiveRecipe) -> None:
        """Raise what ``put`` would raise; nothing is changed."""
        self._with(slot, active)

    def _with(self, slot: str, active: ActiveRecipe) -> tuple[dict[str, ActiveRecipe], dict[int, ActiveRecipe]]:
        if slot not in self._slots:
            known = ", ".join(self._slots)
            raise ConfigError(f"slot = {slot!r}: this line has no recipe of that name in its settings; it has: {known}")
        slots = {**self._slots, slot: active}
        return slots, _by_job(slots)

    def __getitem__(self, job: int) -> ActiveRecipe:
        return self._jobs[job]

    def __iter__(self) -> Iterator[int]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)


def _by_job(slots: Mapping[str, ActiveRecipe]) -> dict[int, ActiveRecipe]:
    """Raises ConfigError where two recipes have one job number, or one that only a job can ask for has none."""
    default, *others = slots.values()
    jobs = {default.stamp.job: default} if default.stamp.job else {}
    for active in others:
        name, job = active.recipe.name, active.stamp.job
        if job == 0:
            raise ConfigError(f"recipe {name}: job = 0, but station.jobs names it; give it the PLC's job number")
        if job in jobs:
            raise ConfigError(f"recipe {name}: job = {job} is {jobs[job].recipe.name}'s already; give it another one")
        jobs[job] = active
    return {**jobs, 0: default}
