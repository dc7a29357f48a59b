"""The PLC gate against a real PLC: a C program on libmodbus, written from docs/plc.md."""

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from pymodbus.client import ModbusTcpClient

from inspector.adapters.gate_modbus import PLUGIN, ModbusGate
from inspector.adapters.gate_modbus.layout import Command, Orders, ResultCode, decode_command
from inspector.domain.errors import DeviceError
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Outcome
from inspector.ports.gate import LineState, PlcWish
from tests.adapters.gate_modbus.parts import next_part, tell
from tests.peers.plc_peer import Plc

pytestmark = pytest.mark.peer("libmodbus")

Pair = Callable[..., tuple[ModbusGate, Plc]]
Until = Callable[..., None]
RUNNING = LineState.ONLINE | LineState.READY | LineState.RUN_PERMIT


def words_to(plc: Plc) -> list[int]:
    """What stands in the PLC, read over a second connection."""
    client = ModbusTcpClient("127.0.0.1", port=plc.port, timeout=5, retries=0)
    try:
        assert client.connect()
        return list(client.read_holding_registers(0, count=8, device_id=1).registers)
    finally:
        client.close()


def command_in(plc: Plc) -> Command:
    read = decode_command(words_to(plc), Orders())
    assert read is not None
    return read


def test_a_trigger_is_reported_with_the_plcs_own_number(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--start", "41")
    assert gate.counted_by == "plc"
    plc.say("trigger")
    event = next_part(gate)
    assert event.part_seq == 42
    assert event.encoder is None
    assert (event.part_id, event.lot, event.job) == ("", "", 0)


def test_the_plcs_words_about_the_part_come_with_the_trigger(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc(encoder=True)
    for said in ("encoder 4000000001", "part-id SN-00042", "lot L7", "job 12", "status 5", "trigger"):
        plc.say(said)
    event = next_part(gate)
    assert (event.encoder, event.part_id, event.lot, event.job) == (4000000001, "SN-00042", "L7", 12)
    until(lambda: gate.plc_word() == PlcWish(job=12, enable=True, bin_full=True))


def test_clear_error_is_asked_once_for_each_press_and_a_stop_as_long_as_it_stands(
    gate_and_plc: Pair, until: Until
) -> None:
    gate, plc = gate_and_plc()
    asked: list[bool] = []

    def asks(wish: PlcWish) -> bool:
        word = gate.plc_word()
        asked.append(word.clear_error)
        return replace(word, clear_error=False) == wish

    plc.say("status 16")
    until(lambda: asks(PlcWish()) and True in asked)
    plc.say("status 18")
    until(lambda: asks(PlcWish(stop=True)))
    plc.say("status 8")
    until(lambda: asks(PlcWish(bypass=True)))
    assert asked.count(True) == 1
    plc.say("status 16")
    until(lambda: asks(PlcWish()) and asked.count(True) == 2)
    plc.say("heartbeat off")
    plc.say("status 2")
    until(lambda: not gate.link().alive)
    assert gate.plc_word() == PlcWish(), "a PLC whose program stands asks nothing"


def test_position_tells_the_counter_and_later_triggers_are_reported(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc()
    plc.say("trigger 3")
    plc.expect("trigger 3")
    assert gate.position(5).part_seq == 3
    assert gate.wait(0) is None
    plc.say("trigger 2")
    assert next_part(gate).part_seq == 5


@pytest.mark.parametrize(
    ("outcome", "fate"),
    [(Outcome.PASS, "pass ok"), (Outcome.FAIL, "reject ng"), (Outcome.UNDECIDED, "reject undecided")],
)
def test_only_a_pass_enables(gate_and_plc: Pair, until: Until, outcome: Outcome, fate: str) -> None:
    gate, plc = gate_and_plc("--window", "10000")
    plc.say("trigger")
    part_seq = next_part(gate).part_seq
    tell(gate, part_seq, outcome)
    assert plc.fate(part_seq) == fate
    told: list[GateTold] = []
    until(lambda: bool(told.extend(c.told for c in gate.confirmations(0.1)) or len(told) == 2))
    assert told == [GateTold.SENT, GateTold.ACKNOWLEDGED]


def test_no_answer_rejects(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "50")
    plc.say("trigger")
    assert plc.fate(next_part(gate).part_seq) == "reject default"


def test_a_signal_after_its_deadline_is_refused_here(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "50")
    plc.say("trigger")
    part_seq = next_part(gate).part_seq
    with pytest.raises(DeviceError, match="late"):
        tell(gate, part_seq, Outcome.PASS, within_s=0.0)
    assert plc.fate(part_seq) == "reject default"
    assert plc.stop()["late"] == 0


def test_an_answer_after_the_plcs_window_is_ignored_there_and_not_acknowledged(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "50")
    plc.say("trigger")
    part_seq = next_part(gate).part_seq
    assert plc.fate(part_seq) == "reject default"
    tell(gate, part_seq, Outcome.PASS, within_s=0.5)
    assert [c.told for c in gate.confirmations(5)] == [GateTold.SENT]
    assert gate.position(5).echo_seq == 0
    summary = plc.stop()
    assert (summary["passed"], summary["rejected"], summary["late"]) == (0, 1, 1)


def test_a_result_for_an_unknown_part_enables_nothing(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "200")
    plc.say("trigger")
    part_seq = next_part(gate).part_seq
    tell(gate, part_seq + 1, Outcome.PASS, within_s=0.05)
    assert plc.fate(part_seq) == "reject default"
    summary = plc.stop()
    assert (summary["passed"], summary["stale"]) == (0, 1)


def test_the_next_result_waits_for_the_echo_and_is_withdrawn_for_good(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "1000", "--no-echo")
    plc.say("trigger 2")
    assert next_part(gate).part_seq == 2
    tell(gate, 1, Outcome.PASS)
    with pytest.raises(DeviceError, match="has not echoed part 1; withdrawn"):
        tell(gate, 2, Outcome.PASS)
    said = {one.part_seq: one.told for one in gate.confirmations(5)}
    assert said == {1: GateTold.SENT, 2: GateTold.NOTHING}, "the record need not wait for an echo"
    assert plc.fate(2) == "reject default"
    assert plc.stop() == {
        "triggers": 2, "passed": 1, "rejected": 1, "late": 0, "stale": 0, "bad_crc": 0, "duplicates": 0,
    }  # fmt: skip


def test_without_an_echo_the_next_result_goes_after_the_deadline(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--window", "10000", "--no-echo")
    plc.say("trigger 2")
    next_part(gate)
    tell(gate, 1, Outcome.PASS, within_s=0.05)
    tell(gate, 2, Outcome.PASS)
    assert plc.fate(2) == "pass ok"


def test_a_run_of_parts_comes_out_as_it_was_judged(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--period", "50", "--count", "60", "--window", "2000", "--wait-permit")
    gate.announce(RUNNING)
    outcomes = [Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED]
    for expected in range(1, 61):
        part_seq = next_part(gate).part_seq
        assert part_seq == expected
        tell(gate, part_seq, outcomes[part_seq % 3])
    summary = plc.stop()
    assert (summary["triggers"], summary["passed"], summary["rejected"]) == (60, 20, 40)
    assert summary["late"] == summary["stale"] == summary["bad_crc"] == summary["duplicates"] == 0


def test_part_numbers_wrap_over_zero(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--start", "4294967293", "--window", "10000")
    for expected in (4294967294, 4294967295, 1, 2):
        plc.say("trigger")
        assert next_part(gate).part_seq == expected
        tell(gate, expected, Outcome.PASS)
        assert plc.fate(expected) == "pass ok"


@pytest.mark.parametrize("byte_order", ["big", "little"])
@pytest.mark.parametrize("word_order", ["high_first", "low_first"])
def test_every_order_and_base_address_works(gate_and_plc: Pair, byte_order: str, word_order: str) -> None:
    options = ["--to", "40", "--from", "7", "--start", "70000", "--window", "10000"]
    options += ["--swap-bytes"] * (byte_order == "little") + ["--low-first"] * (word_order == "low_first")
    gate, plc = gate_and_plc(*options, byte_order=byte_order, word_order=word_order, to_address=40, from_address=7)
    plc.say("trigger")
    assert next_part(gate).part_seq == 70001
    tell(gate, 70001, Outcome.PASS)
    assert plc.fate(70001) == "pass ok"
    assert plc.stop()["bad_crc"] == 0


def test_the_state_is_shown_and_beats_repeat_the_result_unchanged(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "10000")
    gate.announce(RUNNING | LineState.DEGRADED)
    until(lambda: command_in(plc).state == RUNNING | LineState.DEGRADED)
    plc.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.FAIL, score=2.5)
    first = command_in(plc)
    assert (first.result.part_seq, first.result.code, first.result.severity) == (1, ResultCode.NG, 2500)
    until(lambda: command_in(plc).heartbeat != first.heartbeat)
    assert command_in(plc).result == first.result
    assert plc.stop()["duplicates"] == 0


def test_error_never_comes_with_an_ok(gate_and_plc: Pair, until: Until) -> None:
    gate, plc = gate_and_plc("--window", "10000")
    plc.say("trigger 3")
    next_part(gate)
    tell(gate, 1, Outcome.PASS)
    gate.announce(RUNNING | LineState.ERROR)
    until(lambda: LineState.ERROR in command_in(plc).state)
    assert command_in(plc).result.code is ResultCode.NONE
    with pytest.raises(DeviceError, match="error bit"):
        tell(gate, 2, Outcome.PASS)
    tell(gate, 3, Outcome.FAIL)
    assert plc.fate(3) == "reject error"
    assert plc.stop()["passed"] == 1


def test_on_exit_the_plc_reads_offline_and_no_result(start_plc: Callable[..., Plc], until: Until) -> None:
    plc = start_plc("--window", "10000")
    settings = PLUGIN.settings_model(host="127.0.0.1", port=plc.port)
    with PLUGIN.open(settings, None) as gate:
        gate.announce(RUNNING)
        until(lambda: gate.link().alive)
        gate.position(5)
        plc.say("trigger")
        tell(gate, next_part(gate).part_seq, Outcome.PASS)
    assert words_to(plc)[2:7] == [0, 0, 0, 0, 0]
    assert decode_command(words_to(plc), Orders()) is not None
    assert not gate.link().alive
    with pytest.raises(DeviceError, match="not told"):
        tell(gate, 2, Outcome.PASS)
    assert plc.fate(1) == "pass ok"


@pytest.mark.peer("mbpoll")
def test_mbpoll_reads_the_words_we_wrote(gate_and_plc: Pair) -> None:
    gate, plc = gate_and_plc("--start", "123455", "--window", "10000")
    plc.say("trigger")
    tell(gate, next_part(gate).part_seq, Outcome.PASS, score=0.25)
    mbpoll = shutil.which("mbpoll") or "mbpoll"
    command = [mbpoll, "-m", "tcp", "-p", str(plc.port), "-a", "1", "-t", "4", "-0", "-r", "0", "-c", "8", "-1"]
    said = subprocess.run([*command, "127.0.0.1"], check=True, capture_output=True, text=True).stdout
    words = [int(line.split()[1]) for line in said.splitlines() if line.startswith("[")]
    assert words[0] == 1
    assert words[3:7] == [1, 0xE240, 1, 250]
    assert decode_command(words, Orders()) is not None


def test_confirmations_wait_no_longer_than_asked(gate_and_plc: Pair) -> None:
    gate, _ = gate_and_plc()
    started = time.monotonic()
    assert gate.confirmations(0.05) == ()
    assert time.monotonic() - started < 5
