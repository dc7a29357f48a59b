"""What a station's settings name: found, checked and fitted together, nothing opened yet."""

import errno
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from inspector import __version__
from inspector.app import model_signature, revisions_in_use
from inspector.app.calibration import file as calibration_file
from inspector.app.devices import camera_of, found, gate_of, io_of, runtimes_of, sinks_of
from inspector.app.model_package import folder_of, load_card
from inspector.app.open_model import decoder_of
from inspector.app.recipe_file import LoadedRecipe, fit, load_recipe, load_revision
from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.geometry import Scale
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin
from inspector.ports.revisions import Revision

SOFTWARE = f"inspector {__version__}"
JOURNAL_FILE = "journal.sqlite3"
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT})
"""What no edit of a file mends: the process ends with 74 and is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a station's settings name, found and checked, nothing opened yet.

    ``runtimes``: the one that is set, or with ``runtime.kind = "auto"`` all that are installed, the reference first.
    """

    loaded: Loaded
    cards: Mapping[str, ModelCard]
    scale: Scale | None
    recipes: tuple[LoadedRecipe, ...]
    camera: tuple[Plugin, BaseModel]
    gate: tuple[Plugin, BaseModel]
    io: tuple[Plugin, BaseModel] | None
    trigger: tuple[Plugin, BaseModel] | None
    runtimes: Mapping[str, tuple[Plugin, BaseModel]]
    sinks: tuple[tuple[str, Plugin, BaseModel], ...]

    @property
    def card(self) -> ModelCard:
        """The model of the default recipe."""
        return self.cards[self.loaded.settings.station.model]

    @property
    def runtime(self) -> tuple[Plugin, BaseModel]:
        """The one that is set, or the reference of those to choose from."""
        return next(iter(self.runtimes.values()))

    @property
    def slots(self) -> tuple[str, ...]:
        """The recipes' names in the settings, the default one first: ``recipes`` stand in this order."""
        return slots_of(self.loaded)

    @property
    def journal(self) -> Path:
        """The station's book: one each, so that its numbers are contiguous for whoever follows it."""
        return journal_of(self.loaded)

    @property
    def evidence(self) -> Path:
        """The folder of pictures beside it."""
        return self.loaded.path("data_dir") / self.loaded.name / "evidence"

    @property
    def optics(self) -> Path:
        """The folder of what its camera showed when it was set up."""
        return self.loaded.path("data_dir") / self.loaded.name / "optics"

    @property
    def run_dir(self) -> Path:
        """The folder of the station's live files."""
        return run_dir_of(self.loaded)

    @property
    def context(self) -> Context:
        """What every plug-in may know."""
        return replace(context_of(self.loaded), checksum=self._checksum)

    @property
    def _checksum(self) -> int:
        return self.checksum_of(recipe.sha256 for recipe in self.recipes)

    def checksum_of(self, recipes: Iterable[str]) -> int:
        """16 bits of settings, models and these revisions of recipes, in the order of the slots."""
        shas = [self.loaded.sha256, *recipes]
        shas += [card.sha256 for _, card in sorted(self.cards.items())]
        return int(hashlib.sha256("".join(shas).encode()).hexdigest()[:4], 16)


def journal_of(loaded: Loaded) -> Path:
    """The station's book, whether it is there or not."""
    return loaded.path("data_dir") / loaded.name / JOURNAL_FILE


def slots_of(loaded: Loaded) -> tuple[str, ...]:
    """The recipes' names in the settings, the default one first."""
    return (loaded.settings.station.recipe, *loaded.settings.station.jobs)


def run_dir_of(loaded: Loaded) -> Path:
    """The folder of the station's live files."""
    return loaded.path("run_dir") / loaded.name


def context_of(loaded: Loaded) -> Context:
    """What every plug-in may know."""
    return Context(
        station=loaded.name,
        data_dir=str(loaded.path("data_dir")),
        run_dir=str(run_dir_of(loaded)),
        topic_root=loaded.topic_root,
        software=SOFTWARE,
    )


def check_parts(loaded: Loaded) -> Parts:
    """Find and check everything the settings name.

    Raises:
        ConfigError: every wrong thing that can be known without opening a device.
    """
    settings, where = loaded.settings, loaded.origin
    scale = _scale(loaded)
    activated = revisions_in_use.activated(journal_of(loaded), loaded.name)
    recipes = tuple(_recipe(loaded, name, activated.get(name)) for name in slots_of(loaded))
    cards = _cards(loaded, recipes)
    fit(recipes[0], cards[settings.station.model], scale)
    for recipe in recipes[1:]:
        fit(recipe, cards[recipe.recipe.model], scale)
    _check_jobs(recipes, loaded)
    trigger = settings.trigger
    on_gate = trigger.get("kind") == "gate"
    if on_gate and settings.gate.get("kind") == "dry":
        raise ConfigError(
            f'{where(("trigger",))}: trigger.kind = "gate", but gate.kind = "dry" triggers nothing; '
            'set gate.kind = "modbus" or "modbus_server", or trigger.kind = "free"'
        )
    return Parts(
        loaded=loaded,
        cards=cards,
        scale=scale,
        recipes=recipes,
        camera=camera_of(loaded),
        io=io_of(loaded),
        gate=gate_of(loaded),
        trigger=None if on_gate else found(loaded, "trigger", trigger, "trigger"),
        runtimes=runtimes_of(loaded),
        sinks=sinks_of(loaded),
    )


def _scale(loaded: Loaded) -> Scale | None:
    """The scale that is calibrated, or set by hand; None where there is none."""
    table = loaded.settings.scale
    if table is None:
        return None
    if (path := loaded.calibration) is not None:
        if not path.is_file():
            where = loaded.origin(("scale", "calibration"))
            raise ConfigError(
                f"{where}: scale.calibration = {str(table.calibration)!r}: {path} is not there; "
                "inspector camera calibrate makes it"
            )
        return calibration_file.read(path).scale(table)
    return Scale(id=table.id, px_per_mm=table.px_per_mm or 0.0, due=table.due, grace_days=table.grace_days)


def _cards(loaded: Loaded, recipes: tuple[LoadedRecipe, ...]) -> dict[str, ModelCard]:
    """The card of every model that a recipe names: a job may have a model of its own."""
    cards: dict[str, ModelCard] = {}
    places = {loaded.settings.station.model: f"{loaded.origin(('station', 'model'))}: station.model"}
    for recipe in recipes[1:]:
        places.setdefault(recipe.recipe.model, f"{recipe.path}: model")
    trusted = model_signature.trust(loaded.trusted_keys)
    for name, place in places.items():
        card = load_card(folder_of(name, loaded.path("models_dir"), place=place), trusted)
        if trusted.keys and card.name != name:
            raise ConfigError(f"{place} = {name!r}: what was signed in {card.path.parent} is model {card.name!r}")
        if not card.released:
            raise ConfigError(
                f"{place} = {name!r} is a candidate; once its figures are good: inspector model release {name}"
            )
        decoder_of(card)
        cards[name] = card
    return cards


def _recipe(loaded: Loaded, name: str, activated: Revision | None) -> LoadedRecipe:
    """What was activated in this slot; where nothing ever was, its file."""
    folder = loaded.path("recipes_dir")
    if activated is not None:
        return load_revision(activated, pictures=folder)
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml"))) or "none"
        raise ConfigError(
            f"{loaded.origin(('station', 'recipe'))}: station.recipe = {name!r}: {path} is not there; "
            f"there are: {known}"
        )
    return load_recipe(path)


def _check_jobs(recipes: tuple[LoadedRecipe, ...], loaded: Loaded) -> None:
    first, *others = recipes
    seen = {first.recipe.job: first.recipe.name}
    for recipe in others:
        job = recipe.recipe.job
        if job == 0:
            raise ConfigError(f"{recipe.path}: job = 0, but station.jobs names it; give it the PLC's job number")
        if job in seen:
            raise ConfigError(
                f"{loaded.origin(('station', 'jobs'))}: job {job} is both {seen[job]!r} and {recipe.recipe.name!r}"
            )
        seen[job] = recipe.recipe.name


def make_folders(parts: Parts) -> None:
    """Make the station's own folders inside those that are set.

    Raises:
        ConfigError: they cannot be made.
    """
    for key, folder in (("data_dir", parts.journal.parent), ("run_dir", parts.run_dir)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            where = parts.loaded.origin(("paths", key))
            told = f"{where}: paths.{key}: {folder} cannot be made: {error.strerror}; "
            if error.errno in DISK_TROUBLE:
                raise JournalError(f"{told}free or mend the disk") from error
            raise ConfigError(f"{told}create it and give it to this user, or set another one") from error
