"""The part of a line that answers requests: its own loop, desk, pen and board, without a camera."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from inspector.adapters import journal_sql
from inspector.app import settings
from inspector.app.parts import check_parts
from inspector.app.station_recipes import StationRecipes, active_recipe
from inspector.domain.activation import ACTIVATE
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import ModelStamp
from inspector.pipeline.activate import ActivationDesk
from inspector.pipeline.recipes import ActiveRecipe, RecipeBoard
from inspector.pipeline.requests import RequestLoop
from inspector.pipeline.supervise import Pulse
from inspector.ports.camera import CameraInfo
from tests.adapters.journal_sql.records import STATION
from tests.fakes import wait_until
from tests.web.plant import Plant

CAMERA = CameraInfo(
    name="none", serial="1", width=4096, height=3000, pixel_format=PixelFormat.MONO8, counts_frames=True, paced=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringLine:
    """``board``: what it judges by."""

    board: RecipeBoard

    @property
    def sha256(self) -> str:
        """Of the default recipe."""
        return self.board[0].stamp.sha256


@contextmanager
def answering_line(plant: Plant) -> Iterator[AnsweringLine]:
    """Answers as a line does, and says in the plant's status file what it judges by."""
    parts = check_parts(settings.load(plant.folder / "config", STATION))
    stop = threading.Event()
    with ExitStack() as stack:
        recorder = stack.enter_context(journal_sql.open_recorder(plant.journal, station=STATION))
        archive = stack.enter_context(journal_sql.open_journal(plant.journal, station=STATION))
        people = stack.enter_context(journal_sql.open_for_people(plant.journal, station=STATION))
        requests = stack.enter_context(journal_sql.open_requests(plant.journal, station=STATION))
        for recipe in parts.recipes:
            archive.revision("recipe", recipe.recipe.name, recipe.text)
        models = {
            name: ModelStamp(name=name, version=card.version, sha256=card.sha256) for name, card in parts.cards.items()
        }
        board = RecipeBoard(
            {slot: active_recipe(one, models) for slot, one in zip(parts.slots, parts.recipes, strict=True)}
        )
        source = StationRecipes(
            parts,
            models=models,
            camera=CAMERA,
            shelf=people.shelf,
            activations=people.activations,
            lay_out=lambda *_: None,
        )
        desk = ActivationDesk(board=board, source=source, flush=recorder.flush, tell=lambda _: tell(plant, board))
        pulse = Pulse(name="requests", limit_s=60.0)
        loop = RequestLoop(book=requests, recorder=recorder, clerks={ACTIVATE: desk}, stop=stop, pulse=pulse)
        tell(plant, board)
        thread = threading.Thread(target=loop.run, name="requests")
        thread.start()
        try:
            for _ in range(2):  # at its second beat it has looked once: what is asked from now on is asked of this line
                assert beats(pulse)
            seen = plant.app.state.feed
            assert wait_until(lambda: seen.now.liveness.status.get("recipes") == rows(board.slots))
            yield AnsweringLine(board=board)
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()


def beats(pulse: Pulse) -> bool:
    """Wait for its next beat."""
    before = pulse.beaten_at
    return wait_until(lambda: pulse.beaten_at > before)


def rows(slots: Any) -> list[dict[str, Any]]:
    """As the line's watch writes them."""
    told: dict[str, ActiveRecipe] = slots
    return [
        {"slot": slot, "name": one.stamp.name, "sha256": one.stamp.sha256, "job": one.stamp.job}
        for slot, one in told.items()
    ]


def tell(plant: Plant, board: RecipeBoard) -> None:
    """Into the status file, with its next writing."""
    plant.status["recipes"] = rows(board.slots)
    plant.status["recipe"] = {"name": board[0].stamp.name, "sha256": board[0].stamp.sha256}
