"""The simulated PLC that polls rejects by default; only OK alone, for a part in flight, in time, lets one pass."""

import pytest

from inspector.twin.plc import PlcWiring
from inspector.twin.plc_polling import Control, Poll, Polled, PollingLogic, Shown
from inspector.twin.shift_register import Code, Decision

DECIDE_AFTER = 500
NOTHING = Shown(0)
OK = Shown.RESULTS_VALID | Shown.RESULTS_OK
NG = Shown.RESULTS_VALID | Shown.RESULTS_NG


class Bench:
    """A PLC with a belt of one count a millisecond, and a station whose status is given."""

    def __init__(self) -> None:
        self.plc = PollingLogic(PlcWiring(decide_after=DECIDE_AFTER, lot="L7"))
        self.heartbeat = 0
        self.answer = Polled(words=(0,) * 18, decisions=(), link_alive=False, permit=False)

    def scan(self, at: int, edges: tuple[int, ...] = (), *, anew: bool = False) -> Polled:
        """A scan without an answer of the station."""
        self.answer = self.plc.scan(Poll(now=at / 1000, encoder=at, gate_edges=edges, anew=anew))
        return self.answer

    def read(
        self,
        at: int,
        bits: Shown = NOTHING,
        *,
        edges: tuple[int, ...] = (),
        acquisition: int = 0,
        part_seq: int = 0,
        code: int = 0,
        beat: bool = True,
        anew: bool = False,
        layout: int = 1,
    ) -> Polled:
        """A scan with the station's status read just before."""
        self.heartbeat += beat
        status = [0] * 26
        status[0], status[1] = bits & 0xFFFF, bits >> 16
        status[4], status[5] = acquisition >> 16, acquisition & 0xFFFF
        status[6], status[7] = part_seq >> 16, part_seq & 0xFFFF
        status[8], status[9], status[25] = code, self.heartbeat, layout
        self.answer = self.plc.scan(Poll(now=at / 1000, encoder=at, gate_edges=edges, status=tuple(status), anew=anew))
        return self.answer

    @property
    def bits(self) -> Control:
        return Control(self.answer.words[0] | self.answer.words[1] << 16)

    @property
    def trigger_seq(self) -> int:
        return self.answer.words[2] << 16 | self.answer.words[3]

    @property
    def echo_seq(self) -> int:
        return self.answer.words[14] << 16 | self.answer.words[15]

    def announced(self, at: int = 0) -> None:
        """Part 1 crosses the light gate and is acknowledged."""
        self.read(at, edges=(at,))
        self.read(at + 5, Shown.TRIGGER_ACK, acquisition=1)
        self.read(at + 10)


def test_a_part_is_announced_by_its_number_and_an_edge_that_is_held_until_it_is_mirrored() -> None:
    bench = Bench()
    bench.read(0, edges=(0, 1))
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (1, True)
    bench.read(5)
    assert Control.TRIGGER in bench.bits
    bench.read(10, Shown.TRIGGER_ACK, acquisition=1)
    assert Control.TRIGGER not in bench.bits
    bench.read(15, Shown.TRIGGER_ACK, acquisition=1)
    assert Control.TRIGGER not in bench.bits, "the mirror must go first"
    bench.read(20)
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (2, True)
    assert bench.plc.tally["other_part"] == 0


def test_an_ok_alone_and_in_time_lets_the_part_pass_and_is_acknowledged_by_its_id() -> None:
    bench = Bench()
    bench.announced()
    bench.read(100, OK, part_seq=1, code=1)
    assert Control.INSPECTION_RESULTS_ACK in bench.bits
    assert bench.echo_seq == 1
    bench.read(110)
    assert Control.INSPECTION_RESULTS_ACK not in bench.bits
    assert bench.scan(DECIDE_AFTER).decisions == (Decision(part_seq=1, eject=False, code=Code.OK),)


@pytest.mark.parametrize(
    ("bits", "code"),
    [
        (NG, 2),
        (NG | Shown.RESULTS_OK, 1),
        (OK | Shown.ERROR, 1),
        (OK, 0),
        (OK, 3),
        (Shown.RESULTS_VALID, 1),
        (Shown.RESULTS_OK, 1),
        (Shown((1 << 32) - 1), 0xFFFF),
        (Shown(0), 0),
    ],
)
def test_whatever_is_not_an_ok_alone_rejects(bits: Shown, code: int) -> None:
    bench = Bench()
    bench.announced()
    bench.read(100, bits, part_seq=1, code=code)
    (decision,) = bench.scan(DECIDE_AFTER).decisions
    assert decision.eject


def test_an_ok_of_another_part_or_after_the_window_is_acknowledged_as_not_told_and_passes_nobody() -> None:
    bench = Bench()
    bench.announced()
    bench.read(100, OK, part_seq=7, code=1)
    assert (Control.INSPECTION_RESULTS_ACK in bench.bits, bench.echo_seq) == (True, 0)
    bench.read(110)
    (decision,) = bench.scan(DECIDE_AFTER).decisions
    assert decision.eject
    bench.read(DECIDE_AFTER + 5, OK, part_seq=1, code=1)
    assert bench.echo_seq == 0
    assert bench.plc.tally["late"] == 1


def test_a_station_whose_heartbeat_stands_still_is_dead_whatever_it_shows() -> None:
    bench = Bench()
    bench.announced()
    assert bench.answer.link_alive
    assert not bench.read(1100, OK, part_seq=1, code=1, beat=False).link_alive
    assert bench.echo_seq == 0


def test_over_a_new_connection_trigger_and_ack_are_low_and_old_parts_get_no_edge() -> None:
    bench = Bench()
    bench.read(0, edges=(0, 1))
    bench.scan(1000)
    bench.read(1005, anew=True)
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (2, False), "its picture is long gone"
    assert bench.plc.tally["not_announced"] == 1
    bench.read(1010, edges=(1010,))
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (3, True)


def test_a_trigger_that_nobody_takes_is_taken_back() -> None:
    bench = Bench()
    bench.read(0, edges=(0,))
    bench.read(300)
    assert Control.TRIGGER not in bench.bits
    assert bench.plc.tally["not_taken"] == 1


def test_a_plc_that_lost_power_says_so_by_a_zero_before_the_first_part() -> None:
    bench = Bench()
    bench.announced()
    assert bench.plc.restart() == (Decision(part_seq=1, eject=True, code=Code.NONE),)
    bench.scan(200, edges=(200,))
    bench.read(205, anew=True)
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (0, False)
    bench.read(210)
    assert (bench.trigger_seq, Control.TRIGGER in bench.bits) == (1, True)


def test_another_layout_is_not_read() -> None:
    bench = Bench()
    assert not bench.read(0, OK | Shown.RUN_PERMIT, layout=2).permit
    assert bench.plc.tally["bad_layout"] == 1
