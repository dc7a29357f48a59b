"""A part id must stay as it was from the part's trigger to its acknowledgement."""

from dataclasses import replace

from inspector.adapters.gate_modbus.ids import IdWatch
from inspector.adapters.gate_modbus.layout import Feedback
from inspector.ports.trigger import ChangedId
from tests.adapters.gate_modbus.test_gate_desk import desk, feedback, poll


def said(trigger_seq: int, part_id: str, *, echo_seq: int = 0) -> Feedback:
    return replace(feedback(trigger_seq, echo_seq=echo_seq), part_id=part_id)


def test_an_id_that_changes_before_the_echo_is_told_once() -> None:
    d = desk()
    poll(d, said(1, "A", echo_seq=1), 0.0)
    poll(d, said(2, "B", echo_seq=1), 0.01)
    for step in range(2, 12):
        poll(d, said(2, "C", echo_seq=1), step / 100)
    assert d.ids.take() == (ChangedId(part_seq=2, told="B", now="C"),)
    assert d.ids.take() == ()


def test_after_the_echo_the_next_id_may_be_filled_in() -> None:
    d = desk()
    poll(d, said(1, "A"), 0.0)
    poll(d, said(2, "B"), 0.01)
    poll(d, said(2, "C", echo_seq=2), 0.05)  # in one cycle with the echo
    for step in range(6, 30):
        poll(d, said(2, "C", echo_seq=2), step / 100)
    assert d.ids.take() == ()


def test_an_id_that_the_next_trigger_follows_at_once_is_the_next_parts() -> None:
    d = desk()
    poll(d, said(1, "A"), 0.0)
    poll(d, said(2, "B"), 0.01)
    poll(d, said(2, "C"), 0.02)
    poll(d, said(2, "C"), 0.03)
    poll(d, said(3, "C"), 0.04)
    for step in range(5, 30):
        poll(d, said(3, "C"), step / 100)
    assert d.ids.take() == ()


def test_an_id_that_changed_just_before_the_echo_is_told_after_it() -> None:
    d = desk()
    poll(d, said(1, "A"), 0.0)
    poll(d, said(2, "B"), 0.01)
    poll(d, said(2, "C"), 0.02)
    poll(d, said(2, "C", echo_seq=2), 0.03)
    poll(d, said(2, "C", echo_seq=2), 0.09)
    assert d.ids.take() == (ChangedId(part_seq=2, told="B", now="C"),)


def test_what_is_empty_or_too_late_to_be_acknowledged_is_no_change() -> None:
    watch = IdWatch(staged_s=0.0)
    watch.begin(1, "")
    for moment in (0.0, 0.1):
        watch.look(1, "A", moment)
    watch.begin(2, "B")
    for moment in (0.2, 0.3):
        watch.look(2, "", moment)
    watch.begin(3, "C")
    watch.until(3, 1.0)
    for moment in (1.0, 1.1):
        watch.look(3, "D", moment)
    watch.begin(4, "D")
    watch.forget()
    for moment in (1.2, 1.3):
        watch.look(4, "E", moment)
    assert watch.take() == ()


def test_one_damaged_reading_is_no_change() -> None:
    watch = IdWatch(staged_s=0.0)
    watch.begin(1, "A")
    watch.look(1, "?", 0.1)
    watch.look(1, "A", 0.2)
    watch.look(1, "?", 0.3)
    assert watch.take() == ()
