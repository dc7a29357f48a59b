"""Which run of the trigger counter a start-up continues."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.adapters.journal_sql import open_journal, open_recorder
from inspector.adapters.journal_sql.series import LONGEST, MOST_AWAY, RING, judge, position_in
from inspector.domain.errors import ConfigError
from inspector.domain.frame import seq_after, seq_distance
from inspector.ports.journal import Series
from tests.adapters.journal_sql.records import NOW, STATION, inspection

LAST = (1 << 32) - 1


def known(first_seq: int, last_seq: int) -> Series:
    return Series(series=4, first_seq=first_seq, last_seq=last_seq)


@pytest.mark.parametrize(
    ("series", "counter", "first_seq"),
    [
        (None, 0, 0),
        (None, 48211, 48211),
        (known(0, 0), 0, None),
        (known(0, 0), 12, None),
        (known(0, 500), 500, None),
        (known(0, 500), 503, None),
        (known(0, 500), 500 + MOST_AWAY, None),
        (known(0, 500), 501 + MOST_AWAY, 500 + MOST_AWAY),
        (known(0, 500), 0, 0),
        (known(0, 500), 1, 0),
        (known(0, 500), 499, 0),
        (known(0, 5_000_000), 4_999_999, 4_999_998),
        (known(100, 100), 100, None),
        (known(100, 100), 40, 0),
        (known(LAST - 10, LAST - 2), LAST, None),
        (known(LAST - 10, LAST), 3, None),
        (known(LAST - 10, 3), LAST - 1, LAST - 2),
        (known(LAST - 10, LAST), 0, 0),
        (known(0, LONGEST), LONGEST + 5, None),
        (known(0, LONGEST + 1), LONGEST + 5, LONGEST + 1),
    ],
)
def test_the_counter_says_which_series_goes_on(series: Series | None, counter: int, first_seq: int | None) -> None:
    beginning = judge(series, counter)
    assert (None if beginning is None else beginning.first_seq) == first_seq


@given(st.integers(0, RING), st.integers(1, LONGEST), st.integers(0, MOST_AWAY))
def test_a_part_that_was_counted_is_always_accounted_for(first_seq: int, parts: int, away: int) -> None:
    last = seq_after(first_seq, parts)
    assert judge(known(first_seq, last), seq_after(last, away)) is None


@given(st.integers(0, RING), st.integers(0, RING), st.integers(1, RING))
def test_a_new_series_never_begins_after_the_number_it_was_told(first_seq: int, last_seq: int, counter: int) -> None:
    beginning = judge(known(first_seq, last_seq), counter)
    if beginning is not None:
        assert seq_distance(counter, beginning.first_seq or RING) >= 0


@given(st.integers(0, RING), st.integers(1, RING))
def test_the_position_of_a_number_undoes_seq_after(first_seq: int, steps: int) -> None:
    assert position_in(first_seq, seq_after(first_seq, steps)) == steps


def test_starts_continue_and_a_restarted_plc_begins_anew(path: Path) -> None:
    with open_journal(path, station=STATION) as journal:
        assert journal.newest_series() is None
        assert journal.resume(40, NOW) == Series(series=1, first_seq=40, last_seq=40)
        with open_recorder(path, station=STATION) as recorder:
            for number in (41, 42, 43):
                recorder.close(inspection(number))
        assert journal.resume(45, NOW) == Series(series=1, first_seq=40, last_seq=43)
        assert journal.newest_series() == Series(series=1, first_seq=40, last_seq=43)
        assert journal.resume(2, NOW) == Series(series=2, first_seq=0, last_seq=0)
        assert journal.resume(2, NOW) == Series(series=2, first_seq=0, last_seq=0)
    with open_journal(path, station="right") as journal:
        assert journal.resume(7, NOW) == Series(series=1, first_seq=7, last_seq=7)


def test_the_last_number_is_known_across_the_wrap(path: Path) -> None:
    with open_journal(path, station=STATION) as journal:
        journal.resume(LAST - 2, NOW)
        with open_recorder(path, station=STATION) as recorder:
            for number in (LAST - 1, LAST, 1, 2):
                recorder.close(inspection(number))
        assert journal.resume(5, NOW) == Series(series=1, first_seq=LAST - 2, last_seq=2)


def test_a_stray_before_the_first_number_is_not_the_end_of_a_lap(path: Path) -> None:
    with open_journal(path, station=STATION) as journal:
        journal.resume(100, NOW)
        with open_recorder(path, station=STATION) as recorder:
            for number in (100, 101, 102):
                recorder.close(inspection(number))
        assert journal.resume(102, NOW).last_seq == 102


def test_without_a_station_no_series_can_be_resumed(path: Path) -> None:
    with open_journal(path) as journal, pytest.raises(ConfigError, match="without a station"):
        journal.resume(1, datetime.now(UTC))
