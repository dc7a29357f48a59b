"""The server role's handshake, bit by bit, over real connections."""

import time

import pytest

from inspector.adapters.gate_modbus.server import ModbusServerGate
from inspector.adapters.gate_modbus.server.image import Status, enables
from inspector.adapters.gate_modbus.server.table import ControlBit, ErrorCode, StatusBit
from inspector.domain.errors import DeviceError
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Outcome
from inspector.ports.gate import Fetched, LineState, PlcWish
from inspector.ports.trigger import ChangedId, TriggerEvent
from tests.adapters.gate_modbus.parts import verdict
from tests.adapters.gate_modbus_server.conftest import RUNNING, Connect, Pair, Serve
from tests.adapters.gate_modbus_server.polling_plc import PollingPlc

ENABLED = ControlBit.TRIGGER_ENABLE | ControlBit.BUFFER_RESULTS_ENABLE


def lacks(status: Status, bits: StatusBit) -> bool:
    """None of them is set."""
    return not status.bits & bits


def trigger(gate: ModbusServerGate, plc: PollingPlc, part_seq: int) -> TriggerEvent:
    """One full trigger handshake; gives what the line sees."""
    plc.bits(ENABLED)
    plc.put(trigger_seq=part_seq)
    plc.scan()
    plc.bits(ENABLED | ControlBit.TRIGGER)
    status = plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
    assert status.words["acquisition_id"] == part_seq
    event = gate.wait(5)
    assert event is not None
    plc.bits(ENABLED)
    plc.until(lambda status: lacks(status, StatusBit.TRIGGER_ACK))
    return event


def tell(gate: ModbusServerGate, part_seq: int, outcome: Outcome, *, within_s: float = 5.0, score: float = 0.0) -> None:
    part, deadline = PartId(part_seq=part_seq), time.monotonic() + within_s
    gate.expect(part, deadline=deadline)
    gate.signal(part, verdict(outcome, score), deadline=deadline)


def told(gate: ModbusServerGate) -> list[tuple[int, GateTold]]:
    return [(one.part_seq, one.told) for one in gate.confirmations(0.1)]


def ack(plc: PollingPlc) -> None:
    plc.bits(ENABLED | ControlBit.INSPECTION_RESULTS_ACK)
    plc.until(lambda status: lacks(status, StatusBit.RESULTS_VALID))
    plc.bits(ENABLED)
    plc.scan()


def test_a_part_is_told_only_once_the_plc_has_read_its_result(pair: Pair) -> None:
    gate, plc = pair()
    assert isinstance(gate, Fetched)
    assert gate.fetched()
    trigger(gate, plc, 1)
    tell(gate, 1, Outcome.PASS)
    assert told(gate) == []
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    assert told(gate) == [(1, GateTold.SENT)]


def test_a_trigger_is_the_plcs_own_number_with_its_words(pair: Pair) -> None:
    gate, plc = pair(encoder=True)
    plc.text("part_id", "SN-00042")
    plc.text("lot", "L7")
    plc.put(job=0, encoder=4000000001)
    event = trigger(gate, plc, 70_001)
    assert (event.part_seq, event.part_id, event.lot, event.encoder) == (70_001, "SN-00042", "L7", 4000000001)
    assert gate.counted_by == "plc"


@pytest.mark.parametrize(
    ("outcome", "bits", "code"),
    [
        (Outcome.PASS, StatusBit.RESULTS_OK | StatusBit.JOB_PASS, 1),
        (Outcome.FAIL, StatusBit.RESULTS_NG, 2),
        (Outcome.UNDECIDED, StatusBit.RESULTS_NG | StatusBit.RESULTS_UNDECIDED, 3),
    ],
)
def test_only_a_pass_enables(pair: Pair, outcome: Outcome, bits: StatusBit, code: int) -> None:
    gate, plc = pair()
    trigger(gate, plc, 1)
    before = plc.status
    tell(gate, 1, outcome, score=2.5)
    status = plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    shown = StatusBit.RESULTS_OK | StatusBit.RESULTS_NG | StatusBit.RESULTS_UNDECIDED | StatusBit.JOB_PASS
    assert status.bits & shown == bits
    assert (status.words["inspection_id"], status.words["result_code"], status.words["severity"]) == (1, code, 2500)
    assert enables(status) == (outcome is Outcome.PASS)
    toggled = before.bits ^ status.bits
    assert StatusBit.INSPECTION_COMPLETED in toggled
    assert StatusBit.EXPOSURE_COMPLETE in status.bits
    ack(plc)
    assert told(gate) == [(1, GateTold.SENT), (1, GateTold.ACKNOWLEDGED)]
    counted = [plc.status.words[f"{name}_count"] for name in ("pass", "fail", "undecided")]
    assert counted == [int(code == 1), int(code == 2), int(code == 3)]


def test_a_level_at_connect_acquires_nothing_and_a_low_enable_is_an_error(serve: Serve, connect: Connect) -> None:
    gate = serve()
    plc = connect(gate)
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.put(trigger_seq=5)
    plc.until(lambda _: gate.link().alive)
    assert lacks(plc.status, StatusBit.TRIGGER_ACK)
    assert gate.wait(0) is None
    plc.bits(ControlBit.NONE)
    plc.scan()
    plc.bits(ControlBit.TRIGGER)
    status = plc.until(lambda status: StatusBit.ERROR in status.bits)
    assert StatusBit.RESULTS_NG in status.bits
    assert status.words["error_code"] == ErrorCode.TRIGGER_NOT_ENABLED
    assert StatusBit.MISSED_ACQ in status.bits
    plc.bits(ControlBit.CLEAR_ERROR)
    plc.until(lambda status: lacks(status, StatusBit.ERROR | StatusBit.MISSED_ACQ))
    assert gate.plc_word().clear_error
    assert not gate.plc_word().clear_error


def test_a_bounce_is_counted_and_is_no_part(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 1)
    for _ in range(2):
        plc.bits(ENABLED | ControlBit.TRIGGER)
        plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
        plc.bits(ENABLED)
        plc.until(lambda status: lacks(status, StatusBit.TRIGGER_ACK))
    assert gate.wait(0) is None
    assert plc.status.words["suppressed_trigger_count"] == 2


def test_a_number_that_no_trigger_came_for_is_a_part_that_nobody_saw(pair: Pair) -> None:
    gate, plc = pair()
    plc.put(trigger_seq=1)
    plc.bits(ENABLED)
    before = time.monotonic()
    plc.until(lambda status: status.words["missed_trigger_count"] == 1)
    event = gate.wait(0)
    assert event is not None
    assert event.part_seq == 1
    assert event.at <= time.monotonic() - 1.0
    assert event.at >= before - 1.0
    trigger(gate, plc, 4)
    assert plc.status.words["missed_trigger_count"] == 3


def test_eight_results_wait_and_the_ninth_is_refused(pair: Pair) -> None:
    gate, plc = pair()
    for part_seq in range(1, 10):
        trigger(gate, plc, part_seq)
    for part_seq in range(1, 9):
        tell(gate, part_seq, Outcome.PASS)
    with pytest.raises(DeviceError, match="8 results wait for the PLC's Inspection Results Ack: overrun"):
        tell(gate, 9, Outcome.PASS)
    status = plc.scan()
    assert StatusBit.RESULTS_BUFFER_OVERRUN in status.bits
    assert lacks(status, StatusBit.TRIGGER_READY)
    assert status.words["remaining_buffers"] == 0
    for part_seq in range(1, 9):
        status = plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
        assert status.words["inspection_id"] == part_seq
        ack(plc)
    assert lacks(plc.scan(), StatusBit.RESULTS_VALID)


def test_a_held_ack_releases_nothing(pair: Pair) -> None:
    gate, plc = pair()
    for part_seq in (1, 2):
        trigger(gate, plc, part_seq)
        tell(gate, part_seq, Outcome.PASS)
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    plc.bits(ENABLED | ControlBit.INSPECTION_RESULTS_ACK)
    plc.until(lambda status: lacks(status, StatusBit.RESULTS_VALID))
    for _ in range(5):
        assert lacks(plc.scan(), StatusBit.RESULTS_VALID)
    plc.bits(ENABLED)
    assert plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits).words["inspection_id"] == 2


def test_an_ack_for_another_result_takes_nothing(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 7)
    tell(gate, 7, Outcome.PASS)
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    plc.put(echo_seq=6)
    plc.bits(ENABLED | ControlBit.INSPECTION_RESULTS_ACK)
    for _ in range(3):
        assert StatusBit.RESULTS_VALID in plc.scan().bits
    plc.put(echo_seq=7)
    plc.until(lambda status: lacks(status, StatusBit.RESULTS_VALID))
    assert told(gate)[-1] == (7, GateTold.ACKNOWLEDGED)


def test_an_ok_can_be_read_only_before_its_deadline(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 1)
    tell(gate, 1, Outcome.PASS, within_s=0.05)
    time.sleep(0.06)  # the fault itself: the PLC does not read in time
    status = plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    assert status.words["result_code"] == 3
    assert not enables(status)
    ack(plc)
    assert told(gate) == [(1, GateTold.NOTHING)]


def test_error_always_comes_with_ng(pair: Pair) -> None:
    gate, plc = pair()
    for part_seq in (1, 2):
        trigger(gate, plc, part_seq)
    tell(gate, 1, Outcome.PASS)
    gate.announce(RUNNING | LineState.ERROR)
    status = plc.until(lambda status: StatusBit.ERROR in status.bits)
    assert StatusBit.RESULTS_NG in status.bits
    assert lacks(status, StatusBit.RESULTS_OK | StatusBit.TRIGGER_READY)
    assert status.words["result_code"] == 3
    assert status.words["error_code"] == ErrorCode.LINE
    with pytest.raises(DeviceError, match="error bit"):
        tell(gate, 2, Outcome.PASS)
    gate.announce(RUNNING)
    assert not enables(plc.until(lambda status: lacks(status, StatusBit.ERROR))), "once an NG, never an OK again"


def test_no_result_survives_a_reconnect(pair: Pair, connect: Connect) -> None:
    gate, plc = pair()
    for part_seq in (1, 2, 3):
        trigger(gate, plc, part_seq)
    for part_seq in (1, 2):
        tell(gate, part_seq, Outcome.PASS)
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    gate.expect(PartId(part_seq=3), deadline=time.monotonic() + 60)
    plc.__exit__(None, None, None)
    again = connect(gate)
    again.bits(ENABLED)
    again.put(trigger_seq=3)
    again.until(lambda status: StatusBit.TRIGGER_READY in status.bits)
    assert lacks(again.status, StatusBit.RESULTS_VALID)
    with pytest.raises(DeviceError, match="connection changed since its trigger"):
        gate.signal(PartId(part_seq=3), verdict(Outcome.PASS), deadline=time.monotonic() + 5)
    assert told(gate) == [(1, GateTold.SENT), (1, GateTold.UNKNOWN), (2, GateTold.NOTHING)]
    assert trigger(gate, again, 4).part_seq == 4


def test_a_stopped_plc_program_is_dead_although_it_polls(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 1)
    tell(gate, 1, Outcome.PASS)
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    plc.echoing = False
    status = plc.until(lambda status: lacks(status, StatusBit.RESULTS_VALID))
    assert lacks(status, StatusBit.TRIGGER_READY | StatusBit.RUN_PERMIT)
    assert "heartbeat was not echoed" in gate.link().reason
    assert gate.plc_word() == PlcWish()
    with pytest.raises(DeviceError, match="heartbeat"):
        tell(gate, 2, Outcome.PASS)


def test_a_second_connection_may_read_but_not_write(pair: Pair, connect: Connect) -> None:
    gate, plc = pair()
    trigger(gate, plc, 1)
    tell(gate, 1, Outcome.PASS)
    other = connect(gate)
    assert StatusBit.RESULTS_VALID in other.look().bits
    assert other._client.write_registers(0, [0] * 18, device_id=1).exception_code == 6
    assert told(gate) == [], "SCADA's reading is not the PLC's"
    assert StatusBit.RESULTS_VALID in plc.scan().bits


def test_a_counter_that_begins_anew_drops_what_stands(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 9)
    tell(gate, 9, Outcome.PASS)
    plc.until(lambda status: StatusBit.RESULTS_VALID in status.bits)
    plc.put(trigger_seq=0)
    plc.until(lambda status: lacks(status, StatusBit.RESULTS_VALID))
    event = trigger(gate, plc, 1)
    assert (event.part_seq, event.restarted) == (1, True)
    tell(gate, 1, Outcome.PASS)


def test_where_the_plc_does_not_count_we_do_and_bounces_are_suppressed(pair: Pair) -> None:
    gate, plc = pair(plc_counts=False, minimum_pitch_ms=60_000)
    assert gate.counted_by == "gate"
    assert gate.position(0).part_seq == 0
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
    event = gate.wait(5)
    assert event is not None
    assert event.part_seq == plc.status.words["acquisition_id"] == 1
    plc.bits(ENABLED)
    plc.scan()
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.until(lambda status: status.words["suppressed_trigger_count"] == 1)
    assert gate.wait(0) is None


def test_a_job_change_withdraws_ready_until_the_line_has_it(pair: Pair) -> None:
    gate, plc = pair()
    plc.bits(ENABLED)
    plc.until(lambda status: StatusBit.TRIGGER_READY in status.bits)
    plc.put(job=7)
    plc.bits(ENABLED | ControlBit.EXECUTE_COMMAND)
    plc.until(lambda status: StatusBit.COMMAND_EXECUTING in status.bits)
    assert lacks(plc.status, StatusBit.TRIGGER_READY | StatusBit.RUN_PERMIT)
    assert gate.plc_word().job == 7
    gate.announce(LineState.ONLINE)
    status = plc.until(lambda status: StatusBit.COMMAND_FAILED in status.bits)
    assert status.words["error_code"] == ErrorCode.JOB_UNKNOWN
    plc.bits(ENABLED)
    plc.put(job=2)
    plc.scan()
    plc.bits(ENABLED | ControlBit.EXECUTE_COMMAND)
    plc.until(lambda status: StatusBit.COMMAND_EXECUTING in status.bits)
    assert gate.plc_word().job == 2
    gate.announce(RUNNING)
    status = plc.until(lambda status: StatusBit.COMMAND_COMPLETED in status.bits)
    assert status.words["current_job"] == 2
    assert StatusBit.TRIGGER_READY in status.bits


def test_set_offline_user_data_and_strings_are_answered(pair: Pair) -> None:
    gate, plc = pair()
    plc.bits(ENABLED | ControlBit.SET_OFFLINE | ControlBit.SET_USER_DATA | ControlBit.INITIATE_STRING_COMMAND)
    status = plc.until(lambda status: StatusBit.SET_USER_DATA_ACK in status.bits)
    assert StatusBit.STRING_COMMAND_ACK | StatusBit.STRING_COMMAND_ERROR in status.bits
    assert lacks(status, StatusBit.ONLINE | StatusBit.TRIGGER_READY)
    assert status.bits >> 4 & 7 == 2
    assert status.words["settings_checksum"] == 0xBEEF
    gate.configured(0xCAFE)
    plc.until(lambda status: status.words["settings_checksum"] == 0xCAFE)
    assert not gate.plc_word().enable
    plc.bits(ENABLED | ControlBit.STOP | ControlBit.BIN_FULL | ControlBit.BYPASS)
    plc.scan()
    assert gate.plc_word() == PlcWish(stop=True, bin_full=True, bypass=True, enable=True)


@pytest.mark.parametrize("last", [1, 2, 9])
def test_a_zero_that_is_written_once_begins_a_new_count_wherever_the_old_one_stood(pair: Pair, last: int) -> None:
    gate, plc = pair()
    for number in range(1, last + 1):
        trigger(gate, plc, number)
    plc.put(trigger_seq=0)
    plc.scan()
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.put(trigger_seq=1)
    plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
    event = gate.wait(5)
    assert event is not None
    assert (event.part_seq, event.restarted) == (1, True)


def test_a_number_that_was_damaged_once_is_no_part_and_no_other_count(pair: Pair) -> None:
    gate, plc = pair()
    trigger(gate, plc, 41)
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.put(trigger_seq=42 ^ 1 << 20)
    assert lacks(plc.scan(), StatusBit.TRIGGER_ACK)
    assert lacks(plc.look(), StatusBit.TRIGGER_ACK)
    plc.put(trigger_seq=42)
    plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
    event = gate.wait(5)
    assert event is not None
    assert (event.part_seq, event.restarted) == (42, False)


def test_an_id_that_changes_while_its_trigger_is_held_is_told(pair: Pair) -> None:
    gate, plc = pair()
    plc.bits(ENABLED)
    plc.text("part_id", "A")
    plc.put(trigger_seq=1)
    plc.scan()
    plc.bits(ENABLED | ControlBit.TRIGGER)
    plc.until(lambda status: StatusBit.TRIGGER_ACK in status.bits)
    plc.text("part_id", "B")
    plc.scan()
    plc.scan()
    plc.bits(ENABLED)
    plc.until(lambda status: lacks(status, StatusBit.TRIGGER_ACK))
    assert gate.changed_ids() == (ChangedId(part_seq=1, told="A", now="B"),)
    plc.text("part_id", "C")  # the handshake is over: the next part's
    plc.scan()
    plc.scan()
    assert gate.changed_ids() == ()
