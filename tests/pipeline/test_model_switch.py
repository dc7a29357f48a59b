"""A job may name a model of its own: it looks at exactly the parts of that job, with no part lost in between."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inspector.domain.detection import Detection
from inspector.domain.errors import DeviceError
from inspector.domain.frame import Pixels
from inspector.domain.geometry import Box
from inspector.domain.inspection import ModelStamp, RecipeStamp
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.verdict import Outcome
from inspector.pipeline.detect import Detector
from inspector.pipeline.recipes import ActiveRecipe
from inspector.ports.model import TileOutput
from inspector.ports.trigger import TriggerEvent
from tests import fakes
from tests.pipeline.plant import Plant

SECOND = ModelStamp(name="second", version="7", sha256="7" * 64, runtime="fake")
PARTS = 20
PITCH_S = 0.1
JOB = 3


class SeesDents:
    """Sees a dent in everything."""

    def decode(self, outputs: Sequence[TileOutput], pixels: Pixels) -> tuple[Detection, ...]:
        box = Box(x=0, y=0, width=9, height=9)
        return (Detection(label="dent", score=0.8, box=box, length_px=9, width_px=9, area_px=81),)


def switching(folder: Path) -> tuple[Plant, fakes.FakeRuntime]:
    """Every second part is of a job with another recipe and another model."""
    begun = time.monotonic()
    events = [TriggerEvent(part_seq=n, at=begun + n * PITCH_S, job=JOB * (n % 2)) for n in range(1, PARTS + 1)]
    shots = [fakes.Shot(part_seq=n) for n in range(1, PARTS + 1)]
    plant = Plant(folder, events=events, shots=shots, jobs=[JOB], pitch_s=PITCH_S)
    plant.tuning = replace(plant.tuning, sync_window_s=0.04)
    recipe = Recipe(
        name="any dent", model="second", classes={"dent": ClassRule(confidence=0.5, any_fails=True)}, other=ClassRule()
    )
    stamp = RecipeStamp(name="any dent", sha256="5" * 64, job=JOB)
    second = ActiveRecipe(recipe=recipe, stamp=stamp, model=SECOND)
    plant.station.recipes.put(f"job {JOB}", second)
    runtime = fakes.FakeRuntime()
    plant.further_models["second"] = Detector(card=fakes.card(name="second"), runtime=runtime, decoder=SeesDents())
    return plant, runtime


def test_models_change_between_parts_at_ten_a_second_and_none_is_lost(tmp_path: Path) -> None:
    plant, second = switching(tmp_path)
    assert plant.run() == 0
    plant.law_holds(range(1, PARTS + 1))
    odd, even = list(range(1, PARTS + 1, 2)), list(range(2, PARTS + 1, 2))
    assert (second.looked_at, plant.runtime.looked_at) == (odd, even)
    for number, record in plant.records.items():
        other = number in odd
        assert record.verdict.outcome is (Outcome.FAIL if other else Outcome.PASS)
        assert record.model == (SECOND if other else fakes.MODEL)
        assert record.recipe.name == ("any dent" if other else "any crack")


def test_a_model_that_fails_takes_only_the_parts_of_its_own_job(tmp_path: Path) -> None:
    plant, second = switching(tmp_path)

    def break_down(_: int) -> None:
        raise DeviceError("model second", "it is broken")

    second.before = break_down
    assert plant.run() == 0
    plant.law_holds(range(1, PARTS + 1))
    assert {plant.rule(n) for n in range(1, PARTS + 1, 2)} == {"law.model"}
    assert all(plant.outcomes()[n] is Outcome.PASS for n in range(2, PARTS + 1, 2))
