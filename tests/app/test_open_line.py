"""A station that watches a folder: N files are N inspections, in one book, through the real model, journal and gate."""

import threading
from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.app import build, settings
from inspector.app.parts import Parts, check_parts
from inspector.domain.inspection import GateTold, Inspection
from inspector.domain.verdict import Outcome
from inspector.twin.scenes import SceneSettings, render

SMALL = SceneSettings(width=320, height=256, defect_rate=0.5)
FILES = 12


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(FILES):
        cv2.imwrite(str(folder / f"part{number}.png"), render(8000 + number, SMALL).pixels)
    return folder


@pytest.fixture
def parts(config: Path, pictures: Path) -> Parts:
    """The shipped station, reading the folder once."""
    path = config / "stations" / "left.toml"
    text = path.read_text(encoding="utf-8").replace("/srv/inspector/left", str(pictures))
    text = text.replace('mode = "watch"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    path.write_text(text + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n", encoding="utf-8")
    return check_parts(settings.load(config, "left"))


def run(parts: Parts) -> list[Inspection]:
    """Run the line until the folder has ended; everything that stands in the book."""
    stop = threading.Event()
    said: list[str] = []
    with build.open_line(parts, stop) as line:
        assert line.run(notify=said.append) == 0
    assert said[0] == "READY=1"
    assert said[-1] == "STOPPING=1"
    with journal_sql.open_journal(parts.journal, read_only=True) as book:
        entries = book.after(0, 200)
    assert [entry.journal_seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.event for entry in entries if isinstance(entry.event, Inspection)]


def holds(parts: Parts, inspections: int) -> None:
    proof = journal_sql.verify(parts.journal, station="left")
    assert list(proof.findings) == []
    assert (proof.inspections, proof.open) == (inspections, 0)


def test_a_folder_of_files_gives_exactly_as_many_inspections(parts: Parts) -> None:
    seen = run(parts)
    assert [i.part.part_seq for i in seen] == list(range(1, FILES + 1))
    holds(parts, FILES)
    assert {i.verdict.outcome for i in seen} <= {Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED}
    assert not any(i.verdict.decision.rule.startswith("law.") for i in seen)
    assert {i.gate_told for i in seen} == {GateTold.NOTHING}
    assert {i.recipe.name for i in seen} == {"critical"}
    assert {i.model.sha256 for i in seen} == {parts.card.sha256}
    for inspection in seen:
        kept = inspection.evidence
        if inspection.verdict.outcome is not Outcome.PASS:
            assert kept is not None
        if kept is not None:
            assert (parts.evidence / kept.path).is_file()


def test_a_file_that_cannot_be_used_is_an_undecided_part_and_the_others_are_judged(
    parts: Parts, pictures: Path
) -> None:
    whole = (pictures / "part5.png").read_bytes()
    (pictures / "part5.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "part7.png").write_bytes(b"")
    seen = run(parts)
    assert sorted(i.part.part_seq for i in seen) == list(range(1, FILES + 1))
    faults = {i.part.part_seq: i.verdict.reason for i in seen if i.verdict.decision.rule == "law.frame"}
    assert set(faults) == {6, 8}
    assert "part5.png" in faults[6]
    assert "cut short" in faults[6]
    holds(parts, FILES)


def test_a_second_run_goes_on_counting_where_the_first_one_ended(parts: Parts) -> None:
    run(parts)
    seen = run(parts)
    assert [i.part.part_seq for i in seen] == list(range(1, 2 * FILES + 1))
    assert {i.part.series for i in seen} == {1}
    holds(parts, 2 * FILES)


def test_a_stop_in_mid_run_leaves_no_part_open(parts: Parts) -> None:
    stop = threading.Event()
    with build.open_line(parts, stop) as line:
        inside = line._handoff.get

        def stop_at_the_first(timeout_s: float) -> object:
            shown = inside(timeout_s)
            if shown is not None:
                stop.set()
            return shown

        line._handoff.get = stop_at_the_first  # type: ignore[method-assign, assignment]
        assert line.run(notify=lambda _line: None) == 0
    proof = journal_sql.verify(parts.journal, station="left")
    assert list(proof.findings) == []
    assert proof.open == 0
    assert 1 <= proof.inspections <= FILES
