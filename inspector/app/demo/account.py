"""What the demonstration found: the line's, the PLC's, the journal's and the subscriber's figures side by side."""

import json
from pathlib import Path
from typing import Any

from inspector.adapters import journal_sql
from inspector.app.demo.plant import STATION, Plant


def read_json(path: Path) -> dict[str, Any]:
    """A file that another process replaces atomically; {} while it is not there."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}


class Subscriber:
    """Counts the different results that the subscriber process has printed; reads each line once."""

    def __init__(self, plant: Plant) -> None:
        self._log = plant.log("listen")
        self._offset = 0
        self._ids: set[str] = set()

    def received(self) -> int:
        """Different results so far."""
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._take(line)
        return len(self._ids)

    def _take(self, line: bytes) -> None:
        if line.startswith(b'{"topic"'):
            message = json.loads(line)
            if message["topic"].endswith("/result"):
                self._ids.add(message["record"]["resultId"])


def gather(plant: Plant, *, received: int) -> dict[str, Any]:
    """One JSON-ready object; its keys are a contract (`inspector demo --json`)."""
    twin = read_json(plant.run_dir / "twin_report.json") or read_json(plant.run_dir / "twin.json")
    status = read_json(plant.run_dir / "status.json")
    with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as journal:
        counts = dict(journal.counts())
        delivered = journal.cursor("mqtt")
        published = sum(1 for entry in _entries(journal, delivered) if entry == "Inspection")
    return {
        "triggers": twin["triggers"],
        "pass": counts["PASS"],
        "fail": counts["FAIL"],
        "undecided": counts["UNDECIDED"],
        "undecided_by_rule": status["undecided_by_rule"],
        "wrong_ejections": twin["wrong_ejections"],
        "missed_ejections": twin["missed_ejections"],
        "escapes": twin["escapes"],
        "false_rejects": twin["false_rejects"],
        "truth": {"good": twin["truth"]["PASS"], "bad": twin["truth"]["FAIL"]},
        "latency_ms": status["latency_ms"],
        "stages_ms": status["stages_ms"],
        "mqtt": {"published": published, "received": received},
        "journal": {"inspections": counts["inspections"], "open": counts["open"]},
        "model": status["model"],
        "folder": str(plant.folder),
    }


def _entries(journal: journal_sql.SqlJournal, upto: int) -> list[str]:
    """The kinds of the entries 1 to ``upto``."""
    kinds: list[str] = []
    while len(kinds) < upto:
        page = journal.after(len(kinds))
        if not page:
            break
        kinds += [type(entry.event).__name__ for entry in page if entry.journal_seq <= upto]
    return kinds


def parts_opened(journal: journal_sql.SqlJournal) -> tuple[int, int]:
    """Parts the line has read from the PLC so far, and how many of them it has not closed yet."""
    counts = journal.counts()
    return counts["inspections"] + counts["open"], counts["open"]


def so_far(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The account of a line that runs on."""
    settled = _settled(figures)
    running = f"{figures['triggers']} counted, {settled} past the ejector, {figures['triggers'] - settled} under way"
    return [("so far", running), *summary(figures)[1:]]


def _settled(figures: dict[str, Any]) -> int:
    return int(figures["truth"]["good"] + figures["truth"]["bad"])


def _parts(figures: dict[str, Any]) -> str:
    truth, on_belt = figures["truth"], figures["triggers"] - _settled(figures)
    told = f"{figures['triggers']} counted by the PLC ({truth['good']} good, {truth['bad']} bad at the ejector"
    return told + (f", {on_belt} on the belt when it stopped)" if on_belt else ")")


def summary(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a person: what, and how it stands."""
    latency, model, truth = figures["latency_ms"], figures["model"], figures["truth"]
    mqtt, journal = figures["mqtt"], figures["journal"]
    reasons = ", ".join(f"{count} x {rule}" for rule, count in figures["undecided_by_rule"].items())
    return [
        ("parts", _parts(figures)),
        (
            "verdicts",
            f"{figures['pass']} PASS   {figures['fail']} FAIL   {figures['undecided']} UNDECIDED"
            + (f" ({reasons})" if reasons else ""),
        ),
        (
            "was the gate right?",
            f"{figures['wrong_ejections']} wrong, {figures['missed_ejections']} missed ejections",
        ),
        (
            "was the verdict right?",
            (
                f"{figures['escapes']} escapes of {truth['bad']} bad, {figures['false_rejects']} false rejects "
                f"of {truth['good']} good"
            ),
        ),
        (
            "trigger to PLC",
            (
                f"p50 {latency.get('p50', 0):.0f} ms   p99 {latency.get('p99', 0):.0f} ms   "
                f"max {latency.get('max', 0):.0f} ms"
            ),
        ),
        ("journal", f"{journal['inspections']} inspections, {journal['open']} open"),
        ("MQTT", f"{mqtt['published']} results acknowledged by the broker, {mqtt['received']} at the subscriber"),
        ("model", f"{model['name']} {model['version']}, {model['runtime']}"),
        ("files", figures["folder"]),
    ]
