"""A picture that is covered, torn, noise or full of strokes never passes a part: real model, whole line."""

import threading
from pathlib import Path

import cv2
import pytest

from inspector.adapters import journal_sql
from inspector.app import build, settings
from inspector.app.parts import check_parts
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import Inspection
from inspector.domain.verdict import Outcome
from inspector.pipeline.sight import Health, glance, reference_of
from inspector.twin.scenes import SceneSettings, render
from inspector.twin.scenes.wreck import Wreck, wrecked

SCENES = SceneSettings(width=1024, height=768, defect_rate=0.0)
GOOD = 16


@pytest.fixture
def judged(config: Path, tmp_path: Path) -> dict[str, Inspection]:
    """The book's record of each picture: good parts first, then what is wrecked, good ones between."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    wanted = []
    for number in range(GOOD):
        cv2.imwrite(str(folder / f"a{number:02}-good.png"), render(9000 + number, SCENES).pixels)
        wanted.append(f"a{number:02}-good.png")
    for index, wreck in enumerate(wreck for wreck in Wreck for _ in range(3)):
        part = render(9100 + index, SCENES).pixels
        cv2.imwrite(str(folder / f"b{index:02}-{wreck.value}.png"), wrecked(part, wreck, index))
    station = config / "stations" / "left.toml"
    text = station.read_text(encoding="utf-8").replace("/srv/inspector/left", str(folder))
    text = text.replace('mode = "watch"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    text += "\n[runtime]\nkind = 'onnx'\nthreads = 1\n\n[optics]\nlearn_parts = 8\n"
    station.write_text(text, encoding="utf-8")
    parts = check_parts(settings.load(config, "left"))
    with build.open_line(parts, threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    with journal_sql.open_journal(parts.journal, read_only=True) as book:
        events = [entry.event for entry in book.after(0, 500)]
    return {event.part.serial: event for event in events if isinstance(event, Inspection)}


def test_no_wrecked_picture_passes_and_good_parts_do(judged: dict[str, Inspection]) -> None:
    for name, one in sorted(judged.items()):
        print(name, one.verdict.outcome.name, one.verdict.decision.rule, one.verdict.reason)
    bad = {name: one for name, one in judged.items() if "good" not in name}
    assert len(bad) == 3 * len(Wreck)
    assert {name for name, one in bad.items() if one.verdict.outcome is Outcome.PASS} == set()
    good = [one for name, one in judged.items() if "good" in name]
    assert len(good) == GOOD
    assert not any(one.verdict.decision.rule == "law.optics" for one in good)
    assert sum(one.verdict.outcome is Outcome.PASS for one in good) >= GOOD - 4


@pytest.mark.parametrize("wreck", list(Wreck))
def test_each_is_held_back_by_the_optics_alone_were_a_model_to_call_it_clean(wreck: Wreck) -> None:
    good = [glance(render(9000 + number, SCENES).pixels, PixelFormat.MONO8) for number in range(8)]
    for index in range(3):
        spoilt = wrecked(render(9100 + index, SCENES).pixels, wreck, index)
        findings = Health(reference=reference_of(good)).look(glance(spoilt, PixelFormat.MONO8))
        assert any(one.grave for one in findings), findings
