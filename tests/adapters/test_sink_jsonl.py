import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspector.adapters.sink_jsonl import PLUGIN, JsonlSettings, open_jsonl
from inspector.domain.errors import BusyError, ConfigError, DeliveryError
from inspector.ports.plugin import Context
from inspector.ports.sink import Announcement, Publication


def record(number: int, text: str = "") -> Publication:
    payload = {"journalSeq": number, "resultId": f"id-{number}", "text": text}
    return Publication(journal_seq=number, kind="result", schema="inspector.result/1", payload=payload)


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["journalSeq"] for line in path.read_text().splitlines()]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(station="left", data_dir=str(tmp_path), run_dir=str(tmp_path))


def deliver(context: Context, batch: list[Publication], **more: Any) -> list[int]:
    done: list[int] = []
    with PLUGIN.open(JsonlSettings(path=Path("out/records.jsonl"), **more), context) as sink:
        sink.announce(Announcement(topic="state", payload={"state": "online"}))
        sink.deliver(batch, done.append)
    return done


def test_every_record_is_a_line_with_kind_and_schema(context: Context, tmp_path: Path) -> None:
    assert deliver(context, [record(1), record(2)]) == [1, 2]
    first = json.loads((tmp_path / "left/out/records.jsonl").read_text().splitlines()[0])
    assert (first["kind"], first["schema"], first["record"]["resultId"]) == ("result", "inspector.result/1", "id-1")


def test_a_second_delivery_of_the_same_records_writes_nothing_and_calls_them_done(
    context: Context, tmp_path: Path
) -> None:
    deliver(context, [record(n) for n in range(1, 6)])
    assert deliver(context, [record(n) for n in range(4, 9)]) == [4, 5, 6, 7, 8]
    assert numbers(tmp_path / "left/out/records.jsonl") == list(range(1, 9))


def test_a_torn_last_line_is_cut_off_and_written_again(context: Context, tmp_path: Path) -> None:
    deliver(context, [record(1), record(2), record(3)])
    path = tmp_path / "left/out/records.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    deliver(context, [record(3), record(4)])
    assert numbers(path) == [1, 2, 3, 4]


def test_a_gap_is_refilled_once(context: Context, tmp_path: Path) -> None:
    deliver(context, [record(1), record(2), record(6)])
    deliver(context, [record(n) for n in range(1, 7)])
    assert sorted(numbers(tmp_path / "left/out/records.jsonl")) == [1, 2, 3, 4, 5, 6]


def test_a_large_file_is_rotated_and_what_stands_in_the_rotated_one_is_still_known(
    context: Context, tmp_path: Path
) -> None:
    for start in range(1, 41, 10):
        deliver(context, [record(n, "x" * 60_000) for n in range(start, start + 10)], rotate_mb=1, keep=1)
    path = tmp_path / "left/out/records.jsonl"
    assert numbers(path.with_name("records.jsonl.1")) == list(range(1, 21))
    assert deliver(context, [record(n, "x") for n in range(15, 42)], rotate_mb=1, keep=1)[-1] == 41
    assert numbers(path.with_name("records.jsonl.1")) == list(range(21, 41))
    assert numbers(path) == [41]


def test_two_processes_cannot_write_the_same_file(context: Context) -> None:
    settings = JsonlSettings(path=Path("records.jsonl"))
    with (
        open_jsonl(settings, context),
        pytest.raises(BusyError, match=rf"being written by another process \(pid {os.getpid()}\)"),
        open_jsonl(settings, context),
    ):
        pass


def test_a_disk_that_takes_only_half_of_a_batch_leaves_no_half_line(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "left/out/records.jsonl"
    deliver(context, [record(1)])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_jsonl(JsonlSettings(path=path), context) as sink:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limits[1]))  # python ignores SIGXFSZ: EFBIG
        try:
            with pytest.raises(DeliveryError, match="takes nothing: File too large"):
                sink.deliver([record(2)], lambda seq: pytest.fail(f"{seq} was called done"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == before
        sink.deliver([record(2)], lambda _: None)
    assert numbers(path) == [1, 2]


def test_a_killed_writer_resumes_without_losing_or_doubling(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "left/out/records.jsonl"
    program = f"""
from pathlib import Path
from inspector.adapters.sink_jsonl import JsonlSettings, open_jsonl
from inspector.ports.plugin import Context
from inspector.ports.sink import Publication
with open_jsonl(JsonlSettings(path=Path({str(path)!r})), Context(station="s", data_dir="", run_dir="")) as sink:
    for start in range(1, 100000, 50):
        batch = [Publication(journal_seq=n, kind="result", schema="s", payload={{"n": n}})
                 for n in range(start, start + 50)]
        sink.deliver(batch, lambda seq: print(seq, flush=True))
"""
    last = 0
    for goal in (120, 330, 600):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                last = max(last, int(line))
                if last >= goal:
                    break
            writer.kill()
    deliver(context, [record(n) for n in range(1, last + 1)])
    found = numbers(path)
    assert len(found) == len(set(found))
    assert set(range(1, last + 1)) <= set(found)


def test_wrong_settings_are_named(context: Context) -> None:
    with pytest.raises(ValidationError, match="rotate_mb"):
        JsonlSettings(path=Path("x"), rotate_mb=0)
    with (
        pytest.raises(ConfigError, match="cannot be opened: "),
        open_jsonl(JsonlSettings(path=Path("/proc/nowhere/x.jsonl")), context),
    ):
        pass
