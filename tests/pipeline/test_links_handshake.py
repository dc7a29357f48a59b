"""What the line shows of its links and of the handshake, and that it stays small."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Decision, Outcome, Verdict
from inspector.pipeline.handshake import KEPT, Handshake
from inspector.pipeline.links import LinkBoard
from tests import fakes
from tests.pipeline.plant import Plant, opened

MOST_BYTES = 32_000
GOOD = Verdict(
    outcome=Outcome.PASS, reason="", decision=Decision(rule="defects.none", measured=0, limit=0, unit="count")
)


def test_a_link_is_known_since_its_last_change() -> None:
    board, begun = LinkBoard(), datetime(2026, 11, 24, 8, tzinfo=UTC)
    for step, alive in enumerate((True, True, False, False)):
        board.note("gate", device="plc", alive=alive, reason="cable", now=begun + timedelta(seconds=step))
    assert board.told()["gate"] == {
        "device": "plc",
        "alive": False,
        "reason": "cable",
        "since_utc": "2026-11-24T08:00:02Z",
    }


def test_a_handshake_tells_what_was_told_and_answered_and_when() -> None:
    handshake = Handshake()
    handshake.told(opened(7), GOOD, GateTold.SENT, 0.041)
    handshake.answered(7, GateTold.SENT, 0.040)
    handshake.answered(7, GateTold.ACKNOWLEDGED, 0.0529)
    (one,) = handshake.newest()
    assert (one["part_seq"], one["outcome"], one["told"]) == (7, "PASS", "acknowledged")
    assert (one["told_ms"], one["answered_ms"]) == (40.0, 52.9)


def test_an_answer_that_is_faster_than_the_thread_that_told_is_kept_and_one_of_another_part_is_not() -> None:
    handshake = Handshake()
    handshake.answered(7, GateTold.ACKNOWLEDGED, 0.05)
    handshake.answered(8, GateTold.ACKNOWLEDGED, -5.0)
    handshake.told(opened(7), GOOD, GateTold.SENT, 0.06)
    handshake.told(opened(8), GOOD, GateTold.SENT, 0.06)
    assert [(one["told"], one["answered_ms"]) for one in handshake.newest()] == [("sent", None), ("acknowledged", 50.0)]


def test_a_part_that_nobody_was_told_of_has_no_times() -> None:
    handshake = Handshake()
    handshake.told(opened(7), GOOD, GateTold.NOTHING, None)
    (one,) = handshake.newest()
    assert (one["told"], one["told_ms"], one["answered_ms"]) == ("nothing", None, None)


def test_only_the_newest_parts_are_kept() -> None:
    handshake = Handshake()
    for part_seq in range(1, 10 * KEPT):
        handshake.told(opened(part_seq), GOOD, GateTold.SENT, 0.0)
    assert [one["part_seq"] for one in handshake.newest()] == list(range(10 * KEPT - 1, 9 * KEPT - 1, -1))


def test_a_running_line_writes_its_links_and_handshakes_in_a_small_file(tmp_path: Path) -> None:
    parts = list(range(1, 3 * KEPT))
    plant = Plant(tmp_path, events=parts, shots=[fakes.Shot(part_seq=part_seq) for part_seq in parts])
    assert plant.run() == 0
    plant.law_holds(parts)
    content = (tmp_path / "status.json").read_bytes()
    status = json.loads(content)
    assert len(content) < MOST_BYTES
    assert status["links"]["gate"]["alive"]
    assert status["links"]["camera"]["device"]
    assert [one["part_seq"] for one in status["handshake"]] == parts[: -KEPT - 1 : -1]
    assert all(one["told"] in {"sent", "acknowledged"} for one in status["handshake"])
    assert status["forced"] == {"outputs": [], "driven": []}


def test_a_dead_link_stands_in_the_file_with_its_reason(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=[fakes.Shot(part_seq=1)])
    plant.gate.alive = False
    plant.run()
    gate = json.loads((tmp_path / "status.json").read_text())["links"]["gate"]
    assert (gate["alive"], gate["reason"]) == (False, "no heartbeat for 1 s")
    assert datetime.fromisoformat(gate["since_utc"]).timestamp() <= time.time()
