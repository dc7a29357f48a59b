"""The effective settings of a station: defaults in code < inspector.toml < stations/<name>.toml."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from inspector.app import toml_file
from inspector.app.optics_table import OpticsTable
from inspector.app.tables import (
    STRICT,
    EjectorTable,
    EvidenceFolderTable,
    JournalTable,
    ModelsTable,
    PathsTable,
    ScaleTable,
    SiteTable,
    StationTable,
    WebTable,
)
from inspector.domain.errors import ConfigError

_STATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
DEFAULTS = "default"


class Settings(BaseModel):
    """Everything about one station. Plug-in tables keep their own keys; their plug-in checks them."""

    model_config = STRICT

    site: SiteTable = Field(default_factory=SiteTable)
    paths: PathsTable = Field(default_factory=PathsTable)
    models: ModelsTable = Field(default_factory=ModelsTable)
    station: StationTable = Field(default_factory=StationTable)
    scale: ScaleTable | None = None
    optics: OpticsTable = Field(default_factory=OpticsTable)
    journal: JournalTable = Field(default_factory=JournalTable)
    evidence: EvidenceFolderTable = Field(default_factory=EvidenceFolderTable)
    web: WebTable = Field(default_factory=WebTable)
    camera: dict[str, Any] = Field(default_factory=lambda: {"kind": "folder"})
    trigger: dict[str, Any] = Field(default_factory=lambda: {"kind": "gate"})
    gate: dict[str, Any] = Field(default_factory=lambda: {"kind": "dry"})
    io: dict[str, Any] | None = Field(None, description="remote I/O beside a PLC: lamps, horn, sensors")
    ejector: EjectorTable = Field(default_factory=EjectorTable)
    runtime: dict[str, Any] = Field(default_factory=lambda: {"kind": "auto"})
    sink: tuple[dict[str, Any], ...] = ()
    twin: dict[str, Any] = Field(default_factory=dict, description="the simulated line, if this station has one")

    @property
    def tracking(self) -> str:
        """Who fires the ejector: "plc", or we, by "time" or "encoder"."""
        return str(self.gate.get("tracking", "plc"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Effective settings, the station's name, the folder they came from, and where each key was set."""

    name: str
    folder: Path
    settings: Settings
    sources: Mapping[str, str]

    def origin(self, place: Sequence[str]) -> str:
        """The file that set this key or the nearest table above it."""
        for length in range(len(place), 0, -1):
            source = self.sources.get(".".join(place[:length]))
            if source:
                return source
        return str(self.folder / "stations" / f"{self.name}.toml")

    def path(self, which: Literal["data_dir", "run_dir", "models_dir", "recipes_dir"]) -> Path:
        """One of [paths], absolute."""
        path: Path = getattr(self.settings.paths, which)
        return path if path.is_absolute() else (self.folder / path).resolve()

    @property
    def trusted_keys(self) -> tuple[Path, ...]:
        """The files of models.trusted_keys, absolute."""
        return tuple((self.folder / path).resolve() for path in self.settings.models.trusted_keys)

    def canonical(self) -> str:
        """What the line works by, as one line of JSON, for the journal's immutable revision."""
        return json.dumps(self.settings.model_dump(mode="json", exclude={"web"}), sort_keys=True)

    @property
    def sha256(self) -> str:
        """Names the settings' revision."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def calibration(self) -> Path | None:
        """The file of scale.calibration, absolute; None where the scale is set by hand, or there is none."""
        table = self.settings.scale
        return None if table is None or table.calibration is None else (self.folder / table.calibration).resolve()

    @property
    def camera_sha256(self) -> str:
        """Names how the camera is set: pictures taken otherwise cannot be compared."""
        return hashlib.sha256(json.dumps(self.settings.camera, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def topic_root(self) -> str:
        """``{enterprise}/{site}/{area}/{line}/{cell}/inspector/{station}``."""
        site = self.settings.site
        return f"{site.enterprise}/{site.site}/{site.area}/{site.line}/{site.cell}/inspector/{self.name}"

    def effective(self) -> Iterator[tuple[str, Any, str]]:
        """Every key, its value, and the file it came from (or "default")."""
        for key, value in _flat(self.settings.model_dump(mode="json")):
            yield key, value, self.sources.get(key, DEFAULTS)


def stations(folder: Path) -> list[str]:
    """Names of the stations that have a file."""
    return sorted(path.stem for path in (folder / "stations").glob("*.toml"))


def load(folder: Path, station: str) -> Loaded:
    """Read and merge the layers of one station.

    Raises:
        ConfigError: file, key, wrong value and what would be right.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such configuration folder; name one with --config")
    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    own = folder / "stations" / f"{station}.toml"
    if _STATION.fullmatch(station) is None:
        raise ConfigError(f"{own}: {station!r} cannot name a station; letters, digits, - and _ are right, at most 64")
    if not own.is_file():
        known = ", ".join(stations(folder)) or "none"
        raise ConfigError(f"{own}: no such station; there are: {known}")
    for path in (folder / "inspector.toml", own):
        if path.is_file():
            _merge(merged, toml_file.read(path), str(path), sources, ())
    loaded = Loaded(name=station, folder=folder.resolve(), settings=Settings(), sources=sources)
    settings = toml_file.validate(Settings, merged, origin=loaded.origin)
    return Loaded(name=station, folder=loaded.folder, settings=settings, sources=sources)


def trusted_keys(folder: Path) -> tuple[Path, ...]:
    """models.trusted_keys of inspector.toml alone, absolute: for verbs that know no station; none without the file.

    Raises:
        ConfigError: the file is not TOML, or its [models] table is wrong.
    """
    path = folder / "inspector.toml"
    if not path.is_file():
        return ()
    table = toml_file.read(path).get("models", {})
    models = toml_file.validate(ModelsTable, table, origin=lambda _: str(path), prefix=("models",))
    return tuple((folder / key).resolve() for key in models.trusted_keys)


def _merge(
    into: dict[str, Any], layer: Mapping[str, Any], source: str, sources: dict[str, str], place: tuple[str, ...]
) -> None:
    """Lay one file over the others: tables merge, all else replaces. A table of another ``kind`` starts afresh."""
    for key, value in layer.items():
        here = (*place, key)
        known = into.get(key)
        if (
            isinstance(value, dict)
            and isinstance(known, dict)
            and value.get("kind", known.get("kind")) == known.get("kind")
        ):
            _merge(known, value, source, sources, here)
            continue
        into[key] = {} if isinstance(value, dict) else value
        sources[".".join(here)] = source
        if isinstance(value, dict):
            _merge(into[key], value, source, sources, here)


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
