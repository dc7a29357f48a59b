"""Force: a technician drives an output while the line runs; shown as an alarm, released by time, request or end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inspector.domain.request import FORCED_MOST_S, Answer, Request, RequestState
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.requests import answer_to
from inspector.ports.gate import Panel

FORCE_ALARM = "plc.forced"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drive:
    """One output that is driven. ``until``: monotonic seconds."""

    request: Request
    output: str
    high: bool
    until: float

    def __str__(self) -> str:
        return f"{self.output} = {int(self.high)}"


class ForceDesk:
    """Fulfils ``Clerk``; owned by the request thread. ``panel``: None where the gate has no words."""

    def __init__(self, *, panel: Panel | None, alarms: AlarmBoard) -> None:
        self._panel = panel
        self._alarms = alarms
        self._driven: dict[str, _Drive] = {}
        self._shown: tuple[_Drive, ...] = ()

    def begin(self, request: Request) -> Answer:
        """Drive an output, if it is one that may be driven and nobody drives it."""
        refused = self._refusal(request)
        if refused:
            return answer_to(request, RequestState.REFUSED, refused)
        content = request.content
        until = time.monotonic() + content["seconds"]
        drive = _Drive(request=request, output=content["output"], high=content["high"], until=until)
        self._driven[drive.output] = drive
        self._show()
        return answer_to(request, RequestState.RUNNING, f"{drive} is forced; ready and run_permit are 0")

    def look(self) -> Sequence[Answer]:
        """Release what has had its time."""
        now = time.monotonic()
        over = [drive for drive in self._driven.values() if now >= drive.until]
        return self._release(over, RequestState.DONE, "its time is over")

    def finish(self, state: RequestState, text: str, *, request: int | None = None) -> Sequence[Answer]:
        """Release this request's output, or all."""
        over = [drive for drive in self._driven.values() if request in {None, drive.request.number}]
        return self._release(over, state, text)

    def told(self) -> dict[str, Any]:
        """What may be driven, and what is, JSON-ready. Any thread."""
        now = time.monotonic()
        return {
            "outputs": list(self._panel.outputs()) if self._panel is not None else [],
            "driven": [
                {
                    "output": drive.output,
                    "high": drive.high,
                    "by": drive.request.asked_by,
                    "request": drive.request.number,
                    "seconds_left": max(0, round(drive.until - now)),
                }
                for drive in self._shown
            ],
        }

    def _refusal(self, request: Request) -> str:
        """Why this is not done; "" where it may be."""
        if self._panel is None:
            return "the station's gate has no outputs to force"
        content, names = request.content, self._panel.outputs()
        output, high, seconds = str(content.get("output")), content.get("high"), content.get("seconds")
        driven = self._driven.get(output)
        permit_high = high is True and output.endswith("run_permit")
        stop_low = high is False and output.endswith("stop_request")
        timely = isinstance(seconds, int) and 1 <= seconds <= FORCED_MOST_S
        reasons = (
            (output not in names, f"output = {output!r} cannot be forced; there are: {', '.join(names)}"),
            (not isinstance(high, bool), f"high = {high!r}: true or false is right"),
            (stop_low, f"{output} can be forced high only: nobody but the line lets the belt run"),
            (permit_high, f"{output} can be forced low only: nobody but the line lets the belt run"),
            (not timely, f"seconds = {seconds!r}: 1 to {FORCED_MOST_S} is right"),
            (driven is not None, f"{output} is forced by request {driven.request.number if driven else 0}"),
        )
        return next((reason for holds, reason in reasons if holds), "")

    def _release(self, over: Sequence[_Drive], state: RequestState, text: str) -> Sequence[Answer]:
        for drive in over:
            del self._driven[drive.output]
        if over:
            self._show()
        return [answer_to(drive.request, state, f"{drive.output} is released: {text}") for drive in over]

    def _show(self) -> None:
        """Drive what is to be driven, and say so."""
        if self._panel is not None:
            self._panel.force({drive.output: drive.high for drive in self._driven.values()})
        self._shown = tuple(self._driven.values())
        self._alarms.clear(FORCE_ALARM)
        if self._driven:
            shown = "; ".join(f"{drive} by {drive.request.asked_by}" for drive in self._driven.values())
            self._alarms.raise_alarm(FORCE_ALARM, f"forced: {shown}")
