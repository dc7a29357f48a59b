"""Numbers as people read them."""

from zoneinfo import ZoneInfo

import pytest

from inspector.web.words import Words

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("part", "of", "digits", "told"),
    [
        (999_999, 1_000_000, 1, ">99.9%"),
        (1_000_000, 1_000_000, 1, "100.0%"),
        (1, 1_000_000, 1, "<0.1%"),
        (0, 1_000_000, 1, "0.0%"),
        (9994, 10_000, 1, "99.9%"),
        (0.997, 1, 0, ">99%"),
        (0.00001, 1, 2, "<0.01%"),
        (0, 0, 1, "–"),  # noqa: RUF001 - a dash, as typeset
    ],
)
def test_only_all_is_a_hundred_percent_and_only_none_is_nought(part: float, of: float, digits: int, told: str) -> None:
    assert Words("en", UTC).share(part, of, digits) == told


def test_a_share_that_is_nearly_all_is_written_as_the_language_writes_it() -> None:
    assert Words("de", UTC).share(999_999, 1_000_000) == ">99,9%"
