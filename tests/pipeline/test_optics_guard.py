"""The line watches its optics: it learns from good parts, warns, and never lets a doubtful picture pass a part."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.domain.frame import Pixels
from inspector.domain.verdict import Outcome
from inspector.pipeline.optics_guard import OpticsRules
from inspector.pipeline.sight import Limits
from tests.fakes import Shot
from tests.pipeline.plant import Plant

RULES = OpticsRules(learn_parts=5, limits=Limits(frames=3, speck_frames=5))


def plant(folder: Path, count: int, *, bad: int = 0, rules: OpticsRules = RULES) -> Plant:
    numbers = range(1, count + 1)
    made = Plant(folder, events=numbers, shots=[Shot(part_seq=n, bad=n == bad, frame_no=n) for n in numbers])
    made.tuning = replace(made.tuning, optics=rules)
    return made


def learned(folder: Path, rules: OpticsRules = RULES) -> Plant:
    """A plant whose line has run before, and learned."""
    first = plant(folder, 6, rules=replace(rules, learn_parts=5))
    assert first.run() == 0
    second = plant(folder, 8, rules=rules)
    second.references = first.references
    return second


def test_good_parts_make_the_reference_and_it_is_kept(tmp_path: Path) -> None:
    made = plant(tmp_path, 8, bad=2)
    assert made.run() == 0
    made.law_holds(range(1, 9))
    kept = made.references.kept["any crack"]
    assert (kept.reference.frames, kept.by, kept.setup.serial) == (5, "line", "1")
    assert set(made.outcomes().values()) == {Outcome.PASS, Outcome.FAIL}


def test_a_disk_that_does_not_take_the_reference_is_an_alarm_and_no_more(tmp_path: Path) -> None:
    made = plant(tmp_path, 8)
    made.references.refuse = True
    made.gate.after = lambda part: _wait_for(made, "optics.unsaved") if part == 8 else None
    assert made.run() == 0
    made.law_holds(range(1, 9))
    assert "optics.unsaved" in made.recorder.alarms()


def _wait_for(made: Plant, alarm: str) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if alarm in made.recorder.alarms():
            return
        pause.wait(0.01)


@pytest.mark.parametrize(("level", "alarm"), [(60, "optics.light"), (200, "optics.light")])
def test_a_lamp_that_failed_warns_and_no_part_passes(tmp_path: Path, level: int, alarm: str) -> None:
    made = learned(tmp_path)
    _textured(made, level)
    assert made.run() == 0
    made.law_holds(range(1, 9))
    assert alarm in made.recorder.alarms()
    assert {made.rule(n) for n in range(1, 9)} == {"law.optics"}
    assert set(made.outcomes().values()) == {Outcome.UNDECIDED}
    assert "the light is" in made.records[1].verdict.reason
    assert made.records[1].verdict.decision.measured > made.records[1].verdict.decision.limit


def _textured(made: Plant, level: int) -> None:
    """Every picture of this mean light, with stripes enough that it is not flat."""
    grab = made.camera.grab

    def lit(into: Pixels, timeout_s: float) -> object:
        capture = grab(into, timeout_s)
        for lit_up in (into[1:], into[0, 6:]):  # the first six pixels say which part it is
            lit_up[...] = (lit_up.astype(np.float32) * level / 128).astype(np.uint8)
        return capture

    made.camera.grab = lit  # type: ignore[assignment,method-assign]


def test_where_it_is_set_to_warn_only_the_part_passes_and_the_alarm_stands(tmp_path: Path) -> None:
    made = learned(tmp_path, replace(RULES, hold=False))
    _textured(made, 60)
    assert made.run() == 0
    assert set(made.outcomes().values()) == {Outcome.PASS}
    assert "optics.light" in made.recorder.alarms()


def test_a_defect_stays_a_fail_under_a_bad_lamp(tmp_path: Path) -> None:
    made = learned(tmp_path)
    made.shots[3] = Shot(part_seq=4, bad=True, frame_no=4)
    made.camera._shots[3] = made.shots[3]
    _textured(made, 60)
    assert made.run() == 0
    assert made.outcomes()[4] is Outcome.FAIL
    assert made.outcomes()[5] is Outcome.UNDECIDED


def test_the_picture_of_the_part_before_is_never_judged_again(tmp_path: Path) -> None:
    made = plant(tmp_path, 4, bad=2)
    grab, kept = made.camera.grab, {}

    def frozen(into: Pixels, timeout_s: float) -> object:
        capture = grab(into, timeout_s)
        if capture.frame_no == 2:
            kept["frame"] = into.copy()
        if capture.frame_no == 3:
            into[...] = kept["frame"]
        return capture

    made.camera.grab = frozen  # type: ignore[assignment,method-assign]
    assert made.run() == 0
    assert made.outcomes() == {1: Outcome.PASS, 2: Outcome.FAIL, 3: Outcome.UNDECIDED, 4: Outcome.PASS}
    assert "are those of the picture before, bit for bit" in made.records[3].verdict.reason
    assert "optics.frozen" in made.recorder.alarms()


def test_another_camera_asks_for_a_new_reference_and_learns_it(tmp_path: Path) -> None:
    made = learned(tmp_path)
    before = made.references.kept["any crack"]
    made.references.kept["any crack"] = replace(before, setup=replace(before.setup, serial="another"))
    _textured(made, 60)
    assert made.run() == 0
    assert set(made.outcomes().values()) == {Outcome.PASS}
    assert made.references.kept["any crack"].setup.serial == "1"


def test_another_revision_of_the_recipe_is_watched_by_the_old_reference_until_a_new_one_is_learned(
    tmp_path: Path,
) -> None:
    made = learned(tmp_path)
    before = made.references.kept["any crack"]
    made.references.kept["any crack"] = replace(before, setup=replace(before.setup, recipe_sha256="3" * 64))
    _textured(made, 60)
    assert made.run() == 0
    assert {made.rule(n) for n in range(1, 9)} == {"law.optics"}
    made = plant(tmp_path, 8)
    made.references.kept["any crack"] = replace(before, setup=replace(before.setup, recipe_sha256="3" * 64))
    assert made.run() == 0
    assert made.references.kept["any crack"].setup.recipe_sha256 == "1" * 64


def test_where_only_the_command_makes_a_reference_its_want_is_an_alarm(tmp_path: Path) -> None:
    made = plant(tmp_path, 8, rules=replace(RULES, learn_parts=0))
    assert made.run() == 0
    assert made.references.kept == {}
    assert "optics.reference" in made.recorder.alarms()


def test_the_status_file_says_what_is_watched(tmp_path: Path) -> None:
    made = learned(tmp_path)
    _textured(made, 60)
    assert made.run() == 0
    told = json.loads((tmp_path / "status.json").read_text())["health"]["optics"]
    assert "light" in told["findings"]
    assert told["references"]["any crack"]["by"] == "line"
    assert told["references"]["any crack"]["in_force"] is True
