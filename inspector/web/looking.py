"""Looks through the station's camera for a page or a program: the live picture, a scale, a drawing."""

import time
from typing import Annotated, Literal

from fastapi import Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from inspector.ports.live_picture import Wish
from inspector.web import drawing
from inspector.web.access import Visit
from inspector.web.station import Json

WAIT_S = 8.0
_LOOK_S = 0.1
_STRICT = ConfigDict(extra="forbid")
_Count = Annotated[int, Field(ge=3, le=60)]
_Size = Annotated[float, Field(gt=0, le=10_000)]


class ScaleGiven(BaseModel):
    """What lies under the camera: a board, or something of a known length between two places of the frame."""

    model_config = _STRICT

    kind: Literal["checkerboard", "charuco", "length"]
    columns: _Count = Field(11, description="inner corners of a checkerboard, squares of a ChArUco board")
    rows: _Count = 8
    square_mm: _Size = 5.0
    marker_mm: _Size = Field(3.5, description="of a ChArUco board")
    length_mm: _Size = 50.0
    ends: str = Field("", max_length=60, description='of the known length, frame px: "200,1500 3800,1500"')

    @property
    def board(self) -> str:
        """As `inspector camera calibrate --board` takes it."""
        if self.kind == "length":
            return f"length:{self.length_mm:g}:{','.join(self.ends.split())}"
        marker = f":{self.marker_mm:g}" if self.kind == "charuco" else ""
        return f"{self.kind}:{self.columns}x{self.rows}:{self.square_mm:g}{marker}"


class ScaleForm(ScaleGiven):
    """The same from a page."""

    csrf: str = Field("", max_length=200)


class DrawingGiven(BaseModel):
    """An area that was drawn on the live picture."""

    model_config = _STRICT

    shape: drawing.Shape
    name: str = Field("", max_length=60, description="of a zone or a mask")
    corners: str = Field(max_length=2000, description='frame px: "10,20 300,20 300,400"')


class DrawingForm(DrawingGiven):
    """The same from a page."""

    csrf: str = Field("", max_length=200)


ScaleWish = Annotated[ScaleForm, Form()]
DrawingWish = Annotated[DrawingForm, Form()]


def picture(visit: Visit, content: bytes | None) -> Response:
    """A live picture as an answer; a 404 where there is none."""
    if content is None:
        raise HTTPException(404, no_picture(visit))
    return Response(content, media_type="image/jpeg")


def no_picture(visit: Visit) -> str:
    """Why nothing is shown."""
    return visit.words.gettext("No live image: images come with parts while the line is running.")


def scale(visit: Visit, given: ScaleGiven) -> Json:
    """Measure the scale on one frame without loss, asked of the line.

    Raises:
        HTTPException: no frame came; ConfigError, FrameError: the board is none, or is not seen.
    """
    asked = int(time.monotonic() * 1000)
    until, live = time.monotonic() + WAIT_S, visit.station.live
    while (live.look(Wish(whole=asked)) or {}).get("whole") != asked:
        if time.monotonic() > until:
            raise HTTPException(409, no_picture(visit))
        time.sleep(_LOOK_S)
    content = live.whole()
    if content is None:
        raise HTTPException(409, no_picture(visit))
    return visit.station.measure(content, given.board)


def keep_drawing(visit: Visit, given: DrawingGiven) -> Json:
    """Store a drawing as a proposal; its sha256 and its text, for whoever writes it into a recipe.

    Raises:
        HTTPException: nothing is known of the frame it was drawn on; ConfigError: it is none.
    """
    figures = visit.station.live.look(Wish())
    if figures is None:
        raise HTTPException(409, no_picture(visit))
    frame_px = (int(figures["width"]), int(figures["height"]))
    text = drawing.recipe_text(given.shape, given.name, drawing.corners_of(given.corners), frame_px)
    name = given.name or given.shape.value
    sha256 = visit.station.shelf.propose(drawing.KIND, name, text, by=visit.person.name, at_utc=visit.station.now())
    return {"sha256": sha256, "text": text}
