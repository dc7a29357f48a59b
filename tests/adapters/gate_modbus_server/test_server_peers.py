"""The server role under Modbus clients that none of us wrote: mbpoll, and jsmodbus and modbus-serial in Node."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.adapters.gate_modbus.layout import Orders
from inspector.adapters.gate_modbus.server import ModbusServerGate, symbols
from inspector.adapters.gate_modbus.server.image import decode_status
from inspector.adapters.gate_modbus.server.table import ControlBit, StatusBit
from inspector.adapters.gate_modbus.symbols import to_csv
from inspector.ports.gate import LineState
from tests.adapters.gate_modbus_server.conftest import Serve
from tests.adapters.gate_modbus_server.judge import Judge

CYCLES = 30


@pytest.mark.peer("node")
@pytest.mark.parametrize("library", ["jsmodbus", "modbus-serial"])
def test_a_node_client_runs_the_handshake(serve: Serve, tmp_path: Path, repo: Path, library: str) -> None:
    gate = serve()
    listed = tmp_path / "symbols.csv"
    listed.write_text(to_csv(symbols.rows(gate._desk.settings)), encoding="utf-8")
    script = repo / "tests" / "peers" / "node" / "poll.js"
    command = ["node", str(script), library, str(gate.port), "1", str(listed), str(CYCLES)]
    with Judge(gate) as judge:
        said = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "NODE_PEERS": str(repo / ".stamps" / "node")},
        )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {"ok": CYCLES / 3, "ng": CYCLES / 3, "undecided": CYCLES / 3, "wrong": 0}
    assert judge.seen == list(range(1, CYCLES + 1))


@pytest.fixture
def mbpoll(serve: Serve) -> tuple[ModbusServerGate, Callable[..., str]]:
    """A gate, and mbpoll that asks it once: ``ask("-t", "3", "-r", "0", "-c", "26")``."""
    gate = serve()
    program = shutil.which("mbpoll") or "mbpoll"

    def ask(*options: str, unit: int = 1, values: tuple[str, ...] = ()) -> str:
        command = [program, "-m", "tcp", "-p", str(gate.port), "-a", str(unit), "-0", "-1", *options, "127.0.0.1"]
        said = subprocess.run([*command, *values], check=False, capture_output=True, text=True, timeout=30)
        return said.stdout + said.stderr

    return gate, ask


def words(said: str) -> list[int]:
    return [int(line.split()[1]) & 0xFFFF for line in said.splitlines() if line.startswith("[")]


@pytest.mark.peer("mbpoll")
@pytest.mark.parametrize(("table", "first"), [("3", "0"), ("4", "1000")])
def test_mbpoll_reads_the_status_words_in_both_places(
    mbpoll: tuple[ModbusServerGate, Callable[..., str]], table: str, first: str
) -> None:
    gate, ask = mbpoll
    gate.announce(LineState.ONLINE | LineState.BUSY)
    status = decode_status(words(ask("-t", table, "-r", first, "-c", "26")), Orders())
    assert status.bits == StatusBit.ONLINE | StatusBit.SYSTEM_BUSY
    assert (status.words["settings_checksum"], status.words["layout"]) == (0xBEEF, 1)


@pytest.mark.peer("mbpoll")
def test_mbpoll_writes_a_control_word_and_is_told_what_is_wrong(
    mbpoll: tuple[ModbusServerGate, Callable[..., str]],
) -> None:
    gate, ask = mbpoll
    assert "Written 1 references" in ask("-t", "4", "-r", "0", values=("3",))
    assert gate._desk.control.bits == ControlBit.TRIGGER_ENABLE | ControlBit.TRIGGER
    assert not gate._desk.triggers, "a level at connect acquires nothing"
    assert "Illegal data address" in ask("-t", "4", "-r", "1000", values=("1",))
    assert "Illegal data address" in ask("-t", "3", "-r", "500", "-c", "2")
    assert "Illegal function" in ask("-t", "0", "-r", "0", "-c", "2")
    assert "Target device failed to respond" in ask("-t", "3", "-r", "0", "-c", "2", unit=5)
