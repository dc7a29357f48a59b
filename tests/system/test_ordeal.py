"""R1 and R2: under kills, freezes, stalls, losses and noise no part passes without its own verdict, in every mode."""

from pathlib import Path

import pytest

from inspector.domain.verdict import Outcome
from tests.system.bench import Bench
from tests.system.judge import told_apart, wrong_parts
from tests.system.ordeal import Ordeal
from tests.system.test_tracking import begin, finish
from tests.system.tracked import SLOW_MM_S, SPEED_MM_S, tracked_plant


@pytest.fixture(autouse=True)
def environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("INSPECTOR_TEST_DELAY", "")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("tracking", ["plc", "polled", "encoder"])
def test_two_hundred_triggers_under_ten_faults(tmp_path: Path, tracking: str) -> None:
    ordeal = Ordeal(tracking=tracking, triggers=200, faults=10, seed=5, pitch_ms=200.0)
    ordeal.judge(*ordeal.run(tmp_path))


@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("tracking", ["plc", pytest.param("polled", marks=pytest.mark.long)])
def test_two_hundred_triggers_under_ten_faults_with_the_printed_block_as_the_plc_program(
    tmp_path: Path, tracking: str
) -> None:
    ordeal = Ordeal(tracking=tracking, triggers=200, faults=10, seed=5, pitch_ms=200.0, structured_text=True)
    figures = ordeal.judge(*ordeal.run(tmp_path))
    assert figures["passed"] >= 20
    assert figures["ejected"] >= 20


@pytest.mark.long
@pytest.mark.peer("libmodbus")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("tracking", ["plc", "polled"])
def test_five_thousand_triggers_under_a_hundred_faults_with_the_printed_block(tmp_path: Path, tracking: str) -> None:
    ordeal = Ordeal(tracking=tracking, triggers=5_000, faults=100, seed=11, pitch_ms=200.0, structured_text=True)
    ordeal.judge(*ordeal.run(tmp_path))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tracking", ["plc", "polled", "encoder", "time"])
def test_at_twelve_megapixels_too(tmp_path: Path, tracking: str) -> None:
    """The long runs show 640 x 480 px, so that a fault is found by its kind and not by a PC that is too slow."""
    ordeal = Ordeal(tracking=tracking, triggers=200, faults=10, seed=5, pitch_ms=400.0, width=4096, height=3000)
    ordeal.judge(*ordeal.run(tmp_path))


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("tracking", ["plc", "polled", "encoder", "time"])
def test_ten_thousand_triggers_under_two_hundred_faults(tmp_path: Path, tracking: str) -> None:
    ordeal = Ordeal(tracking=tracking, triggers=10_000, faults=200, seed=7, pitch_ms=200.0)
    ordeal.judge(*ordeal.run(tmp_path))


SPACING_MM = 200.0


def random_spacing(tmp_path: Path, *, tracking: str, parts: int, faults: list[str]) -> None:
    plant = tracked_plant(
        tmp_path,
        tracking=tracking,
        parts=parts,
        pitch_ms=SPACING_MM / SPEED_MM_S * 1e3,
        speed_mm_s=SLOW_MM_S,
        ejector={"min_pitch_mm": 110.0, "before_mm": 50.0, "after_mm": 35.0},
        station={"sync_window_ms": 45.0, "deadline_ms": 500.0},
        twin={"spacing_jitter_mm": 44.0, "faults": faults, "width": 640, "height": 480, "pool": 32},
    )
    with Bench(plant) as bench:
        begin(bench)
        report, book = finish(bench, plant, patience_s=parts * SPACING_MM / SLOW_MM_S * 1.5 + 120)
    wrong, missed = told_apart(report["rows"], book)
    outcomes = {outcome.name: sum(one.verdict.outcome is outcome for one in book.values()) for outcome in Outcome}
    print(tracking, outcomes, {"wrong": wrong, "missed": missed, "late_ms": report["light_gate_late_ms"]})
    assert (report["parts"], len(book)) == (parts, parts)
    assert (wrong, missed) == ([], [])
    assert wrong_parts(report["rows"], book) == []


def changes(parts: int) -> list[str]:
    """Stops and other speeds, one every fifty parts."""
    kinds = ("belt-stop@{}:0.4", "belt-speed@{}:400", "belt-speed@{}:500", "belt-reverse@{}:60", "belt-speed@{}:550")
    return [kinds[turn % len(kinds)].format(at) for turn, at in enumerate(range(20, parts - 20, 50))]


@pytest.mark.timeout(300)
def test_parts_with_random_spacing_under_encoder_with_stops_and_other_speeds(tmp_path: Path) -> None:
    random_spacing(tmp_path, tracking="encoder", parts=120, faults=changes(120))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_thousand_parts_with_random_spacing_under_encoder(tmp_path: Path) -> None:
    random_spacing(tmp_path, tracking="encoder", parts=5000, faults=changes(5000))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_thousand_parts_with_random_spacing_under_time_at_one_speed(tmp_path: Path) -> None:
    random_spacing(tmp_path, tracking="time", parts=5000, faults=[])
