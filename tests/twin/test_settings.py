"""The simulated line's settings, and the sample that explains them."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from inspector.twin.settings import TwinSettings

SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "twin.toml"


def test_the_sample_states_every_setting_with_its_default() -> None:
    table = tomllib.loads(SAMPLE.read_text())["twin"]
    assert TwinSettings(**table) == TwinSettings()
    assert set(TwinSettings.model_fields) - set(table) == {"cache_dir"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"spacing_jitter_mm": 125.0}, "parts would overtake each other"),
        ({"decision_margin_mm": 500.0}, "must be below ejector_distance_mm"),
        ({"spacing_mm": 1.0, "spacing_jitter_mm": 0.0}, "shift register holds 200"),
        ({"plc_from_base": 8}, "at least 17 registers apart"),
        ({"plc_host": "0.0.0.0"}, "plc_host"),  # noqa: S104 - refused, that is the test
        ({"ring": "../etc"}, "ring"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TwinSettings(**wrong)
