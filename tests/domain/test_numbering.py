from hypothesis import given
from hypothesis import strategies as st

from inspector.domain.numbering import Spans


@given(st.lists(st.integers(min_value=1, max_value=60)))
def test_spans_agree_with_a_plain_set(numbers: list[int]) -> None:
    spans, plain = Spans(), set[int]()
    for number in numbers:
        assert spans.add(number) is (number not in plain)
        plain.add(number)
    assert [number for number in range(62) if number in spans] == sorted(plain)
    assert (spans.first, spans.last) == ((min(plain), max(plain)) if plain else (None, None))
    missing = set(range(min(plain), max(plain))) - plain if plain else set()
    assert {n for first, last in spans.gaps() for n in range(first, last + 1)} == missing
    assert len(spans.gaps()) == sum(1 for number in missing if number - 1 in plain)
