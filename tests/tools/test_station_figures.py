"""What the station's figures are made of, and that the page says what the file says."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools import station_figures, station_page
from tools.station import live, turns
from tools.station.browser import Sight
from tools.station.turns import Block

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def sight(part: str, at: float, *, stale: bool = False) -> Sight:
    return Sight(at=at, part=part, outcome="pass", stale=stale)


def test_a_verdict_counts_from_its_commit_to_the_first_sight_of_it() -> None:
    born = {"a": (9.9, 10.0, False), "b": (10.9, 11.0, True), "c": (11.9, 12.0, False)}
    sights = [sight("a", 10.1), sight("a", 10.5), sight("b", 11.05, stale=True), sight("b", 11.3)]
    found = live.figures(sights, born, 3)
    assert (found["parts"], found["shown"], found["rejects"]) == (3, 2, 1)
    assert found["after_commit_ms"]["least"] == pytest.approx(100)
    assert found["after_commit_ms"]["most"] == pytest.approx(300), "a stale lamp shows nothing"
    assert found["after_verdict_ms"]["most"] == pytest.approx(400)


def block(*ms: float, busy: bool) -> Block:
    return Block(busy=busy, began=NOON, ended=NOON + timedelta(seconds=10), cpu_s=1.0, ms=ms)


def test_the_ratio_is_of_all_parts_and_its_interval_of_pairs_drawn_anew() -> None:
    blocks = []
    for pair in range(10):
        blocks += [block(100.0, 110.0, 120.0, busy=False), block(150.0 + pair, 165.0, 180.0, busy=True)]
    found = turns.figures(blocks)
    assert (found["idle_ms"]["count"], found["busy_ms"]["count"]) == (30, 30)
    assert found["ratios"]["p50"]["ratio"] == 1.5
    assert found["ratios"]["p50"]["low"] <= 1.5 <= found["ratios"]["p50"]["high"]
    assert found["ratios"]["p99"] == {"ratio": 1.5, "low": 1.5, "high": 1.5}


def test_no_difference_is_a_ratio_of_one() -> None:
    same = [block(100.0, 101.0, 140.0, busy=busy) for _ in range(8) for busy in (False, True)]
    assert turns.figures(same)["ratios"] == {name: {"ratio": 1.0, "low": 1.0, "high": 1.0} for name in ("p50", "p99")}


def test_the_page_in_docs_is_the_one_of_its_figures(repo: Path) -> None:
    found = json.loads((repo / station_figures.FILE).read_text())
    assert found["schema"] == station_figures.SCHEMA
    assert (repo / station_page.PAGE).read_text() == station_page.page(found)


def test_what_was_not_measured_is_said_to_be_missing() -> None:
    assert station_page.page({}).count("Not measured yet.") == len(station_figures.MEASURES)
