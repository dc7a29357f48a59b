"""What every source of parts that needs no hardware promises."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from inspector.app import plugins
from inspector.domain.frame import seq_after
from inspector.ports.plugin import Context
from inspector.ports.trigger import Trigger

CONTEXT = Context(station="s", data_dir="", run_dir="")
LAST = 2**32 - 1


@pytest.fixture(params=plugins.names("trigger"))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(kind: str, **settings: Any) -> Iterator[Trigger]:
    plugin = plugins.find("trigger", kind, where="here", key="trigger")
    with plugin.open(plugin.settings_model(**settings), CONTEXT) as trigger:
        yield trigger


def test_parts_come_in_order_after_the_position(kind: str) -> None:
    for trigger in opened(kind):
        assert trigger.counted_by in {"plc", "line"}
        number = trigger.position(1.0).part_seq
        for _ in range(5):
            before = time.monotonic()
            event = trigger.wait(1.0)
            assert event is not None
            assert event.part_seq == seq_after(number)
            assert before <= event.at <= time.monotonic()
            number = event.part_seq


def test_one_that_counts_by_itself_goes_on_where_it_is_told_to_and_never_uses_0(kind: str) -> None:
    for trigger in opened(kind, start_after=LAST):
        event = trigger.wait(1.0)
        assert event is not None
        assert event.part_seq == 1


def test_it_says_none_when_no_part_came_in_time(kind: str) -> None:
    for trigger in opened(kind, interval_s=30.0):
        assert trigger.wait(1.0) is not None
        assert trigger.wait(0.01) is None
