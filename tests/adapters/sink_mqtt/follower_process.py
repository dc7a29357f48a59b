"""A follower as a process of its own, to be killed: ``python follower_process.py PORT COUNT FOLDER``.

Its journal is made up on the spot: entry n is always the same inspection. Its cursor is a file.
"""

import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters.sink_mqtt import MqttSettings, open_mqtt
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold, Inspection, ModelStamp, RecipeStamp, Timings, uuid7
from inspector.domain.verdict import undecided
from inspector.pipeline.follow import Follower, run_all
from inspector.pipeline.herald import Herald
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.journal import Entry
from inspector.ports.plugin import Context


def inspection(number: int) -> Inspection:
    at = datetime.fromtimestamp(1_790_000_000 + number, UTC)
    return Inspection(
        result_id=uuid7(1_790_000_000_000 + number, number),
        part=PartId(part_seq=number),
        station="left",
        verdict=undecided("late", rule="law.late"),
        detections=(),
        gate_told=GateTold.NOTHING,
        recipe=RecipeStamp(name="critical", sha256="r" * 64),
        model=ModelStamp(name="m", version="1", sha256="m" * 64),
        settings_sha256="s" * 64,
        created_utc=at,
        opened_utc=at,
        timings=Timings(),
        software="0",
    )


class MadeUpJournal:
    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self.file = folder / "cursor"

    def head(self) -> int:
        return self.count

    def counts(self) -> dict[str, int]:
        return {}

    def after(self, journal_seq: int, limit: int = 200) -> Sequence[Entry]:
        last = min(self.count, journal_seq + limit)
        return [Entry(journal_seq=n, event=inspection(n)) for n in range(journal_seq + 1, last + 1)]

    def cursor(self, sink: str) -> int:
        return int(self.file.read_text()) if self.file.exists() else 0

    def advance(self, sink: str, journal_seq: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(journal_seq))
        new.replace(self.file)

    def quarantine(self, sink: str, journal_seq: int, reason: str) -> None:
        raise AssertionError(reason)


def main(port: int, count: int, folder: Path) -> None:
    journal = MadeUpJournal(count, folder)
    status = folder / "status.json"
    status.write_text(f'{{"station": "left", "state": "Ready", "monotonic": {time.monotonic()}}}')
    settings = MqttSettings(host="127.0.0.1", port=port, keepalive_s=2, retry_min_s=0.1, retry_max_s=0.2)
    context = Context(station="left", data_dir=str(folder), run_dir=str(folder), topic_root="plant/inspector/left")
    herald = Herald(station="left", software="0", watch=StatusWatch(status))
    with open_mqtt(settings, context) as sink:
        run_all([Follower(journal, journal, sink, name="mqtt", herald=herald)], threading.Event())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
