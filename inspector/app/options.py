"""Options that several verbs share, and what they mean."""

import os
from pathlib import Path
from typing import Annotated

import typer

from inspector.app import model_signature, settings
from inspector.app.model_signature import TrustedKeys
from inspector.domain.errors import ConfigError

SYSTEM_CONFIG = Path("/etc/inspector")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="Configuration folder [default: $INSPECTOR_CONFIG, /etc/inspector, or ./config]."
    ),
]
StationName = Annotated[
    str | None, typer.Option("--station", "-s", help="Which station [default: the only one there is].")
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable: JSON on standard output.")]


def load(config: Path | None, station: str | None) -> settings.Loaded:
    """The settings these two options name.

    Raises:
        ConfigError: no folder, no station, or more than one and none named.
    """
    folder = config_folder(config)
    if not folder.is_dir():
        raise ConfigError(_not_there(folder, config))
    if station is None:
        known = settings.stations(folder)
        if len(known) != 1:
            raise ConfigError(
                f"{folder / 'stations'}: {len(known)} stations; name one with --station: "
                f"{', '.join(known) or 'none yet'}"
            )
        station = known[0]
    return settings.load(folder, station)


def trusted(config: Path | None) -> TrustedKeys:
    """The keys whose signatures count on this PC, by its inspector.toml; none where there is no configuration.

    Raises:
        ConfigError: inspector.toml or a key is wrong.
    """
    return model_signature.trust(settings.trusted_keys(config_folder(config)))


def config_folder(config: Path | None) -> Path:
    """The folder named, or the first of the places where one is expected."""
    if config is not None:
        return config
    named = os.environ.get("INSPECTOR_CONFIG")
    if named:
        return Path(named)
    return SYSTEM_CONFIG if SYSTEM_CONFIG.is_dir() else Path("config")


def _not_there(folder: Path, config: Path | None) -> str:
    if config is not None:
        return f"{folder}: no such configuration folder; name another with --config"
    if os.environ.get("INSPECTOR_CONFIG"):
        return f"{folder}: no such configuration folder; $INSPECTOR_CONFIG names it"
    return (
        "no configuration found; looked in --config, $INSPECTOR_CONFIG, /etc/inspector, ./config; "
        "copy config/ from the repository"
    )
