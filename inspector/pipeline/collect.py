"""Collect N: lossless frames of the running line, kept for teaching while judging goes on.

record thread ──offer(part)──▶ one place, a copy of the frame ──▶ collect thread ──▶ a file and a line in the manifest
                  full? this frame is not collected, and counted                       (its disk stops nobody)

The collect thread has no lower priority than the others: it needs the interpreter's lock at times, and a thread that is
kept from running while it holds that lock holds up all of them.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from inspector.domain.errors import ConfigError, JournalError
from inspector.domain.frame import Frame, Pixels
from inspector.domain.request import Answer, Request, RequestState
from inspector.domain.verdict import Outcome
from inspector.pipeline.requests import answer_to
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Judged
from inspector.ports.evidence import FrameFolder

log = structlog.get_logger(__name__)

COLLECT = "collect"
MOST_FRAMES = 1000
_WAIT_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is to be collected: ``count`` frames of parts that passed, or of ``every`` part; "": of any recipe."""

    request: Request
    count: int
    folder: Path
    every: bool
    recipe: str

    def wants(self, judged: Judged) -> bool:
        """Whether this part's frame is asked for."""
        if not self.every and judged.verdict.outcome is not Outcome.PASS:
            return False
        return self.recipe in {"", judged.ticket.recipe.recipe.name}


@dataclass(slots=True, kw_only=True)
class _Collection:
    """An order under way. ``told``: the figures that were answered last."""

    order: _Order
    files: FrameFolder
    stored: int = 0
    skipped: int = 0
    trouble: str = ""
    told: tuple[int, int] = (0, 0)

    @property
    def figures(self) -> dict[str, int]:
        return {"stored": self.stored, "asked": self.order.count, "skipped": self.skipped}


class Collector:
    """Fulfils ``Clerk``. ``offer`` is called by the record thread, ``run`` owns the collect thread.

    Args:
        recipes: gives the names of the recipes that are in use.
        open_folder: makes an empty folder to keep frames in; ConfigError if it cannot.
    """

    def __init__(
        self,
        *,
        recipes: Callable[[], Sequence[str]],
        open_folder: Callable[[Path], FrameFolder],
        stop: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._recipes = recipes
        self._open_folder = open_folder
        self._stop = stop
        self._pulse = pulse
        self._changed = threading.Condition()
        self._now: _Collection | None = None
        self._job: tuple[_Collection, Frame, dict[str, Any]] | None = None  # waits for the disk, or is being written
        self._buffer: Pixels | None = None

    # ---- the record thread

    def offer(self, judged: Judged) -> None:
        """Take a copy of the part's frame if it is asked for and the last one is written; it never waits for that."""
        with self._changed:
            now = self._now
            if now is None or now.trouble or not now.order.wants(judged) or now.stored >= now.order.count:
                return
            if self._job is not None and self._job[0] is now and now.stored + 1 == now.order.count:
                return  # the last one is being written
            if judged.frame is None or self._job is not None:
                now.skipped += 1
                return
            self._job = (now, self._copy(judged.frame), _about(judged))
            self._changed.notify_all()

    def _copy(self, frame: Frame) -> Frame:
        pixels = frame.pixels
        if self._buffer is None or self._buffer.shape != pixels.shape or self._buffer.dtype != pixels.dtype:
            self._buffer = pixels.copy()
        else:
            self._buffer[...] = pixels
        return replace(frame, capture=replace(frame.capture, pixels=self._buffer))

    # ---- the request thread

    def begin(self, request: Request) -> Answer:
        """Begin a collection, if none is under way and its folder can be made."""
        with self._changed:
            if self._now is not None:
                number = self._now.order.request.number
                return answer_to(request, RequestState.REFUSED, f"request {number} is collecting; withdraw it first")
        try:
            order = _read(request, self._recipes())
            files = self._open_folder(order.folder)
        except ConfigError as error:
            return answer_to(request, RequestState.REFUSED, str(error))
        with self._changed:
            self._now = _Collection(order=order, files=files)
            return answer_to(request, RequestState.RUNNING, "collecting", self._now.figures)

    def look(self) -> Sequence[Answer]:
        """How far it has come, where that changed."""
        with self._changed:
            now = self._now
            if now is None or (now.told == (now.stored, now.skipped) and not now.trouble):
                return ()
            now.told = (now.stored, now.skipped)
            if now.trouble:
                return self._over(now, RequestState.FAILED, now.trouble)
            if now.stored >= now.order.count:
                return self._over(now, RequestState.DONE, f"{now.stored} frames are in {now.order.folder}")
            return (answer_to(now.order.request, RequestState.RUNNING, "collecting", now.figures),)

    def finish(self, state: RequestState, text: str, *, request: int | None = None) -> Sequence[Answer]:
        """End the collection under way; what is stored stays."""
        with self._changed:
            now = self._now
            if now is None or request not in {None, now.order.request.number}:
                return ()
            return self._over(now, state, f"{text}; {now.stored} of {now.order.count} frames are in {now.order.folder}")

    def _over(self, now: _Collection, state: RequestState, text: str) -> Sequence[Answer]:
        self._now = None
        return (answer_to(now.order.request, state, text, now.figures),)

    # ---- the collect thread

    def run(self) -> None:
        """Write what waits, until stopped."""
        while not self._stop.is_set():
            self._pulse.beat()
            with self._changed:
                self._changed.wait_for(lambda: self._job is not None, _WAIT_S)
                job = self._job
            if job is not None:
                self._write(*job)

    def _write(self, now: _Collection, frame: Frame, about: dict[str, Any]) -> None:
        trouble = ""
        try:
            now.files.keep(frame, about)
        except JournalError as error:
            trouble = str(error)
            log.warning("collect.failed", request=now.order.request.number, reason=trouble)
        with self._changed:
            self._job = None
            if trouble:
                now.trouble = f"{trouble}; {now.stored} of {now.order.count} frames are in {now.order.folder}"
            else:
                now.stored += 1


def _read(request: Request, recipes: Sequence[str]) -> _Order:
    """What a request asks for.

    Raises:
        ConfigError: a value is wrong.
    """
    content = request.content
    count, folder, every = content.get("count"), content.get("folder"), content.get("every", False)
    recipe = content.get("recipe", "")
    if not isinstance(count, int) or not 1 <= count <= MOST_FRAMES:
        raise ConfigError(f"count = {count!r}: 1 to {MOST_FRAMES} is right")
    if not isinstance(folder, str) or not Path(folder).is_absolute():
        raise ConfigError(f"folder = {folder!r}: an absolute path is right")
    if not isinstance(every, bool):
        raise ConfigError(f"every = {every!r}: true or false is right")
    if recipe not in {"", *recipes}:
        raise ConfigError(f"recipe = {recipe!r} is not loaded; there are: {', '.join(sorted(recipes))}")
    return _Order(request=request, count=count, folder=Path(folder), every=every, recipe=recipe)


def _about(judged: Judged) -> dict[str, Any]:
    """What the manifest says of the part, JSON-ready."""
    opened, verdict = judged.ticket.opened, judged.verdict
    return {
        "station": opened.station,
        "series": opened.part.series,
        "part_seq": opened.part.part_seq,
        "serial": opened.part.serial,
        "opened_utc": opened.opened_utc.isoformat().replace("+00:00", "Z"),
        "outcome": verdict.outcome.name,
        "reason": verdict.reason,
        "recipe": opened.recipe.name,
        "model": {"name": opened.model.name, "version": opened.model.version, "sha256": opened.model.sha256},
    }
