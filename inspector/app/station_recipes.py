"""Recipes as one station would judge by them: what fits its slots, its models and its camera."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from inspector.app.parts import Parts
from inspector.app.recipe_file import LoadedRecipe, fit, load_revision, load_text
from inspector.app.revisions_in_use import KIND
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.inspection import ModelStamp, RecipeStamp
from inspector.domain.recipe import Recipe
from inspector.pipeline.recipes import ActiveRecipe
from inspector.pipeline.view import window_sides
from inspector.ports.activations import ActivationBook
from inspector.ports.camera import CameraInfo
from inspector.ports.revisions import RevisionShelf, Standing

_USABLE = frozenset({Standing.APPROVED, Standing.LOADED})
_PROPOSAL = Path("recipe")


def read_recipe(parts: Parts, text: str) -> Recipe:
    """A text that a person proposes, fitted to the model that it names.

    Raises:
        ConfigError: key, wrong value and what would be right.
    """
    loaded = load_text(text, _PROPOSAL, pictures=parts.loaded.path("recipes_dir"))
    _fit_to_its_model(parts, loaded)
    return loaded.recipe


def recipe_file(parts: Parts, slot: str) -> str | None:
    """The text of a slot's file as it stands now; None where it cannot be read."""
    if slot not in parts.slots:
        return None
    try:
        return (parts.loaded.path("recipes_dir") / f"{slot}.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def active_recipe(loaded: LoadedRecipe, models: Mapping[str, ModelStamp]) -> ActiveRecipe:
    """A recipe as the line judges by it."""
    recipe = loaded.recipe
    return ActiveRecipe(
        recipe=recipe,
        stamp=RecipeStamp(name=recipe.name, sha256=loaded.sha256, job=recipe.job),
        model=models[recipe.model],
        finder=loaded.finder,
    )


def refuse_other_frames(recipe: LoadedRecipe, info: CameraInfo) -> None:
    """A part that was taught in frames of another size is never found where it is looked for.

    Raises:
        ConfigError: it was.
    """
    if recipe.taught_px is not None and recipe.taught_px != (info.width, info.height):
        wide, high = recipe.taught_px
        raise ConfigError(
            f"{recipe.path}: fixture.frame_px = [{wide}, {high}], but camera {info.name} gives {info.width} x "
            f"{info.height} px; teach it again: inspector recipe fixture"
        )


class StationRecipes:
    """Fulfils ``RevisionSource`` for a line that runs: its models are loaded, its camera is open.

    ``lay_out``: runs a model once on pictures of this height and width, in an instance of its own; DeviceError if it
    does not.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        models: Mapping[str, ModelStamp],
        camera: CameraInfo,
        shelf: RevisionShelf,
        activations: ActivationBook,
        lay_out: Callable[[str, tuple[int, int]], None],
    ) -> None:
        self._parts = parts
        self._models = models
        self._camera = camera
        self._shelf = shelf
        self._activations = activations
        self._lay_out = lay_out
        self._laid_out = {(name, (camera.height, camera.width)) for name in models}
        self._laid_out |= {(one.recipe.model, self._sides(one)) for one in parts.recipes}

    def fetch(self, slot: str, sha256: str) -> ActiveRecipe:
        """Read, check and fit a revision. See ``RevisionSource``."""
        revision = self._shelf.revision(KIND, sha256)
        if revision is None:
            raise ConfigError(f"there is no recipe revision {sha256[:12]} in this journal; propose it first")
        if revision.standing not in _USABLE:
            raise ConfigError(
                f"recipe {revision.name} revision {sha256[:12]} is {revision.standing.value}: "
                "another person than its author must approve it first"
            )
        loaded = load_revision(revision, pictures=self._parts.loaded.path("recipes_dir"))
        if slot == self._parts.slots[0]:
            fit(loaded, self._parts.card, self._parts.scale)
        else:
            _fit_to_its_model(self._parts, loaded)
        refuse_other_frames(loaded, self._camera)
        self._prepare(loaded)
        return active_recipe(loaded, self._models)

    def checksum(self, recipes: Iterable[str]) -> int:
        """16 bits of what is judged by. See ``RevisionSource``."""
        return self._parts.checksum_of(recipes)

    def taken(self, slot: str) -> int:
        """The newest request for this slot that the book says was done. See ``RevisionSource``."""
        one = self._activations.in_force().get(slot)
        return 0 if one is None else one.request

    def _sides(self, loaded: LoadedRecipe) -> tuple[int, int]:
        return window_sides(loaded.recipe, self._camera.height, self._camera.width)

    def _prepare(self, loaded: LoadedRecipe) -> None:
        """A model that is given an area of a new size is laid out for it beside the line: no part waits for that."""
        name, sides = loaded.recipe.model, self._sides(loaded)
        if (name, sides) in self._laid_out:
            return
        try:
            self._lay_out(name, sides)
        except DeviceError as error:
            raise ConfigError(
                f"{loaded.path}: roi: model {name} does not run on {sides[1]} x {sides[0]} px: {error.reason}"
            ) from error
        self._laid_out.add((name, sides))


def _fit_to_its_model(parts: Parts, loaded: LoadedRecipe) -> None:
    card = parts.cards.get(loaded.recipe.model)
    if card is None:
        raise ConfigError(
            f"{loaded.path}: model = {loaded.recipe.model!r} is not one that this station loads; "
            f"it loads: {', '.join(sorted(parts.cards))}"
        )
    fit(loaded, card, parts.scale)
