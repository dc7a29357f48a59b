"""Result ids are UUIDs of version 7."""

from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.inspection import uuid7


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_a_result_id_is_version_7_and_carries_its_time(unix_ms: int, bits: int) -> None:
    made = uuid7(unix_ms, bits)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == unix_ms


@given(st.integers(0, 2**48 - 2), st.integers(0, 2**74 - 1), st.integers(0, 2**74 - 1))
def test_a_later_id_sorts_later_and_other_bits_make_another_id(unix_ms: int, one: int, other: int) -> None:
    assert uuid7(unix_ms + 1, one) > uuid7(unix_ms, other)
    assert (uuid7(unix_ms, one) == uuid7(unix_ms, other)) == (one == other)
