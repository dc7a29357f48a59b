"""Writes a model package: all of it, or nothing."""

import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit

from inspector.adapters.runtime_onnx.whole import copy_whole
from inspector.app.digest import sha256_of
from inspector.app.model_package import GRAPH_FILE
from inspector.domain.errors import ConfigError

CARD = "card.toml"
_UNMEASURED = (
    "It was imported: nobody has measured here what it misses and what it calls a defect in vain.",
    "A score is no probability: thresholds belong into the recipe, fitted on parts of the line.",
)


@contextmanager
def new_package(models: Path, name: str, *, replace: bool) -> Iterator[Path]:
    """A folder to write into; it takes its place when everything went well, and is gone when not.

    Raises:
        ConfigError: the package is there already, or cannot be written.
    """
    target, draft = models / name, models / f".{name}.new"
    if target.exists() and not replace:
        raise ConfigError(f"{target}: is there already; choose another --name, or --replace it")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"{draft}: cannot be made: {error.strerror}; --models names another folder") from error
    try:
        yield draft
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_card(folder: Path, tables: Mapping[str, Any], source: Path) -> None:
    """Copy the graph, with the weights that lie beside it, and write the card that binds it."""
    copy_whole(source, folder / GRAPH_FILE)
    card = {key: dict(value) if isinstance(value, Mapping) else value for key, value in tables.items()}
    card["model"] |= {"file": GRAPH_FILE, "sha256": sha256_of(folder / GRAPH_FILE)}
    (folder / CARD).write_text(card_text(card, source), encoding="utf-8")


def card_text(tables: Mapping[str, Any], source: Path) -> str:
    """The card as TOML."""
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Written by `inspector model import {source.name}`; docs/models.md explains it."))
    document.add("schema", tomlkit.item("inspector.card/1"))
    for key in ("model", "input", "frame"):
        document.add(key, _table(tables[key]))
    outputs = tables["outputs"]
    if len(outputs) == 1:
        document.add("output", _table(outputs[0]))
    else:
        several = tomlkit.aot()
        for output in outputs:
            several.append(_table(output))
        document.add("outputs", several)
    for key in tables:
        if key not in {"model", "input", "frame", "outputs"}:
            document.add(key, _table(tables[key]))
    document.add("cannot", _table({"says": list(_UNMEASURED)}))
    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any]) -> Any:
    table = tomlkit.table()
    for key, value in values.items():
        item = tomlkit.item(value)
        if isinstance(value, list) and key in {"labels", "says"}:
            item.multiline(True)  # noqa: FBT003 - tomlkit's own signature
        table.add(key, item)
    return table


def overridden(tables: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The tables with every ``table.key=value`` of ``--set``; a value is TOML, or a plain word.

    Raises:
        ConfigError: one is not of that form.
    """
    changed = {key: dict(value) if isinstance(value, Mapping) else value for key, value in tables.items()}
    for setting in settings:
        place, equals, value = setting.partition("=")
        table, dot, key = place.strip().partition(".")
        if not (equals and dot and key):
            raise ConfigError(f"--set {setting!r}: table.key=value is right, e.g. --set frame.pad=0")
        if table == "output" and isinstance(changed.get("outputs"), list):
            changed["outputs"] = [{**changed["outputs"][0], key: _value(value)}, *changed["outputs"][1:]]
        else:
            changed[table] = {**changed.get(table, {}), key: _value(value)}
    return changed


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
