"""The simulated PLC rejects by default: only a valid OK for that part, in time, lets it pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.twin.plc import PlcLogic, PlcWiring, ScanInputs, ScanOutputs, Telegram, crc16
from inspector.twin.shift_register import Code, Decision
from inspector.twin.witness import Witness

DECIDE_AFTER = 100


class Bench:
    """A PLC with a belt of one count a millisecond, and a line that writes telegrams."""

    def __init__(self, **wiring: object) -> None:
        self.plc = PlcLogic(PlcWiring(**{"decide_after": DECIDE_AFTER, **wiring}))
        self.witness = Witness(first_trigger=self.plc.wiring.first_trigger, decide_after=self.plc.wiring.decide_after)
        self.telegram = Telegram(words=(0,) * 8, encoder=0)
        self.heartbeat = 0

    def write(self, words: tuple[int, ...], at: int) -> None:
        self.telegram = Telegram(words=words, encoder=at, number=self.telegram.number + 1)
        self.witness.telegram(words, at)

    def say(self, part_seq: int, code: int, *, at: int, state: int = 67, layout: int = 1, crc: int = 0) -> None:
        self.heartbeat += 1
        words = (layout, self.heartbeat, state, part_seq >> 16, part_seq & 0xFFFF, code, 0)
        self.write((*words, crc16(words) ^ crc), at)

    def scan(self, at: int, edges: tuple[int, ...] = ()) -> ScanOutputs:
        for edge in edges:
            self.witness.gate_edge(edge)
        return self.plc.scan(ScanInputs(now=at / 1000, encoder=at, gate_edges=edges, telegram=self.telegram))


def fate(bench: Bench, *, at: int = 150) -> Decision:
    (decision,) = bench.scan(at).decisions
    return decision


def test_the_crc_is_the_published_one() -> None:
    assert crc16((0x0001, 0x0102, 0x0043, 0x0001, 0xE240, 0x0001, 0x00FA)) == 0xC6AD
    assert crc16((0,) * 7) == 0x01AB
    assert crc16((0xFFFF,) * 7) == 0x8155


def test_an_ok_in_time_lets_the_part_pass_and_is_echoed() -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    bench.say(1, 1, at=50)
    assert bench.scan(52).words[3:5] == (0, 1)
    assert bench.scan(99).decisions == ()
    assert fate(bench, at=100) == Decision(part_seq=1, eject=False, code=Code.OK)


def test_a_part_of_which_nothing_was_said_is_ejected() -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    assert fate(bench) == Decision(part_seq=1, eject=True, code=Code.NONE)


@pytest.mark.parametrize(
    ("said", "code", "counted"),
    [
        ({"code": 2}, Code.NG, None),
        ({"code": 3}, Code.NOT_DECIDABLE, None),
        ({"code": 0}, Code.NONE, None),
        ({"code": 7}, Code.NOT_DECIDABLE, "bad_code"),
        ({"code": 1, "state": 67 | 8}, Code.NOT_DECIDABLE, "ok_with_error"),
        ({"code": 1, "crc": 1}, Code.NONE, "bad_crc"),
        ({"code": 1, "layout": 2}, Code.NONE, "bad_layout"),
        ({"code": 1, "part_seq": 2}, Code.NONE, "stale"),
        ({"code": 1, "part_seq": 0}, Code.NONE, None),
        ({"code": 1, "at": 100}, Code.NONE, "late"),
        ({"code": 1, "at": 120}, Code.NONE, "late"),
    ],
)
def test_everything_else_ejects(said: dict[str, int], code: Code, counted: str | None) -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    bench.say(**{"part_seq": 1, "at": 50, **said})
    assert fate(bench) == Decision(part_seq=1, eject=True, code=code)
    assert dict(bench.plc.tally) == ({counted: 1} if counted else {})


@pytest.mark.parametrize("word", [0, 0xFFFF])
def test_an_image_of_all_zeros_or_all_ones_lets_nothing_pass(word: int) -> None:
    bench = Bench(first_trigger=0xFFFFFFFF)
    bench.scan(0, edges=(0, 1))
    bench.write((word,) * 8, at=50)
    outputs = bench.scan(150)
    assert [decision.eject for decision in outputs.decisions] == [True, True]
    assert not outputs.permit


def test_the_first_valid_result_counts() -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    bench.say(1, 2, at=20)
    bench.scan(21)
    bench.say(1, 1, at=30)
    bench.scan(31)
    assert fate(bench).eject
    assert bench.plc.tally == {"duplicates": 1}


def test_heartbeats_that_repeat_a_result_are_no_second_result() -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    for at in (20, 40, 60, 120, 140):
        bench.say(1, 1, at=at)
        bench.scan(at + 1)
    assert dict(bench.plc.tally) == {}


def test_a_late_or_stale_result_is_not_echoed() -> None:
    bench = Bench()
    bench.scan(0, edges=(0,))
    bench.scan(150)
    bench.say(1, 1, at=160)
    outputs = bench.scan(161)
    assert outputs.words[3:5] == (0, 0)
    assert bench.plc.tally == {"late": 1}


def test_an_echoed_heartbeat_needs_a_valid_block_and_dies_after_its_time() -> None:
    bench = Bench()
    bench.say(0, 0, at=10, crc=1)
    assert bench.scan(11).words[0] == 0
    bench.say(0, 0, at=20)
    outputs = bench.scan(21)
    assert (outputs.words[0], outputs.link_alive, outputs.permit) == (2, True, True)
    assert bench.scan(1021).link_alive
    outputs = bench.scan(1022)
    assert not outputs.link_alive
    assert not outputs.permit


def test_a_repeated_heartbeat_number_is_no_sign_of_life() -> None:
    bench = Bench()
    bench.say(0, 0, at=0)
    bench.scan(1)
    for at in range(100, 1200, 100):
        bench.heartbeat = 0
        bench.say(0, 0, at=at)
        outputs = bench.scan(at)
    assert not outputs.link_alive


def test_permit_needs_its_bit_and_no_error() -> None:
    bench = Bench()
    bench.say(0, 0, at=1, state=3)
    assert not bench.scan(2).permit
    bench.say(0, 0, at=3, state=64 | 8)
    assert not bench.scan(4).permit


def test_counter_and_encoder_wrap_under_a_part() -> None:
    bench = Bench(first_trigger=0xFFFFFFFF)
    near_the_end = (1 << 32) - 10
    outputs = bench.scan(near_the_end, edges=(near_the_end, near_the_end + 5))
    assert outputs.counted == (0xFFFFFFFF, 1)
    assert outputs.words[1:3] == (0, 1)
    assert outputs.words[6:8] == (0xFFFF, 0xFFFF - 4)
    bench.say(0xFFFFFFFF, 1, at=20)
    bench.scan(21)
    assert [(d.part_seq, d.eject) for d in bench.scan(150).decisions] == [(0xFFFFFFFF, False), (1, True)]


def test_part_id_job_and_lot_are_told_as_published() -> None:
    words = Bench(job=7, lot="A1").scan(0, edges=(0,)).words
    assert len(words) == 17
    assert b"".join(word.to_bytes(2, "big") for word in words[8:12]) == b"P0000001"
    assert words[12] == 7
    assert b"".join(word.to_bytes(2, "big") for word in words[13:17]) == b"A1\0\0\0\0\0\0"


def test_a_result_repeated_from_before_a_part_came_is_not_about_that_part() -> None:
    bench = Bench()
    bench.say(1, 1, at=1)
    bench.scan(2)
    bench.scan(10, edges=(10,))
    bench.say(1, 1, at=50)
    assert fate(bench).eject
    assert bench.witness.settle(1) is Code.NONE


words16 = st.one_of(st.integers(0, 4), st.integers(0, 0xFFFF))
heads = st.tuples(
    st.sampled_from([1, 1, 1, 2]),
    words16,
    st.sampled_from([67, 67, 67 | 8, 0]),
    st.just(0),
    st.integers(0, 5),
    st.sampled_from([1, 1, 0, 2, 3, 4]),
    words16,
)
blocks = st.tuples(*[words16] * 8) | st.builds(
    lambda head, damage: (*head, crc16(head) ^ damage), heads, st.sampled_from([0, 0, 0, 1, 0x8000])
)
steps = st.lists(st.tuples(st.integers(1, 60), st.booleans(), blocks | st.none()), max_size=30)


@given(steps)
def test_no_input_ever_makes_a_pass_but_a_valid_ok_for_that_part_in_time(
    run: list[tuple[int, bool, tuple[int, ...] | None]],
) -> None:
    bench, at = Bench(), 0
    due: dict[int, int] = {}
    proved: set[int] = set()
    for ahead, comes, block in [*run, (DECIDE_AFTER, False, None)]:
        at += ahead
        edges = (at,) if comes else ()
        for part_seq in range(len(due) + 1, len(due) + 1 + len(edges)):
            due[part_seq] = at + DECIDE_AFTER
        outputs = bench.scan(at, edges=edges)
        if block is not None:
            bench.write(block, at)
            part_seq = block[3] << 16 | block[4]
            valid = block[0] == 1 and crc16(block[:7]) == block[7] and block[5] == 1 and not block[2] & 8
            if valid and at < due.get(part_seq, 0):
                proved.add(part_seq)
        for decision in (*outputs.decisions, *bench.scan(at).decisions):
            assert decision.eject or decision.part_seq in proved
            assert decision.eject == (bench.witness.settle(decision.part_seq) is not Code.OK)
            due[decision.part_seq] = 0
    assert not [seq for seq, decide_at in due.items() if 0 < decide_at <= at]
