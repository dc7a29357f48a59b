"""Takes a technician's wish to drive an output to the line: signed, noted in the audit trail, then a request row."""

from typing import Annotated

from fastapi import Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from inspector.domain.request import FORCE, FORCED_MOST_S, WITHDRAW
from inspector.ports.liveness import Life
from inspector.web.access import Visit

ASKED_BY = "inspector web"


class ForceGiven(BaseModel):
    """Which output is driven, where to, and for how long; released then, by hand, and by the line's end."""

    model_config = ConfigDict(extra="forbid")

    output: str = Field(min_length=1, max_length=100, description="as `forceable` of /api/io names it")
    high: bool
    seconds: int = Field(30, ge=1, le=FORCED_MOST_S)
    secret: str = Field(min_length=1, max_length=1000, description="the password again, as a signature")


class ForceForm(ForceGiven):
    """The same from a page."""

    csrf: str = Field("", max_length=200)


Wish = Annotated[ForceForm, Form()]


def force(visit: Visit, given: ForceGiven) -> int:
    """Ask the line to drive an output; the request's number. What comes of it, the line answers.

    Raises:
        HTTPException: the line does not answer, or has no such output; RefusedError: the signature is wrong.
    """
    now = visit.feed.now
    if now.liveness.life is not Life.ALIVE:
        raise HTTPException(409, visit.words.gettext("The line is not responding: nothing is forced."))
    names = now.liveness.status.get("forced", {}).get("outputs", ())
    if given.output not in names:
        known = ", ".join(names) or "none"
        raise HTTPException(422, f"output {given.output!r} cannot be forced; there are: {known}")
    visit.sign(given.secret)
    content: dict[str, str | int | bool | None] = {"output": given.output, "high": given.high, "seconds": given.seconds}
    visit.station.audit.record(
        who=visit.person.name, action="output.forced", subject=given.output, content=content, at_utc=visit.station.now()
    )
    return visit.station.requests.ask(FORCE, content, asked_by=f"{visit.person.name}, {ASKED_BY}")


def release(visit: Visit, request: int) -> int:
    """Ask the line to release what this request drives; the new request's number."""
    content = {"request": request}
    visit.station.audit.record(
        who=visit.person.name,
        action="output.released",
        subject=str(request),
        content=content,
        at_utc=visit.station.now(),
    )
    return visit.station.requests.ask(WITHDRAW, content, asked_by=f"{visit.person.name}, {ASKED_BY}")
