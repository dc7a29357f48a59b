"""What every sink that needs no broker promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector.app import plugins
from inspector.ports.plugin import Context
from inspector.ports.sink import Announcement, Publication, Sink

SETTINGS: dict[str, dict[str, Any]] = {"jsonl": {"path": "records.jsonl"}}
NEEDS_A_PEER = {"mqtt": "tests/adapters/sink_mqtt"}


@pytest.fixture(params=[kind for kind in plugins.names("sink") if kind not in NEEDS_A_PEER])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sink]:
    plugin = plugins.find("sink", request.param, where="here", key="sink")
    context = Context(station="left", data_dir=str(tmp_path), run_dir=str(tmp_path))
    with plugin.open(plugin.settings_model(**SETTINGS.get(request.param, {})), context) as opened:
        yield opened


def records(first: int, last: int) -> list[Publication]:
    return [
        Publication(journal_seq=n, kind="result", schema="inspector.result/1", payload={"journalSeq": n})
        for n in range(first, last + 1)
    ]


def test_every_record_is_done_once_in_order(sink: Sink) -> None:
    done: list[int] = []
    sink.deliver(records(1, 3), done.append)
    sink.deliver([], done.append)
    sink.deliver(records(4, 250), done.append)
    assert done == list(range(1, 251))


def test_what_is_delivered_twice_is_done_twice(sink: Sink) -> None:
    done: list[int] = []
    sink.deliver(records(1, 3), done.append)
    sink.deliver(records(2, 4), done.append)
    assert done == [1, 2, 3, 2, 3, 4]


def test_announcing_never_raises(sink: Sink) -> None:
    sink.announce(Announcement(topic="state", payload={"state": "online"}))
    sink.announce(Announcement(topic="alarm/camera.lost", payload=None))
