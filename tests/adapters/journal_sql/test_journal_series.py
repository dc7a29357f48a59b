"""Which run of the trigger counter a start-up continues."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.adapters.journal_sql import open_journal, open_recorder
from inspector.adapters.journal_sql.series import LONGEST, RING, judge, position_in
from inspector.domain.errors import ConfigError
from inspector.domain.frame import MOST_UNSEEN, seq_after, seq_distance
from inspector.domain.inspection import GateTold, Inspection
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
        (known(0, 500), 500 + MOST_UNSEEN, None),
        (known(0, 500), 501 + MOST_UNSEEN, 500 + MOST_UNSEEN),
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


@given(st.integers(0, RING), st.integers(1, LONGEST), st.integers(0, MOST_UNSEEN))
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


@pytest.mark.parametrize(
    ("series", "counter", "first_seq"),
    [
        (None, 5, 5),
        (known(0, 0), 12, None),
        (known(7, 7), 12, 0),
        (known(0, 5), 0, 0),
        (known(0, 5), 1, 0),
        (known(0, 5), 5, 0),
        (known(0, 5), 9, 0),
        (known(0, 5), MOST_UNSEEN + 1, MOST_UNSEEN),
    ],
)
def test_a_counter_that_is_known_to_have_restarted_never_goes_on_with_a_series_that_has_parts(
    series: Series | None, counter: int, first_seq: int | None
) -> None:
    beginning = judge(series, counter, restarted=True)
    assert (None if beginning is None else beginning.first_seq) == first_seq


def test_a_restart_that_reached_the_old_number_begins_a_series_and_is_not_counted_twice(path: Path) -> None:
    with open_journal(path, station=STATION) as journal:
        journal.resume(0, NOW)
        with open_recorder(path, station=STATION) as recorder:
            for number in (1, 2, 3):
                recorder.close(inspection(number))
        assert journal.resume(3, NOW, restarted=True) == Series(series=2, first_seq=0, last_seq=0)
        assert journal.resume(3, NOW, restarted=True) == Series(series=2, first_seq=0, last_seq=0)


def test_an_echo_of_0_at_the_start_is_a_restart_only_where_parts_were_acknowledged(path: Path) -> None:
    def told(part_seq: int, how: GateTold, series: int = 1) -> Inspection:
        born = inspection(part_seq)
        return replace(born, gate_told=how, part=replace(born.part, series=series))

    with open_journal(path, station=STATION) as journal, open_recorder(path, station=STATION) as recorder:
        journal.resume(0, NOW)
        recorder.close(told(1, GateTold.SENT))
        recorder.flush(5)
        assert journal.resume(1, NOW, echo_seq=0).series == 1, "a PLC that never echoes"
        recorder.close(told(2, GateTold.ACKNOWLEDGED))
        recorder.close(told(3, GateTold.NOTHING))
        recorder.flush(5)
        assert journal.resume(3, NOW, echo_seq=2).series == 1
        assert journal.resume(3, NOW).series == 1, "a source that echoes nothing"
        assert journal.resume(3, NOW, echo_seq=0) == Series(series=2, first_seq=0, last_seq=0)
        recorder.close(told(1, GateTold.NOTHING, series=2))
        recorder.flush(5)
        assert journal.resume(1, NOW, echo_seq=0) == Series(series=2, first_seq=0, last_seq=1)


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
