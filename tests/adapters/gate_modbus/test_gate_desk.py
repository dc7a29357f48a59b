"""What the PLC gate makes of polls, echoes and time, without a wire."""

import pytest

from inspector.adapters.gate_modbus import ModbusGateSettings
from inspector.adapters.gate_modbus.desk import CONFIRMATIONS, TRIGGERS, Desk
from inspector.adapters.gate_modbus.layout import NO_RESULT, Feedback, PlcStatus, Result, ResultCode
from inspector.adapters.gate_modbus.life import BEAT_S, Life
from inspector.adapters.gate_modbus.outbox import CAPACITY, Job, JobState, Outbox
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import GateTold
from inspector.ports.gate import LineState


def feedback(trigger_seq: int, *, echo: int = 0, echo_seq: int = 0, encoder: int = 0) -> Feedback:
    return Feedback(
        heartbeat_echo=echo,
        trigger_seq=trigger_seq,
        echo_seq=echo_seq,
        status=PlcStatus.NONE,
        encoder=encoder,
        part_id="",
        job=0,
        lot="",
    )


def desk(*, encoder: bool = False) -> Desk:
    return Desk(ModbusGateSettings(host="plc", encoder=encoder))


def poll(d: Desk, answer: Feedback, now: float) -> None:
    with d.work:
        d.take(answer, now)


def job(part_seq: int, *, deadline: float = 10.0, give_up: float = 0.1, code: ResultCode = ResultCode.OK) -> Job:
    return Job(result=Result(part_seq=part_seq, code=code), deadline=deadline, give_up=give_up)


def test_the_first_poll_is_the_baseline_and_no_trigger() -> None:
    d = desk()
    poll(d, feedback(41), 0.0)
    assert not d.triggers
    poll(d, feedback(42), 0.01)
    assert [event.part_seq for event in d.triggers] == [42]


def test_a_jump_reports_the_newest_number_only() -> None:
    d = desk()
    poll(d, feedback(41), 0.0)
    poll(d, feedback(45), 0.01)
    assert [event.part_seq for event in d.triggers] == [45]


def test_a_counter_that_starts_anew_at_zero_is_no_trigger() -> None:
    d = desk()
    poll(d, feedback(41), 0.0)
    poll(d, feedback(0), 0.01)
    poll(d, feedback(1), 0.02)
    assert [(event.part_seq, event.restarted) for event in d.triggers] == [(1, True)]
    poll(d, feedback(2), 0.03)
    assert not d.triggers[-1].restarted


@pytest.mark.parametrize("after", [1, 41, 42, 90])
def test_an_echo_that_is_0_again_is_a_restart_whatever_the_counter_says(after: int) -> None:
    d = desk()
    poll(d, feedback(41, echo_seq=40), 0.0)
    poll(d, feedback(after, echo_seq=0), 60.0)
    poll(d, feedback(after, echo_seq=0), 60.01)
    assert [(event.part_seq, event.at, event.restarted) for event in d.triggers] == [(after, 0.0, True)]


@pytest.mark.parametrize("after", [1, 40])
def test_a_counter_that_went_back_is_a_restart_even_where_nothing_was_echoed(after: int) -> None:
    d = desk()
    poll(d, feedback(41), 0.0)
    d.outbox.put(job(41, deadline=90.0, give_up=90.0))
    d.outbox.take(0.0)
    poll(d, feedback(after), 60.0)
    assert [(event.part_seq, event.restarted) for event in d.triggers] == [(after, True)]
    assert not d.outbox.blocked_by(60.0)


def test_both_signs_of_one_restart_are_one_restart() -> None:
    d = desk()
    poll(d, feedback(41, echo_seq=40), 0.0)
    poll(d, feedback(0, echo_seq=0), 0.01)
    poll(d, feedback(0, echo_seq=0), 0.02)
    poll(d, feedback(9, echo_seq=0), 0.03)
    poll(d, feedback(10, echo_seq=9), 0.04)
    assert [(event.part_seq, event.restarted) for event in d.triggers] == [(9, True), (10, False)]


def test_a_counter_that_never_showed_0_and_an_echo_that_stands_are_no_restart() -> None:
    d = desk()
    last = 2**32 - 1
    for seq, echo in ((last - 2, 0), (last - 1, 0), (last - 1, last - 2), (last, last - 2), (1, last), (90, 1)):
        poll(d, feedback(seq, echo_seq=echo), 0.01)
    assert not any(event.restarted for event in d.triggers)


def test_results_of_old_parts_are_gone_the_moment_the_counter_starts_anew() -> None:
    d = desk()
    poll(d, feedback(5, echo_seq=4), 0.0)
    told, waiting = job(5, deadline=9.0), job(6)
    for one in (told, waiting):
        d.outbox.put(one)
    d.outbox.take(0.0)
    assert d.command().result.part_seq == 5
    poll(d, feedback(0), 0.01)
    assert waiting.state is JobState.FAILED
    assert not d.outbox.blocked_by(0.01), "an echo of an old part is not waited for"
    assert not d.outbox.echoed(5), "and the new part's echo does not acknowledge the old one"
    assert d.command().result == NO_RESULT, "no heartbeat repeats an OK that may now mean another part"


def test_a_restart_is_not_lost_in_a_full_queue_nor_is_the_old_counters_last_number() -> None:
    d = desk()
    for seq in range(TRIGGERS + 3):
        poll(d, feedback(seq), seq * 0.01)
    for seq in (0, 1, 2):
        poll(d, feedback(seq), 1.0 + seq)
    assert d.triggers[-1].part_seq == TRIGGERS + 2
    with d.work:
        d.next_trigger()
    poll(d, feedback(2), 5.0)
    assert (d.triggers[-1].part_seq, d.triggers[-1].restarted) == (2, True)


def test_the_position_says_whether_the_counter_began_anew_before_it() -> None:
    d = desk()
    poll(d, feedback(5), 0.0)
    for seq, expected in ((6, False), (0, True), (1, False)):
        poll(d, feedback(seq), 0.01)
        with d.work:
            assert d.baseline() is expected


def test_a_trigger_found_after_an_outage_is_as_old_as_the_last_poll_before() -> None:
    d = desk()
    poll(d, feedback(41), 1.0)
    with d.work:
        d.lost(DeviceError("plc", "gone"))
    poll(d, feedback(43), 6.0)
    poll(d, feedback(44), 6.01)
    assert [(event.part_seq, event.at) for event in d.triggers] == [(43, 1.0), (44, 6.01)]


def test_a_full_trigger_queue_keeps_the_oldest_and_the_newest_number_and_counts_the_rest() -> None:
    d = desk()
    for seq in range(TRIGGERS + 4):
        poll(d, feedback(seq), seq * 0.01)
    assert [event.part_seq for event in d.triggers] == [*range(1, TRIGGERS), TRIGGERS + 3]
    assert d.refused == 3


def test_a_full_confirmation_queue_counts_the_refused() -> None:
    d = desk()
    for seq in range(1, CONFIRMATIONS + 3):
        with d.work:
            d.confirm(seq, GateTold.SENT, 0.0)
    assert len(d.confirmations) == CONFIRMATIONS
    assert d.refused == 2


def test_the_encoder_is_told_only_where_it_is_wired() -> None:
    for wired, expected in ((False, None), (True, 4_000_000_000)):
        d = desk(encoder=wired)
        poll(d, feedback(1), 0.0)
        poll(d, feedback(2, encoder=4_000_000_000), 0.01)
        assert d.triggers[0].encoder == expected


def test_only_a_changed_echo_of_this_connection_proves_life() -> None:
    life = Life(0.7)
    first = life.beat()
    life.heard(first, 0.0)  # it stood there when we came: proves nothing
    life.heard(first, 0.1)
    assert not life.alive(0.1)
    life.heard(first + 7, 0.2)  # never sent
    assert not life.alive(0.2)
    second = life.beat()
    life.heard(second, 0.3)
    assert life.alive(0.3)
    assert life.alive(1.0)
    assert not life.alive(1.01)


def test_a_pc_that_stands_still_for_a_fifth_of_a_second_between_two_beats_is_no_dead_link() -> None:
    settings = ModbusGateSettings(host="plc")
    life, now = Life(settings.heartbeat_timeout_ms / 1000), 0.0
    life.heard(0, now)
    for turn in range(200):
        beat = life.beat()
        now += 0.03  # a slow PLC, and the poll that finds its echo
        life.heard(beat, now)
        assert life.alive(now)
        now += BEAT_S + (0.2 if turn % 3 else 0.4)
        assert life.alive(now), "the next beat is as late as that"


def test_a_new_connection_starts_unproved() -> None:
    life = Life(0.7)
    life.heard(0, 0.0)
    old = life.beat()
    life.forget()
    life.heard(0, 0.1)
    life.heard(old, 0.2)
    assert not life.alive(0.2)


def test_the_heartbeat_wraps_without_zero() -> None:
    life = Life(0.7)
    beats = [life.beat() for _ in range(65537)]
    assert beats[-3:] == [65535, 1, 2]
    assert 0 not in beats


def test_the_next_result_waits_for_the_echo() -> None:
    box = Outbox()
    first, second = job(1), job(2)
    assert box.put(first)
    assert box.put(second)
    assert box.take(0.0) is first
    assert box.take(0.01) is None
    assert box.blocked_by(0.01) == 1
    assert box.echoed(1)
    assert not box.echoed(1)
    assert box.take(0.02) is second


def test_the_next_result_waits_no_longer_than_the_deadline() -> None:
    box = Outbox()
    first, second = job(1, deadline=0.05), job(2, give_up=0.15)
    box.put(first)
    box.put(second)
    assert box.take(0.0) is first
    assert box.take(0.049) is None
    assert box.take(0.05) is second


def test_a_withdrawn_result_is_never_taken() -> None:
    box = Outbox()
    given_up, next_one = job(1), job(2)
    box.put(given_up)
    box.put(next_one)
    assert box.withdraw(given_up)
    assert box.take(0.0) is next_one
    assert not box.withdraw(next_one), "it is on the wire: its effect is not ours to undo"


def test_a_result_whose_caller_is_about_to_give_up_is_not_begun() -> None:
    box = Outbox()
    box.put(job(1, give_up=0.1))
    assert box.take(0.098) is None


def test_a_write_has_half_of_what_is_left_and_never_more_than_its_caller_waits() -> None:
    assert job(1, deadline=10.0, give_up=0.1).write_timeout_s(0.0) < 0.1
    assert job(1, deadline=0.06, give_up=0.06).write_timeout_s(0.0) == 0.03


def test_a_dead_link_fails_what_waits_and_repeats_nothing() -> None:
    box = Outbox()
    told, waiting = job(1), job(2)
    box.put(told)
    box.take(0.0)
    box.put(waiting)
    box.clear("gone")
    assert (waiting.state, waiting.reason) == (JobState.FAILED, "gone")
    assert box.image == NO_RESULT
    assert box.blocked_by(0.01) == 1, "its write may still be carried out: its deadline stands"
    assert box.echoed(1), "and its echo still counts"


def test_an_ok_is_not_repeated_beside_the_error_bit() -> None:
    box = Outbox()
    box.put(job(1))
    box.take(0.0)
    assert box.repeated(LineState.ONLINE).code is ResultCode.OK
    assert box.repeated(LineState.ERROR) == NO_RESULT
    assert box.repeated(LineState.ONLINE) == NO_RESULT, "nor does it come back"


def test_a_full_outbox_says_so() -> None:
    box = Outbox()
    assert all(box.put(job(seq)) for seq in range(1, CAPACITY + 1))
    assert not box.put(job(CAPACITY + 1))


def test_a_result_that_was_not_written_is_repeated_by_no_heartbeat() -> None:
    box = Outbox()
    late = job(7)
    box.put(late)
    assert box.take(0.0) is late
    box.refused(late)
    assert box.repeated(LineState.READY) == NO_RESULT
    assert not box.echoed(7)


def test_a_trigger_may_be_as_old_as_the_asking_of_the_poll_before_however_long_this_pc_slept() -> None:
    d = desk()
    with d.work:
        d.take(feedback(41), 10.0, 10.0, 9.8)  # asked at 9.8, answered at once, and read after a sleep
        d.take(feedback(42), 10.012, 10.012, 10.01)
    (event,) = d.triggers
    assert (event.since, event.by) == (9.8, 10.012)
