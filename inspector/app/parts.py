"""What a station's settings name: found, checked and fitted together, nothing opened yet."""

import errno
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel

from inspector import __version__
from inspector.app import commissioning, model_signature, plugins, revisions_in_use, toml_file
from inspector.app.calibration import file as calibration_file
from inspector.app.model_package import folder_of, load_card
from inspector.app.open_model import decoder_of
from inspector.app.recipe_file import LoadedRecipe, fit, load_recipe, load_revision
from inspector.app.runtime_choice.candidates import AUTO, AutoSettings, installed
from inspector.app.settings import Loaded
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.geometry import Scale
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin
from inspector.ports.revisions import Revision

SOFTWARE = f"inspector {__version__}"
JOURNAL_FILE = "journal.sqlite3"
TRACKING = ("plc", "time", "encoder")
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


def camera_of(loaded: Loaded) -> tuple[Plugin, BaseModel]:
    """The station's camera, whatever else is wrong with its settings.

    Raises:
        ConfigError: no such kind, or its settings are wrong.
    """
    return _found(loaded, "camera", loaded.settings.camera, "camera")


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
        io=_io(loaded),
        gate=_gate(loaded),
        trigger=None if on_gate else _found(loaded, "trigger", trigger, "trigger"),
        runtimes=_runtimes(loaded),
        sinks=_sinks(loaded),
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
        return calibration_file.read(path).scale(table.grace_days)
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


def _found(loaded: Loaded, port: str, table: dict[str, object], key: str) -> tuple[Plugin, BaseModel]:
    kind = table.get("kind")
    where = loaded.origin((key,))
    if not isinstance(kind, str):
        raise ConfigError(f"{where}: {key}.kind is missing; there are: {', '.join(plugins.names(port))}")
    plugin = plugins.find(port, kind, where=where, key=key)
    return plugin, plugins.settings(plugin, table, origin=loaded.origin, prefix=(key,))


def _gate(loaded: Loaded) -> tuple[Plugin, BaseModel]:
    """The gate, which must be able to do what gate.tracking asks; and whoever fires must have been commissioned."""
    tracking = loaded.settings.tracking
    where = loaded.origin(("gate", "tracking"))
    if tracking not in TRACKING:
        raise ConfigError(f"{where}: gate.tracking = {tracking!r} is unknown; there are: {', '.join(TRACKING)}")
    table = {key: value for key, value in loaded.settings.gate.items() if key != "tracking"}
    plugin, settings = _found(loaded, "gate", table, "gate")
    kind = table.get("kind")
    if tracking == "plc" and plugin.tracks:
        raise ConfigError(
            f"{where}: gate.kind = {kind!r} has coils, and a coil carries no part number: no PLC can track by it; "
            'set gate.tracking = "encoder" or "time", or gate.kind = "modbus"'
        )
    if tracking != "plc" and not plugin.tracks:
        raise ConfigError(
            f"{where}: gate.tracking = {tracking!r}, but gate.kind = {kind!r} moves no ejector; set gate.kind = "
            '"remote_io", or gate.tracking = "plc"'
        )
    if tracking != "plc" and not (getattr(settings, "trigger", "") and getattr(settings, "ejector", "")):
        raise ConfigError(f"{where}: gate.tracking = {tracking!r} needs gate.trigger and gate.ejector to be wired")
    if tracking == "encoder" and not (getattr(settings, "encoder", "") and getattr(settings, "trigger_encoder", "")):
        raise ConfigError(
            f'{where}: gate.tracking = "encoder" needs gate.encoder and gate.trigger_encoder: the count now, and the '
            "count latched at the trigger, of one counter"
        )
    if tracking == "time" and not getattr(settings, "belt_at_speed", ""):
        raise ConfigError(
            f'{where}: gate.tracking = "time" needs gate.belt_at_speed: nothing else tells that the belt stopped'
        )
    if tracking != "plc" and loaded.settings.trigger.get("kind") != "gate":
        raise ConfigError(f'{where}: gate.tracking = {tracking!r} needs trigger.kind = "gate": the module counts')
    if tracking != "plc":
        _closes_in_time(loaded, float(getattr(settings, "watchdog_ms", 0.0)))
    commissioning.require(loaded)
    return plugin, settings


def _closes_in_time(loaded: Loaded, watchdog_ms: float) -> None:
    """An output that a stalled process left on is dropped by the watchdog; by then no other part may be there."""
    table = loaded.settings.ejector
    runs_on_mm = watchdog_ms / 1e3 * table.speed_mm_s
    if table.after_mm + runs_on_mm > table.min_pitch_mm:
        raise ConfigError(
            f"{loaded.origin(('ejector', 'after_mm'))}: gate.watchdog_ms = {watchdog_ms:g} is {runs_on_mm:.0f} mm "
            f"of belt at ejector.speed_mm_s = {table.speed_mm_s:g}; with after_mm = {table.after_mm:g} the next part, "
            f"min_pitch_mm = {table.min_pitch_mm:g} behind, would be there before a stalled output is dropped; "
            "set a shorter watchdog (in the module too) or after_mm"
        )


def _io(loaded: Loaded) -> tuple[Plugin, BaseModel] | None:
    """The remote I/O module beside a PLC: lamps, horn, sensors; None without one."""
    table = loaded.settings.io
    if table is None:
        return None
    where = loaded.origin(("io",))
    if loaded.settings.tracking != "plc":
        raise ConfigError(
            f"{where}: [io] stands beside a PLC; with gate.tracking = "
            f"{loaded.settings.tracking!r} everything is wired in [gate]"
        )
    plugin, settings = _found(loaded, "gate", {"kind": "remote_io", **table}, "io")
    if getattr(settings, "ejector", ""):
        raise ConfigError(f"{where}: io.ejector is wired, but the PLC fires the ejector; leave it out")
    return plugin, settings


def _runtimes(loaded: Loaded) -> dict[str, tuple[Plugin, BaseModel]]:
    """The runtime that is set; with "auto" every one that is installed, what the workshop proved models with first."""
    table = loaded.settings.runtime
    if table.get("kind") != AUTO:
        return {str(table.get("kind")): _found(loaded, "runtime", table, "runtime")}
    own = {key: value for key, value in table.items() if key != "kind"}
    wish = toml_file.validate(AutoSettings, own, origin=loaded.origin, prefix=("runtime",))
    return installed(threads=wish.threads, where=loaded.origin(("runtime",)))


def _sinks(loaded: Loaded) -> tuple[tuple[str, Plugin, BaseModel], ...]:
    sinks: list[tuple[str, Plugin, BaseModel]] = []
    for index, table in enumerate(loaded.settings.sink):
        plugin, settings = _found(loaded, "sink", table, f"sink.{index}" if index else "sink")
        name = str(table.get("name", table["kind"]))
        if name in {known for known, _, _ in sinks}:
            raise ConfigError(f"{loaded.origin(('sink',))}: two sinks are named {name!r}; give each a name of its own")
        sinks.append((name, plugin, settings))
    return tuple(sinks)


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
