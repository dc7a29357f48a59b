"""Wrong values are explained without the words of the libraries that found them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from inspector.app.toml_words import mistyped, of_pattern, of_the_parser


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^[A-Za-z0-9_-]+$", "letters, digits, - and _ are right"),
        (r"^[A-Za-z0-9._-]{0,64}$", "letters, digits, -, . and _ are right, at most 64"),
        (r"^[0-9a-f]{64}$", "the digits 0 to 9 and a to f are right, 64 of them"),
        (r"^inspector\.recipe/1$", '"inspector.recipe/1" is right'),
        (r"^(left|right)$", "it must look like ^(left|right)$"),
    ],
)
def test_a_pattern_is_told_in_words(pattern: str, words: str) -> None:
    assert of_pattern(pattern) == words


def test_what_stands_twice_is_said_so() -> None:
    assert of_the_parser("Cannot overwrite a value (at line 2)") == "the key stands twice (at line 2)"
    assert of_the_parser("Cannot declare ('gate',) twice (at line 9)") == "the table 'gate' stands twice (at line 9)"


class Inner(BaseModel):
    count: int = 0
    on: bool = False


class Outer(BaseModel):
    limit: Annotated[float, Field(gt=0)] | None = None
    text: str = ""
    either: float | str = 0.0
    rows: tuple[Inner, ...] = ()
    free: dict[str, Inner] = {}
    choice: Literal["1", "2"] = "1"
    points: tuple[tuple[float, float], ...] = ()
    whatever: dict[str, Any] = {}


def test_numbers_and_switches_in_quotes_are_found_wherever_they_stand() -> None:
    data = {
        "limit": "1",
        "text": "1",
        "either": "1",
        "rows": [{"count": 1}, {"count": "1", "on": 1}],
        "free": {"a": {"on": "yes"}},
        "choice": "1",
        "points": [[1, "2"], [True, 4]],
        "whatever": {"a": "1"},
        "unknown": "1",
    }
    found = {".".join(wrong.place) for wrong in mistyped(Outer, data)}
    assert found == {"limit", "rows.1.count", "rows.1.on", "free.a.on", "points.0.1", "points.1.0"}
