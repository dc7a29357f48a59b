"""Says in a technician's words what a value in a TOML file should have been."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

_NUMBER = "a number without quotes is right"
_SWITCH = "true or false, without quotes, is right"
_WORDS = {
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": "a whole number is right",
    "finite_number": "a finite number is right",
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "string_type": "text in quotes is right",
    "path_type": "text in quotes is right",
    "tuple_type": "a list in [ ] is right",
    "dict_type": "a table is right",
    "model_type": "a table is right",
}
_SPANS = (
    ("0-9a-f", "the digits 0 to 9 and a to f"),
    ("A-Za-z", "letters"),
    ("0-9", "digits"),
    (" -~", "ASCII characters"),
)
_CLASS = re.compile(r"\^\[(?P<set>[^]]+)\](?:\+|\*|\{(?P<least>\d+)(?:,(?P<most>\d+))?\})\$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistyped:
    """A value of another TOML type than its key wants, though it could be read as one."""

    place: tuple[str, ...]
    value: Any
    right: str


def of(problem: Any) -> str:
    """What would be right, from one pydantic error."""
    kind, told = str(problem["type"]), str(problem["msg"])
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "string_pattern_mismatch":
        return of_pattern(problem["ctx"]["pattern"])
    if kind.startswith("date_"):
        return "a date is right: 2027-11-30"
    if kind.startswith("time_"):
        return "a time is right: 06:00:00"
    return told.removeprefix("Value error, ").replace("Input should be", "it must be")


def of_pattern(pattern: str) -> str:
    """A pattern as a list of characters, or as the one text that it allows."""
    literal = re.sub(r"\\(.)", r"\1", pattern[1:-1])
    if pattern == f"^{re.escape(literal)}$":
        return f'"{literal}" is right'
    found = _CLASS.fullmatch(pattern)
    if found is None:
        return f"it must look like {pattern}"
    size = f", {found['least']} of them" if found["least"] and not found["most"] else ""
    size = f", at most {found['most']}" if found["most"] else size
    return f"{_characters(found['set'])} are right{size}"


def of_the_parser(told: str) -> str:
    """What the TOML parser found."""
    told = told.replace("Cannot overwrite a value", "the key stands twice")
    return re.sub(r"Cannot declare \((.*?),?\) twice", lambda name: f"the table {name[1]} stands twice", told)


def mistyped(annotation: Any, value: Any, place: tuple[str, ...] = ()) -> Iterator[Mistyped]:
    """Numbers and switches in quotes, switches that are numbers and numbers that are switches."""
    model = next((kind for kind in _kinds(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    if isinstance(value, Mapping):
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()} if model else {}
        for key, inner in value.items():
            yield from mistyped(fields.get(key, Any) if model else _inside(annotation), inner, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from mistyped(_inside(annotation), inner, (*place, str(index)))
    else:
        right = _right_type(frozenset(_kinds(annotation)) - {NoneType}, value)
        if right:
            yield Mistyped(place=place, value=value, right=right)


def _right_type(kinds: frozenset[Any], value: Any) -> str:
    if kinds and kinds <= {int, float} and isinstance(value, str | bool):
        return _NUMBER
    if kinds == {bool} and isinstance(value, str | int | float) and not isinstance(value, bool):
        return _SWITCH
    return ""


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a value may have: those of every branch of a union, of a Literal those of its values."""
    origin = get_origin(annotation)
    if origin is Literal:
        yield from (type(value) for value in get_args(annotation))
    elif hasattr(annotation, "__metadata__"):
        yield from _kinds(annotation.__origin__)
    elif origin in {dict, tuple, list, Mapping, Sequence}:
        yield origin
    elif get_args(annotation):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation


def _inside(annotation: Any) -> Any:
    """What a list or a free table holds; anything where that is not one thing."""
    if get_origin(annotation) in {tuple, list, Sequence}:
        return get_args(annotation)[0]
    if get_origin(annotation) in {dict, Mapping}:
        return get_args(annotation)[1]
    for inner in get_args(annotation):
        found = _inside(inner)
        if found is not Any:
            return found
    return Any


def _characters(allowed: str) -> str:
    words = []
    for span, word in _SPANS:
        if span in allowed:
            words.append(word)
            allowed = allowed.replace(span, "")
    words += sorted(allowed.replace("\\", ""))
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
