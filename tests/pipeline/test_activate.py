"""Another revision while parts pass: none is lost, none is judged by half a change, nothing is taken unwritten."""

import json
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from inspector.domain.activation import ACTIVATE
from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.inspection import RecipeStamp
from inspector.domain.recipe import ClassRule, Recipe
from inspector.domain.request import Answer, RequestState
from inspector.domain.verdict import Outcome
from inspector.pipeline.activate import ActivationDesk
from inspector.pipeline.recipes import ActiveRecipe, RecipeBoard
from inspector.ports.trigger import TriggerEvent
from tests import fakes
from tests.fakes import request, wait_until
from tests.pipeline.plant import Plant

SLOT, FIRST, SECOND = "any crack", "1" * 64, "7" * 64
LENIENT = Recipe(name="any crack", model="fake", classes={"crack": ClassRule(confidence=0.99)}, other=ClassRule())


def revision(sha256: str = SECOND, *, job: int = 0, recipe: Recipe = LENIENT) -> ActiveRecipe:
    return ActiveRecipe(recipe=recipe, stamp=RecipeStamp(name=recipe.name, sha256=sha256, job=job), model=fakes.MODEL)


class FakeRevisions:
    """Revisions in memory; ``written`` says what the book has of each slot, ``trouble`` is raised by ``fetch``."""

    def __init__(self, *known: ActiveRecipe) -> None:
        self._known = {one.stamp.sha256: one for one in known}
        self.trouble: Exception | None = None
        self.written: dict[str, int] = {}

    def fetch(self, slot: str, sha256: str) -> ActiveRecipe:
        if self.trouble is not None:
            raise self.trouble
        if sha256 not in self._known:
            raise ConfigError(f"there is no recipe revision {sha256[:12]} in this journal for {slot}")
        return self._known[sha256]

    def checksum(self, recipes: Iterable[str]) -> int:
        return int("".join(one[0] for one in recipes), 16)

    def taken(self, slot: str) -> int:
        return self.written.get(slot, 0)


class Counter:
    """A desk over a board, a pen that writes when it is told to, and what was put on the board."""

    def __init__(self, *known: ActiveRecipe, jobs: Sequence[int] = ()) -> None:
        self.board = fakes.station(jobs=jobs).recipes
        self.source = FakeRevisions(*known)
        self.disk = True
        self.told: list[str] = []
        self.desk = ActivationDesk(
            board=self.board,
            source=self.source,
            flush=lambda _: self.disk,
            tell=lambda one: self.told.append(one.stamp.sha256),
        )

    def ask(self, number: int = 1, **changed: Any) -> Answer:
        content = {"slot": SLOT, "name": "any crack", "sha256": SECOND, "before": FIRST, "reason": "trial", **changed}
        answer = self.desk.begin(request(number, ACTIVATE, content))
        if answer.state is RequestState.DONE and self.disk:
            self.source.written[str(content["slot"])] = number
        return answer

    @property
    def in_use(self) -> str:
        return self.board[0].stamp.sha256


def test_a_revision_is_in_use_once_its_answer_stands_in_the_book_and_not_before() -> None:
    counter = Counter(revision())
    counter.disk = False
    answer = counter.ask()
    assert (answer.state, answer.text) == (
        RequestState.DONE,
        f"recipe any crack revision {SECOND[:12]} is in use in slot any crack",
    )
    assert counter.desk.look() == ()
    assert counter.in_use == FIRST
    assert counter.ask(2).text == "request 1 waits for the disk; ask again when it is done"
    counter.disk, counter.source.written = True, {SLOT: 1}
    assert counter.desk.look() == ()
    assert (counter.in_use, counter.told) == (SECOND, [SECOND])
    counter.desk.look()
    assert counter.told == [SECOND]


def test_an_answer_that_the_pen_had_no_room_for_changes_nothing() -> None:
    counter = Counter(revision())
    counter.ask()
    counter.source.written.clear()
    counter.desk.look()
    assert (counter.in_use, counter.told) == (FIRST, [])
    assert counter.ask(2, before=FIRST).state is RequestState.DONE, "and nothing is stuck"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"slot": "none"}, "slot = 'none': this line has no recipe of that name in its settings; it has: any crack"),
        ({"slot": 4}, "slot = 4"),
        ({"sha256": None}, "sha256 = None: the sha256 of a revision is right"),
        ({"sha256": FIRST}, f"recipe any crack revision {FIRST[:12]} is in use already"),
        ({"before": "9" * 64}, f"recipe any crack revision {FIRST[:12]} is in use by now, not revision {'9' * 12}"),
        ({"sha256": "8" * 64}, "there is no recipe revision 888888888888"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused_with_the_reason(changed: dict[str, Any], why: str) -> None:
    counter = Counter(revision())
    answer = counter.ask(**changed)
    assert (answer.state, answer.text[: len(why)]) == (RequestState.REFUSED, why)
    assert counter.desk.look() == counter.desk.finish(RequestState.WITHDRAWN, "", request=1) == ()
    assert counter.in_use == FIRST


def test_a_book_that_cannot_be_read_is_said_to_be() -> None:
    counter = Counter(revision())
    counter.source.trouble = JournalError("the disk is gone")
    answer = counter.ask()
    assert (answer.state, answer.text) == (RequestState.FAILED, "the disk is gone")


def test_a_job_keeps_its_own_place_and_no_two_recipes_have_one_number() -> None:
    counter = Counter(revision(job=2), revision("8" * 64), jobs=[2, 3])
    assert counter.ask(slot="job 2").state is RequestState.DONE
    counter.desk.look()
    assert [counter.board[job].stamp.sha256 for job in (0, 2, 3)] == [FIRST, SECOND, FIRST]
    clash = counter.ask(2, slot="job 3")
    assert (clash.state, "job = 2 is any crack's already" in clash.text) == (RequestState.REFUSED, True)
    none = counter.ask(3, slot="job 3", sha256="8" * 64)
    assert (none.state, "job = 0, but station.jobs names it" in none.text) == (RequestState.REFUSED, True)


def test_whoever_reads_the_board_sees_one_revision_or_the_other() -> None:
    board, stop = RecipeBoard({"a": revision(FIRST, job=1), "b": revision(FIRST, job=2)}), threading.Event()
    seen: set[tuple[str, str]] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add((board[0].stamp.sha256, board[1].stamp.sha256))
            active = board[0]
            assert active.recipe is LENIENT

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(2000):
            board.put("a", revision(SECOND if turn % 2 else FIRST, job=1))
        assert wait_until(lambda: bool(seen))
    finally:
        stop.set()
        reader.join(10)
    assert list(board) == [1, 2, 0]


def test_parts_of_a_running_line_change_their_recipe_at_one_part_and_none_is_lost(tmp_path: Path) -> None:
    count, change_at = 20, 8
    shots = [fakes.Shot(part_seq=number, bad=True) for number in range(1, count + 1)]
    plant = Plant(tmp_path, events=range(1, count + 1), shots=shots)
    source = FakeRevisions(revision())
    plant.revisions = source

    def ask(part_seq: int) -> None:
        """Before this part is triggered somebody asks; the trigger waits till the line has answered and acted."""
        if part_seq == change_at:
            content = {"slot": SLOT, "name": "any crack", "sha256": SECOND, "before": FIRST, "reason": "trial"}
            number = plant.requests.ask(ACTIVATE, content)
            source.written[SLOT] = number
            assert wait_until(lambda: plant.station.recipes[0].stamp.sha256 == SECOND)
            assert [answer.state for answer in plant.recorder.answers(number)] == [RequestState.DONE]

    plant.trigger.before = ask
    assert plant.run() == 0
    records = plant.records
    assert sorted(records) == list(range(1, count + 1))
    for number, record in records.items():
        first = number < change_at
        assert record.recipe.sha256 == (FIRST if first else SECOND), number
        assert record.verdict.outcome is (Outcome.FAIL if first else Outcome.PASS), number
    assert plant.gate.checksums == [0x7], "the PLC is shown that other rules are in force"
    assert dict(plant.gate.told) == {number: record.verdict.outcome for number, record in records.items()}


def test_a_part_under_way_ends_by_the_recipe_it_began_with(tmp_path: Path) -> None:
    shots = [fakes.Shot(part_seq=number, bad=True) for number in (1, 2)]
    plant = Plant(tmp_path, events=[1, 2], shots=shots)
    plant.runtime.before = lambda part: plant.station.recipes.put(SLOT, revision()) if part == 1 else None
    assert plant.run() == 0
    assert [plant.records[number].recipe.sha256 for number in (1, 2)] == [FIRST, SECOND]
    assert [plant.records[number].verdict.outcome for number in (1, 2)] == [Outcome.FAIL, Outcome.PASS]


def test_a_job_that_comes_into_use_under_a_part_never_lends_it_the_default_recipe(tmp_path: Path) -> None:
    """The job was unknown at the trigger: the part is UNDECIDED, whatever is on the board a moment later."""
    event = TriggerEvent(part_seq=1, at=time.monotonic(), job=5)
    plant = Plant(tmp_path, events=[event], shots=[fakes.Shot(part_seq=1)])
    before = plant.recorder.open

    def opened(part: Any) -> None:
        plant.station.recipes.put(SLOT, revision(job=5))
        before(part)

    plant.recorder.open = opened  # type: ignore[method-assign]
    assert plant.run() == 0
    assert plant.rule(1) == "law.job"


def test_the_status_file_names_what_is_in_use_by_slot(tmp_path: Path) -> None:
    plant = Plant(tmp_path, events=[1], shots=[fakes.Shot(part_seq=1)], jobs=[4])
    assert plant.run() == 0
    told = json.loads((tmp_path / "status.json").read_text())
    assert told["recipes"] == [
        {"slot": "any crack", "name": "any crack", "sha256": FIRST, "job": 0},
        {"slot": "job 4", "name": "any crack", "sha256": FIRST, "job": 4},
    ]
