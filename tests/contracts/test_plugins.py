"""What every plug-in promises, whoever wrote it: found by its entry point, set by a strict model, explained."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from inspector.app import plugins
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Plugin

PORTS = ("trigger", "camera", "runtime", "decoder", "gate", "sink")
EXTRAS = {"aravis", "pylon", "gentl"}
KINDS = [
    pytest.param(port, kind, marks=pytest.mark.peer(f"library {kind}")) if kind in EXTRAS else (port, kind)
    for port in PORTS
    for kind in plugins.names(port)
]
WITHOUT_TABLE = {"runtime", "decoder"}


def _port(case: Any) -> str:
    port: str = getattr(case, "values", case)[0]
    return port


def found(port: str, kind: str) -> Plugin:
    return plugins.find(port, kind, where="here", key=port)


@pytest.mark.parametrize(("port", "kind"), KINDS)
def test_its_settings_are_frozen_strict_and_explained(port: str, kind: str) -> None:
    model: type[BaseModel] = found(port, kind).settings_model
    assert issubclass(model, BaseModel)
    assert (model.model_config.get("frozen"), model.model_config.get("extra")) == (True, "forbid")
    unexplained = [name for name, field in model.model_fields.items() if not field.description]
    assert unexplained == []
    with pytest.raises(ValidationError):
        model(no_such_key=1)


@pytest.mark.parametrize(("port", "kind"), [one for one in KINDS if _port(one) not in WITHOUT_TABLE])
def test_it_has_a_commented_sample_that_its_settings_take(port: str, kind: str, repo: Path) -> None:
    path = repo / "config" / "samples" / f"{port}_{kind}.toml"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#")
    table: Any = tomllib.loads(text)[port]
    table = table[0] if isinstance(table, list) else table
    assert table.pop("kind") == kind
    table.pop("name", None)
    table.pop("tracking", None)  # the house's own key: who fires
    found(port, kind).settings_model(**table)


@pytest.mark.parametrize("port", PORTS)
def test_an_unknown_kind_is_answered_with_those_there_are(port: str) -> None:
    with pytest.raises(ConfigError) as said:
        plugins.find(port, "imaginary", where="stations/left.toml", key=port)
    assert str(said.value).startswith(f"stations/left.toml: {port}.kind = 'imaginary' is unknown; there are: ")
    assert all(kind in str(said.value) for kind in plugins.names(port))


def test_every_toml_file_that_ships_is_read(repo: Path) -> None:
    files = sorted((repo / "config").rglob("*.toml"))
    assert len(files) >= 12
    for path in files:
        assert tomllib.loads(path.read_text(encoding="utf-8")), path
