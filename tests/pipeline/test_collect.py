"""Collect N: frames to the bit from a line that goes on judging, whatever the disk does."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest

from inspector.domain.errors import JournalError
from inspector.domain.frame import Frame
from inspector.domain.request import WITHDRAW, Answer, RequestState
from inspector.ports.evidence import FrameFolder
from tests import fakes
from tests.pipeline.plant import Plant

PARTS = 10
BAD = {2, 5}


class Watched:
    """A folder of collected frames; ``shown``: what each kept part's picture was. ``before``: called first."""

    def __init__(self, make: Callable[[Path], FrameFolder]) -> None:
        self._make = make
        self.shown: dict[int, bytes] = {}
        self.before: Callable[[int], object] = lambda _: None

    def open(self, folder: Path) -> FrameFolder:
        self._files = self._make(folder)
        return self

    def keep(self, frame: Frame, about: Mapping[str, Any]) -> str:
        self.before(frame.part.part_seq)
        pixels = frame.pixels.tobytes()
        name = self._files.keep(frame, about)
        self.shown[frame.part.part_seq] = pixels
        return name


class Bench:
    """A plant, what is asked of it, and what it answered. ``waits``: what must be true before a part comes."""

    def __init__(self, folder: Path, *, parts: int = PARTS) -> None:
        shots = [fakes.Shot(part_seq=number, bad=number in BAD) for number in range(1, parts + 1)]
        self.parts = range(1, parts + 1)
        self.plant = Plant(folder / "run", events=self.parts, shots=shots)
        self.into = folder / "into"
        self.files = Watched(self.plant.collect_into)
        self.plant.collect_into = self.files.open
        self.waits: dict[int, Callable[[], bool]] = {}
        self.plant.trigger.before = self._before

    def _before(self, part: int) -> None:
        if part in self.waits:
            assert fakes.wait_until(self.waits[part]), f"part {part} waited in vain"

    def ask(self, **content: Any) -> int:
        return self.plant.requests.ask("collect", {"count": 3, "folder": str(self.into), **content})

    def answers(self, number: int) -> Sequence[Answer]:
        return self.plant.recorder.answers(number)

    def answered(self, number: int) -> bool:
        return bool(self.answers(number))

    def over(self, number: int) -> bool:
        return self.answered(number) and self.answers(number)[-1].state.final

    def run(self) -> None:
        assert self.plant.run() == 0
        self.plant.law_holds(self.parts)

    def manifest(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.into / "manifest.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("every", [False, True])
def test_frames_are_kept_to_the_bit_one_file_a_part(tmp_path: Path, *, every: bool) -> None:
    bench = Bench(tmp_path)
    number = bench.ask(count=4, every=every)
    wanted = [part for part in bench.parts if every or part not in BAD][:4]
    bench.waits = {part + 1: (lambda part=part: part in bench.files.shown) for part in wanted}
    bench.waits[1] = lambda: bench.answered(number)
    bench.waits[PARTS] = lambda: bench.over(number)
    bench.run()
    first, *_, last = bench.answers(number)
    assert (first.state, last.state) == (RequestState.RUNNING, RequestState.DONE)
    assert last.figures == {"stored": 4, "asked": 4, "skipped": 0}
    assert f"4 frames are in {bench.into}" in last.text
    kept = bench.manifest()
    assert [line["part_seq"] for line in kept] == wanted
    assert sorted(path.name for path in bench.into.glob("*.png")) == sorted(line["file"] for line in kept)
    for line in kept:
        path = bench.into / line["file"]
        assert path.name == f"left-1-{line['part_seq']:06}.png"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == line["sha256"]
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert pixels.tobytes() == bench.files.shown[line["part_seq"]]
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == line["pixels_sha256"]
        assert fakes.part_in(pixels) == line["part_seq"]
        assert line["outcome"] == ("FAIL" if line["part_seq"] in BAD else "PASS")


def test_while_the_disk_is_slow_parts_are_judged_and_frames_skipped_and_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    number = bench.ask(count=2, every=True)
    judged = threading.Event()
    bench.files.before = lambda part: judged.wait(20) if part == 1 else None
    bench.waits[1] = lambda: bench.answered(number)
    bench.waits[PARTS - 1] = lambda: judged.set() or 1 in bench.files.shown
    bench.waits[PARTS] = lambda: bench.over(number)
    bench.run()
    last = bench.answers(number)[-1]
    assert last.state is RequestState.DONE
    assert last.figures == {"stored": 2, "asked": 2, "skipped": PARTS - 3}
    assert [line["part_seq"] for line in bench.manifest()] == [1, PARTS - 1]


def test_a_disk_that_takes_nothing_ends_the_collection_and_no_part(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    number = bench.ask()

    def full(part: int) -> None:
        if part == 3:
            raise JournalError("collect: no space left on device")

    bench.files.before = full
    bench.waits = {1: lambda: bench.answered(number), 2: lambda: 1 in bench.files.shown, 5: lambda: bench.over(number)}
    bench.run()
    last = bench.answers(number)[-1]
    assert last.state is RequestState.FAILED
    assert "no space left on device; 1 of 3 frames are in" in last.text


def test_a_collection_is_withdrawn_and_the_next_may_begin(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first = bench.ask()
    second = bench.ask(folder=str(tmp_path / "second"))
    bench.waits[1] = lambda: bench.over(second)
    bench.waits[2] = lambda: 1 in bench.files.shown
    later: list[int] = []

    def withdraw() -> bool:
        if not later:
            later.append(bench.plant.requests.ask(WITHDRAW, {"request": first}))
            later.append(bench.plant.requests.ask(WITHDRAW, {"request": first}))
            later.append(bench.ask(count=1, folder=str(tmp_path / "third")))
        return all(map(bench.answered, later))

    bench.waits[3] = withdraw
    bench.waits[4] = lambda: 3 in bench.files.shown
    bench.waits[PARTS] = lambda: bench.over(later[2])
    bench.run()
    assert [bench.answers(number)[-1].state.value for number in (first, second, *later)] == [
        "withdrawn",
        "refused",
        "done",
        "done",
        "done",
    ]
    assert f"request {first} is collecting" in bench.answers(second)[-1].text
    assert "1 of 3 frames" in bench.answers(first)[-1].text
    assert "was not under way" in bench.answers(later[1])[-1].text
    assert not (tmp_path / "second").exists()


def test_a_line_that_stops_or_is_started_anew_ends_what_was_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, parts=2)
    bench.plant.requests.left = [fakes.request(7, "collect", {"count": 9, "folder": "/x"})]
    number = bench.ask()
    bench.waits = {1: lambda: bench.answered(number), 2: lambda: 1 in bench.files.shown and bench.over(7)}
    bench.run()
    (before,) = bench.answers(7)
    assert (before.state, before.text) == (RequestState.ENDED, "the line was started anew")
    last = bench.answers(number)[-1]
    assert last.state is RequestState.ENDED
    assert last.text.startswith("the line stopped; 1 of 3 frames are in ")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "count": ({"count": 0}, "count = 0: 1 to 1000"),
    "no count": ({"count": None}, "count = None"),
    "folder": ({"folder": "here"}, "an absolute path is right"),
    "every": ({"every": "yes"}, "every = 'yes'"),
    "recipe": ({"recipe": "other"}, "recipe = 'other' is not loaded; there are: any crack"),
    "no folder can be made": ({"folder": "/proc/none"}, "cannot be made or read by the line"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_collected_is_refused_with_the_reason(tmp_path: Path, what: str) -> None:
    content, message = WRONG[what]
    bench = Bench(tmp_path, parts=1)
    number = bench.ask(**content)
    bench.waits[1] = lambda: bench.answered(number)
    bench.run()
    (only,) = bench.answers(number)
    assert only.state is RequestState.REFUSED
    assert message in only.text


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, parts=1)
    bench.into.mkdir()
    (bench.into / "other.png").touch()
    number = bench.ask()
    bench.waits[1] = lambda: bench.answered(number)
    bench.run()
    assert "is not empty" in bench.answers(number)[-1].text


def test_an_unknown_request_is_refused_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, parts=1)
    number = bench.plant.requests.ask("dance", {})
    wrong = bench.plant.requests.ask(WITHDRAW, {"request": "all"})
    bench.waits[1] = lambda: bench.answered(wrong)
    bench.run()
    assert "'dance' is unknown; there are: collect, force, withdraw" in bench.answers(number)[-1].text
    assert "the number of a request is right" in bench.answers(wrong)[-1].text


def test_a_book_that_cannot_be_read_stops_no_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.plant.requests.refuse = True
    number = bench.ask(count=1)

    def mended() -> bool:
        bench.plant.requests.refuse = False
        return bench.answered(number)

    bench.waits = {4: mended, 5: lambda: 4 in bench.files.shown, PARTS: lambda: bench.over(number)}
    bench.run()
    assert bench.answers(number)[-1].state is RequestState.DONE
