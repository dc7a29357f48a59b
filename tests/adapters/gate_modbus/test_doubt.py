"""A damaged counter is never taken for a part or a place on the belt, and no honest one is refused for long."""

from hypothesis import given
from hypothesis import strategies as st

from inspector.adapters.gate_modbus.remote_io.doubt import COUNTER, Doubt, signed

CYCLE_S, AGAIN_S = 0.01, 0.002


def reading(encoder: int, trigger: int = 5, at: int = 1000) -> dict[str, int]:
    return {"trigger": trigger, "trigger_encoder": at, "encoder": encoder % COUNTER, "good_count": 3, "reject_count": 2}


def running(speed: float, start: int = 1000) -> tuple[Doubt, int, float]:
    """A belt that has run at this many counts a second for a while."""
    doubt, place, now = Doubt(), float(start), 0.0
    for _ in range(20):
        now += CYCLE_S
        place += speed * CYCLE_S
        doubt.believe(reading(int(place)), now)
    return doubt, int(place), now


@given(speed=st.floats(-50_000, 50_000), bit=st.integers(5, 31))
def test_one_wrong_bit_of_the_encoder_is_never_believed(speed: float, bit: int) -> None:
    doubt, place, now = running(speed)
    damaged = reading(int(place + speed * CYCLE_S) ^ (1 << bit))
    honest = reading(int(place + speed * (CYCLE_S + AGAIN_S)))
    wrong_by = abs(signed(damaged["encoder"], honest["encoder"]))
    believed = not doubt.surprising(damaged, now + CYCLE_S) or doubt.agree(damaged, honest, now + CYCLE_S + AGAIN_S)
    assert not believed or wrong_by <= 2 * abs(speed) * (CYCLE_S + AGAIN_S) + 32, "no further than the belt itself goes"


@given(name=st.sampled_from(["trigger", "trigger_encoder", "good_count", "reject_count"]), bit=st.integers(0, 31))
def test_one_wrong_bit_of_any_other_counter_is_never_believed(name: str, bit: int) -> None:
    doubt, place, now = running(10_000.0)
    honest = reading(place + 100)
    damaged = {**honest, name: honest[name] ^ (1 << bit)}
    assert doubt.surprising(damaged, now + CYCLE_S)
    assert not doubt.agree(damaged, honest, now + CYCLE_S + AGAIN_S)


@given(before=st.floats(-50_000, 50_000), after=st.floats(-50_000, 50_000))
def test_a_belt_that_starts_stops_or_turns_is_believed_at_the_second_reading(before: float, after: float) -> None:
    doubt, place, now = running(before)
    first, again = reading(int(place + after * CYCLE_S)), reading(int(place + after * (CYCLE_S + AGAIN_S)))
    assert not doubt.surprising(first, now + CYCLE_S) or doubt.agree(first, again, now + CYCLE_S + AGAIN_S)


def test_a_part_is_believed_at_the_second_reading_and_a_belt_that_runs_on_needs_none() -> None:
    doubt, place, now = running(10_000.0)
    assert not doubt.surprising(reading(place + 100), now + CYCLE_S)
    part = reading(place + 100, trigger=6, at=place + 90)
    assert doubt.surprising(part, now + CYCLE_S)
    assert doubt.agree(part, reading(place + 120, trigger=6, at=place + 90), now + CYCLE_S + AGAIN_S)


def test_after_an_outage_whatever_is_said_twice_is_believed() -> None:
    doubt, place, now = running(10_000.0)
    first, again = reading(place - 5_000, trigger=900), reading(place - 4_000, trigger=900)
    assert not doubt.agree(first, again, now + 0.5)
    assert doubt.agree(first, again, now + 2.0)
