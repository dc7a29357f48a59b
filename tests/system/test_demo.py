"""`inspector demo`, as a newcomer types it, with 12-megapixel frames."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_ends_by_itself_and_every_trigger_has_one_inspection(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspector", "demo", "--parts", "12", "--json", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["triggers"] == 12 == figures["pass"] + figures["fail"] + figures["undecided"]
    assert figures["wrong_ejections"] == 0
    assert figures["missed_ejections"] == 0
    assert figures["journal"] == {"inspections": 12, "open": 0}
    assert figures["mqtt"] == {"published": 12, "received": 12}
    assert set(figures["latency_ms"]) == {"p50", "p99", "max"}
    assert {"name", "version", "sha256", "runtime"} <= set(figures["model"])
    kept = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert sum(record["kind"] == "result" for record in kept) == 12
