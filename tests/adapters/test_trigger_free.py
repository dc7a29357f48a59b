"""The trigger of stations without a PLC."""

import threading
import tomllib
from pathlib import Path

from inspector.adapters.trigger_free import PLUGIN
from inspector.ports.plugin import Context

CONTEXT = Context(station="test", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "trigger_free.toml"


def test_the_sample_loads_and_shows_every_setting_with_its_default() -> None:
    table = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))["trigger"]
    assert table.pop("kind") == "free"
    assert set(table) == set(PLUGIN.settings_model.model_fields)
    assert PLUGIN.settings_model(**table) == PLUGIN.settings_model()


def test_it_counts_on_from_where_it_was_told_as_fast_as_asked() -> None:
    with PLUGIN.open(PLUGIN.settings_model(start_after=7), CONTEXT) as trigger:
        assert trigger.counted_by == "line"
        position = trigger.position(1)
        assert (position.part_seq, position.echo_seq) == (7, None)
        assert [trigger.wait(0).part_seq for _ in range(3)] == [8, 9, 10]
        assert trigger.position(1).part_seq == 10


def test_a_new_counter_starts_at_one_and_wraps_over_zero() -> None:
    with PLUGIN.open(PLUGIN.settings_model(), CONTEXT) as trigger:
        assert trigger.wait(0).part_seq == 1
    with PLUGIN.open(PLUGIN.settings_model(start_after=0xFFFFFFFE), CONTEXT) as trigger:
        assert [trigger.wait(0).part_seq for _ in range(2)] == [0xFFFFFFFF, 1]


def test_an_interval_keeps_parts_apart() -> None:
    with PLUGIN.open(PLUGIN.settings_model(interval_s=0.05), CONTEXT) as trigger:
        first = trigger.wait(1)
        assert trigger.wait(0.001) is None
        second = trigger.wait(1)
        assert second.part_seq == first.part_seq + 1
        assert 0.05 <= second.at - first.at < 5


def test_parts_due_while_nobody_asked_are_not_made_up() -> None:
    with PLUGIN.open(PLUGIN.settings_model(interval_s=0.02), CONTEXT) as trigger:
        trigger.wait(1)
        threading.Event().wait(0.2)
        assert trigger.wait(0).part_seq == 2
        assert trigger.wait(0).part_seq == 3
        assert trigger.wait(0) is None
