"""The structured text of the server role, run: put into C line by line, and polling the real gate."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from inspector.adapters.gate_modbus.server import ModbusServerGate, ModbusServerSettings
from inspector.adapters.gate_modbus.server.structured_text import to_structured_text
from tests.adapters.gate_modbus_server.conftest import RUNNING, Serve
from tests.adapters.gate_modbus_server.judge import Judge
from tests.fakes import wait_until
from tests.peers.st_block import Block, compile_block

pytestmark = pytest.mark.peer("libmodbus")

DECIDE_AFTER = 1500
Fate = tuple[int, bool, int]
"""Number, ejected, result code."""


class BlockPlc:
    """A PLC whose program is the block; its belt moves a count a millisecond."""

    def __init__(self, gate: ModbusServerGate, library: Path) -> None:
        self.block = Block(library)
        self.fates: list[Fate] = []
        self._settings = gate._desk.settings
        self._client = ModbusTcpClient("127.0.0.1", port=gate.port, timeout=5, retries=0)
        self._anew = True

    @property
    def fb(self) -> Any:
        return self.block.now

    def hang_up(self) -> None:
        self._client.close()

    def cycle(self, *, trigger: bool = False) -> None:
        """Read, call, write; a trigger has a cycle of its own."""
        s = self._settings
        if not self._client.connected:
            assert self._client.connect()
            self._anew = True
        if trigger:
            self._call(trigger=1, fresh=0)
        read = self._client.read_input_registers(s.status_address, count=26, device_id=s.unit_id)
        self._call(trigger=0, fresh=1, anew=self._anew, status=read.registers, enable=1)
        self._anew = False
        wrote = self._client.write_registers(s.control_address, list(self.fb.control), device_id=s.unit_id)
        assert not wrote.isError(), wrote

    def _call(self, **inputs: Any) -> None:
        now = time.monotonic_ns() // 1_000_000 % (1 << 32)
        fb = self.block.call(now=now, position=now, decide_after=DECIDE_AFTER, **inputs)
        if fb.decided:
            self.fates.append((fb.decided_seq, fb.eject, fb.decided_code))

    def until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "not within its time"
            self.cycle()
            time.sleep(0.003)


@pytest.fixture
def polled_by_the_block(serve: Serve, tmp_path: Path) -> Iterator[Callable[..., tuple[BlockPlc, Judge]]]:
    """A gate that judges, and the PLC that polls it: alive, with a permit."""
    closing: list[Callable[[], None]] = []

    def made(*, start: int = 0, **settings: Any) -> tuple[BlockPlc, Judge]:
        gate = serve(**settings)
        text = to_structured_text(ModbusServerSettings.model_validate(settings))
        plc = BlockPlc(gate, compile_block(text, tmp_path))
        plc.fb.trigger_seq = start
        plc.until(lambda: gate.link().alive)
        judge = Judge(gate)
        judge.__enter__()
        closing.extend((plc.hang_up, lambda: judge.__exit__(None, None, None)))
        gate.announce(RUNNING)
        plc.until(lambda: plc.fb.run_permit)
        return plc, judge

    yield made
    for close in closing:
        close()


@pytest.mark.parametrize("byte_order", ["big", "little"])
@pytest.mark.parametrize("word_order", ["high_first", "low_first"])
def test_the_block_decides_every_part_as_it_was_judged(
    polled_by_the_block: Callable[..., tuple[BlockPlc, Judge]], byte_order: str, word_order: str
) -> None:
    orders = {"byte_order": byte_order, "word_order": word_order}
    places = {"control_address": 40, "status_address": 300, "mirror_address": 100, "unit_id": 9}
    plc, judge = polled_by_the_block(start=4294967292, **orders, **places)
    for part in range(1, 9):
        plc.cycle(trigger=True)
        plc.until(lambda at=part: len(judge.seen) >= at)
        plc.until(lambda: not plc.fb.raised and not plc.fb.acking)
    plc.until(lambda: len(plc.fates) == 8)
    numbers = [4294967293, 4294967294, 4294967295, 1, 2, 3, 4, 5]
    codes = {1: 1, 2: 2, 0: 3}
    assert plc.fates == [(number, codes[number % 3] != 1, codes[number % 3]) for number in numbers]
    assert judge.seen == numbers


def test_no_result_of_an_old_connection_reaches_a_part(
    polled_by_the_block: Callable[..., tuple[BlockPlc, Judge]],
) -> None:
    plc, judge = polled_by_the_block()
    plc.cycle(trigger=True)
    assert wait_until(lambda: len(judge.seen) == 1)  # judged, and its OK was never read over this connection
    plc.hang_up()
    plc.cycle()
    assert not plc.fb.line_alive
    assert (plc.fb.raised, plc.fb.acking) == (False, False)
    plc.until(lambda: plc.fates, timeout_s=20)
    assert plc.fates[0][:2] == (1, True)


class Belt:
    """The block by itself, with a status that is given."""

    def __init__(self, library: Path) -> None:
        self.block = Block(library)
        self.at = 0
        self.beat = 0

    def call(self, position: int, *, trigger: bool = False, **status: int) -> Any:
        self.at += 5
        self.beat += 1
        words = [0] * 26
        words[9], words[25] = self.beat, 1
        for name, value in status.items():
            words[int(name[1:])] = value
        position %= 1 << 32
        return self.block.call(
            now=self.at, position=position, decide_after=100, trigger=trigger, fresh=1, anew=0, status=words
        )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_block(to_structured_text(ModbusServerSettings()), tmp_path_factory.mktemp("st"))


@pytest.mark.parametrize("start", [1000, 5, (1 << 32) - 3])
def test_a_belt_that_rocks_back_over_a_part_decides_it_at_the_ejector_and_nowhere_else(
    library: Path, start: int
) -> None:
    belt = Belt(library)
    belt.call(start - 1)
    belt.call(start, trigger=True)
    for position in (start - 1, start - 4, start, start + 50, start + 99):
        assert not belt.call(position).decided, position
    assert belt.call(start + 100).decided


def test_an_ok_beside_ng_or_error_or_another_code_rejects(library: Path) -> None:
    for wrong in ({"w0": 0x8800}, {"w1": 0x0300}, {"w8": 2}, {"w8": 0}, {"w7": 2}, {"w25": 2}):
        belt = Belt(library)
        belt.call(0)
        belt.call(1)
        belt.call(2, trigger=True)
        good = {"w0": 0x0800, "w1": 0x0100, "w7": 1, "w8": 1}
        belt.call(3, **{**good, **wrong})
        fb = belt.call(102)
        assert (fb.decided, fb.eject) == (True, True), wrong
    belt = Belt(library)
    belt.call(0)
    belt.call(1)
    belt.call(2, trigger=True)
    belt.call(3, **good)
    fb = belt.call(102)
    assert (fb.decided, fb.eject, fb.decided_code) == (True, False, 1)


def test_more_parts_than_places_reject_everything(library: Path) -> None:
    belt = Belt(library)
    for part in range(65):
        belt.call(part, trigger=True)
        belt.call(part)
    assert belt.block.now.full
    assert belt.call(165).eject
