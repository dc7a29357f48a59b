"""The request loop: what other processes ask of the line is polled from the book, acted on, and answered into it."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from inspector.domain.errors import JournalError
from inspector.domain.request import WITHDRAW, Answer, Request, RequestState
from inspector.pipeline.supervise import Pulse
from inspector.ports.journal import Recorder
from inspector.ports.requests import RequestBook

log = structlog.get_logger(__name__)

POLL_S = 0.25


class Clerk(Protocol):
    """Acts on requests of one kind; called by the request thread only, and never waits."""

    def begin(self, request: Request) -> Answer:
        """Begin to act; the answer may be the last already (refused, done)."""
        ...

    def look(self) -> Sequence[Answer]:
        """What is new since the last look."""
        ...

    def finish(self, state: RequestState, text: str, *, request: int | None = None) -> Sequence[Answer]:
        """Stop acting on this request (None: on all), and give the last answers; none if it is not under way."""
        ...


class RequestLoop:
    """Owned by the request thread. ``clerks``: who acts on which kind of request."""

    def __init__(
        self,
        *,
        book: RequestBook,
        recorder: Recorder,
        clerks: Mapping[str, Clerk],
        stop: threading.Event,
        pulse: Pulse,
    ) -> None:
        self._book = book
        self._recorder = recorder
        self._clerks = clerks
        self._stop = stop
        self._pulse = pulse
        self._last: int | None = None
        self._trouble = ""

    def run(self) -> None:
        """Poll until stopped; what is under way then ends, and is told."""
        while not self._stop.wait(POLL_S):
            self._pulse.beat()
            try:
                self._poll()
            except JournalError as error:  # the pen's own thread raises the alarm
                self._say(str(error))
            else:
                self._say("")
        for clerk in self._clerks.values():
            try:
                self._give(clerk.finish(RequestState.ENDED, "the line stopped"))
            except JournalError as error:  # the next line answers what this one could not
                self._say(str(error))

    def _poll(self) -> None:
        if self._last is None:
            self._last = self._begin_anew()
        for request in self._book.asked(self._last):
            self._last = request.number
            self._act(request)
        for clerk in self._clerks.values():
            self._give(clerk.look())

    def _begin_anew(self) -> int:
        """What was asked of a line that is no more is over: whoever asked decides whether to ask again."""
        newest = self._book.newest()
        for request in self._book.unanswered():
            if request.number <= newest:
                self._give([answer_to(request, RequestState.ENDED, "the line was started anew")])
        return newest

    def _act(self, request: Request) -> None:
        log.info("request.asked", request=request.number, kind=request.kind, by=request.asked_by)
        if request.kind == WITHDRAW:
            self._withdraw(request)
        elif request.kind in self._clerks:
            self._give([self._clerks[request.kind].begin(request)])
        else:
            known = ", ".join(sorted([*self._clerks, WITHDRAW]))
            self._give([answer_to(request, RequestState.REFUSED, f"{request.kind!r} is unknown; there are: {known}")])

    def _withdraw(self, request: Request) -> None:
        number = request.content.get("request")
        if not isinstance(number, int):
            text = f"content.request = {number!r}: the number of a request is right"
            self._give([answer_to(request, RequestState.REFUSED, text)])
            return
        ended = [
            answer
            for clerk in self._clerks.values()
            for answer in clerk.finish(RequestState.WITHDRAWN, "as it was asked for", request=number)
        ]
        text = f"request {number} is withdrawn" if ended else f"request {number} was not under way"
        self._give([*ended, answer_to(request, RequestState.DONE, text)])

    def _give(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if answer.state.final:
                log.info("request.answered", request=answer.request, state=answer.state.value, text=answer.text)
            self._recorder.note(answer)

    def _say(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("requests.unread", reason=trouble)
        elif self._trouble and not trouble:
            log.info("requests.read_again")
        self._trouble = trouble


def answer_to(request: Request, state: RequestState, text: str, figures: Mapping[str, int] | None = None) -> Answer:
    """An answer of this moment."""
    return Answer(
        request=request.number,
        station=request.station,
        state=state,
        text=text,
        at_utc=datetime.now(UTC),
        figures=figures or {},
    )
