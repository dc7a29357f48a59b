"""Reads TOML and explains what is wrong with it: file, key, wrong value, and what would be right."""

import tomllib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from inspector.app import toml_words
from inspector.domain.errors import ConfigError

M = TypeVar("M", bound=BaseModel)
Origin = Callable[[Sequence[str]], str]
"""Which file a dotted key came from."""


def read(path: Path) -> dict[str, Any]:
    """Parse one file.

    Raises:
        ConfigError: it is absent, unreadable, not UTF-8, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {toml_words.of_the_parser(str(error))}") from error


def validate(model: type[M], data: Any, *, origin: Origin, prefix: Sequence[str] = ()) -> M:
    """Check ``data`` against ``model``.

    Raises:
        ConfigError: one line for each wrong key.
    """
    quoted = {wrong.place: wrong for wrong in toml_words.mistyped(model, data)}
    lines = [
        f"{origin([*prefix, *place])}: {'.'.join([*prefix, *place])} = {_shown(wrong.value)} is wrong: {wrong.right}"
        for place, wrong in quoted.items()
    ]
    try:
        checked = model.model_validate(data)
    except ValidationError as error:
        others = [
            one for one in error.errors(include_url=False) if tuple(str(step) for step in one["loc"]) not in quoted
        ]
        lines += [explain(problem, model, origin=origin, prefix=prefix) for problem in others]
        raise ConfigError("\n".join(lines)) from error
    if lines:
        raise ConfigError("\n".join(lines))
    return checked


def explain(problem: Any, model: type[BaseModel], *, origin: Origin, prefix: Sequence[str]) -> str:
    """One pydantic error as a technician reads it."""
    place = [*prefix, *(str(step) for step in problem["loc"])]
    key = ".".join(place)
    where = origin(place)
    match problem["type"]:
        case "extra_forbidden":
            known = known_keys(model, [str(step) for step in problem["loc"][:-1]])
            close = get_close_matches(place[-1], known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            return f"{where}: {key} is unknown; {hint}there are: {', '.join(known)}"
        case "missing":
            return f"{where}: {key} is missing; it must be set"
        case "value_error" if isinstance(problem["input"], dict):
            return f"{where}: {f'{key}: ' if key else ''}{toml_words.of(problem)}"
        case _:
            return f"{where}: {key} = {_shown(problem['input'])} is wrong: {toml_words.of(problem)}"


def known_keys(model: type[BaseModel], steps: Sequence[str]) -> list[str]:
    """Names that are allowed at this place of the model; empty where they are free."""
    here: Any = model
    for step in steps:
        field = here.model_fields.get(step) if _is_model(here) else None
        here = _model_in(field.annotation) if field else here
    return sorted(name for name in here.model_fields) if _is_model(here) else []


def _model_in(annotation: Any) -> Any:
    """The model inside ``X``, ``X | None``, ``dict[str, X]`` or ``tuple[X, ...]``."""
    if _is_model(annotation):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _is_model(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseModel)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line stays readable
