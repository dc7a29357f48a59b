"""The server role under a PLC program in C that knows only the symbol list: the handshake, thousands of times."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspector.adapters.gate_modbus.server import symbols
from inspector.adapters.gate_modbus.symbols import to_csv
from tests.adapters.gate_modbus_server.conftest import Serve
from tests.adapters.gate_modbus_server.judge import Judge
from tests.peers.compiled import compile_peer

pytestmark = pytest.mark.peer("libmodbus")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_peer("plc_scan", tmp_path_factory.mktemp("plc_scan"))


def run(serve: Serve, program: Path, folder: Path, *options: str, **settings: Any) -> tuple[dict[str, int], Judge, str]:
    """The C PLC against a gate with these settings."""
    gate = serve(**settings)
    model = gate._desk.settings
    listed = folder / "symbols.csv"
    listed.write_text(to_csv(symbols.rows(model)), encoding="utf-8")
    command = [str(program), "127.0.0.1", str(gate.port), str(model.unit_id), str(listed), *options]
    with Judge(gate) as judge:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert said.returncode == 0, said.stderr + said.stdout[-2000:]
    figures: dict[str, int] = json.loads(said.stdout.splitlines()[-1])
    return figures, judge, said.stdout


def hold(figures: dict[str, int], judge: Judge, cycles: int, breaks: int, said: str) -> None:
    assert (figures["wrong"], figures["stale"], figures["refused"]) == (0, 0, 0), said[-3000:]
    assert figures["cycles"] == cycles
    assert figures["reconnects"] == breaks
    answered = figures["ok"] + figures["ng"] + figures["undecided"]
    assert answered + figures["default"] == cycles
    assert figures["default"] <= breaks
    assert judge.seen == sorted(set(judge.seen)), "no part twice, in order"
    missing = set(range(1, cycles + 1)) - set(judge.seen)
    assert len(missing) <= breaks, "only a trigger that hung up at once may be skipped: its number tells of it"
    print(f"\n{cycles} handshakes: {figures}; signal blocked at most {judge.longest_ms:.1f} ms")


def test_two_hundred_handshakes_with_hang_ups(serve: Serve, program: Path, tmp_path: Path) -> None:
    figures, judge, said = run(serve, program, tmp_path, "--cycles", "200", "--break-every", "17")
    hold(figures, judge, 200, 11, said)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_five_thousand_handshakes_with_hang_ups(serve: Serve, program: Path, tmp_path: Path) -> None:
    figures, judge, said = run(serve, program, tmp_path, "--cycles", "5000", "--break-every", "50")
    hold(figures, judge, 5000, 100, said)


@pytest.mark.parametrize("word_order", ["high_first", "low_first"])
@pytest.mark.parametrize("byte_order", ["big", "little"])
def test_every_order_base_address_and_the_mirror_work(
    serve: Serve, program: Path, tmp_path: Path, byte_order: str, word_order: str
) -> None:
    options = ["--cycles", "6", "--mirror", "--start", "70000", "--any"]
    options += ["--swap-bytes"] if byte_order == "little" else []
    figures, judge, said = run(
        serve,
        program,
        tmp_path,
        *options,
        byte_order=byte_order,
        word_order=word_order,
        control_address=40,
        status_address=300,
        mirror_address=100,
        unit_id=9,
    )
    assert (figures["wrong"], figures["stale"], figures["default"]) == (0, 0, 0), said
    assert judge.seen == list(range(70001, 70007))


def test_numbers_wrap_over_zero(serve: Serve, program: Path, tmp_path: Path) -> None:
    figures, judge, said = run(serve, program, tmp_path, "--cycles", "4", "--start", "4294967293", "--any")
    assert (figures["wrong"], figures["stale"], figures["default"]) == (0, 0, 0), said
    assert judge.seen == [4294967294, 4294967295, 1, 2]


def test_a_wrong_unit_names_itself_at_both_ends(serve: Serve, until_named: Callable[..., None]) -> None:
    gate = serve(unit_id=3)
    until_named(gate, {"unit": 9}, 11, "a request for unit 9 was refused; right would be unit 3")
    until_named(
        gate, {"unit": 3, "address": 500}, 2, "holding registers 500-517 was refused; right would be the addresses"
    )
