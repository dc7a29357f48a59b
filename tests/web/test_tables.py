"""Parts taken out as a table: one at a time, streamed, and only those that were meant."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from inspector.app.export import table
from inspector.domain.account import Role
from tests.web.plant import Plant


def test_one_table_is_made_at_a_time_and_nothing_of_it_stays_behind(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    making, go_on = threading.Event(), threading.Event()

    def slow(*asked: Any) -> Any:
        making.set()
        assert go_on.wait(20)
        return table_rows(*asked)

    table_rows = table.rows
    monkeypatch.setattr(table, "rows", slow)
    with plant.client(Role.QUALITY) as client, ThreadPoolExecutor(1) as other:
        first = other.submit(client.get, "/history/table.csv")
        assert making.wait(20)
        second = client.get("/history/table.xlsx")
        assert (second.status_code, "Another export" in second.json()["detail"]) == (409, True)
        go_on.set()
        answer = first.result()
        assert int(answer.headers["content-length"]) == len(answer.content) > 1000
        assert client.get("/history/table.csv").content == answer.content
    assert list((tmp_path / "scratch").glob("inspector-export-*")) == []


@pytest.mark.parametrize("asked", [{"outcome": "GOOD"}, {"part_seq": "x1"}, {"shift": "19990101T0000"}])
def test_what_a_search_does_not_know_is_told_to_programs_and_left_out_on_the_page(
    asked: dict[str, str], seen_plant: Plant
) -> None:
    (name, value) = next(iter(asked.items()))
    with seen_plant.client(Role.QUALITY) as client:
        for path in ("/api/history", "/history/table.csv", "/history/table.xlsx"):
            told = client.get(path, params=asked)
            assert told.status_code == 422
            assert told.json()["detail"].startswith(f"{name} = '{value}' is unknown; there are: ")
        assert client.get("/history", params=asked).status_code == 200
