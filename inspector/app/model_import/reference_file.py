"""Reads ``--reference``: pictures, and what the model's own software sees in them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.adapters.camera_folder.images import read_image
from inspector.app import toml_file
from inspector.app.model_import.maps import MapExample, read_map
from inspector.app.model_import.parity import Example, Expected
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.geometry import Box

_STRICT = ConfigDict(frozen=True, extra="ignore")


class _Seen(BaseModel):
    model_config = _STRICT

    label: str
    score: Annotated[float, Field(ge=0, le=1)]
    box: tuple[float, float, float, float]


class _Picture(BaseModel):
    model_config = _STRICT

    file: str
    detections: tuple[_Seen, ...] | None = None
    map: str = Field(default="", description="a .npy file: the model's map as it gives it")
    map_score: float | None = Field(default=None, description="the score of the whole picture")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.detections is None and not self.map:
            raise ValueError(f"{self.file}: give its detections, or its map")
        if self.map_score is not None and not self.map:
            raise ValueError(f"{self.file}: map_score without a map")
        return self


class _ReferenceFile(BaseModel):
    """Predictions of the model's own software; ``box`` is left, top, right, bottom in pixels of the picture."""

    model_config = _STRICT

    images: tuple[_Picture, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Pictures whose detections are known, and pictures whose anomaly map is known."""

    seen: tuple[Example, ...] = ()
    maps: tuple[MapExample, ...] = ()


def read_reference(path: Path) -> Reference:
    """Pictures and predictions named by ``--reference``.

    Raises:
        ConfigError: it is not such a file, or a picture or map cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(
            f'{path}: cannot be read: {error}; {{"images": [{{"file": "a.png", "detections": [{{"label": "crack", '
            '"score": 0.9, "box": [left, top, right, bottom]}]}]} is right'
        ) from error
    table = toml_file.validate(_ReferenceFile, data, origin=lambda _: str(path))
    return Reference(
        seen=tuple(_example(path, picture) for picture in table.images if picture.detections is not None),
        maps=tuple(_map_example(path, picture) for picture in table.images if picture.map),
    )


def _example(path: Path, picture: _Picture) -> Example:
    try:
        pixels, pixel_format = read_image(path.parent / picture.file)
    except FrameError as error:
        raise ConfigError(f"{path}: {error}") from error
    height, width = pixels.shape[:2]
    expected = []
    for seen in picture.detections or ():
        left, top, right, bottom = seen.box
        if right < left or bottom < top:
            raise ConfigError(f"{path}: {picture.file}: box {list(seen.box)}: left, top, right, bottom is right")
        expected.append(Expected(label=seen.label, score=seen.score, box=_inside(seen.box, width, height)))
    return Example(name=picture.file, pixels=pixels, pixel_format=pixel_format, expected=tuple(expected))


def _inside(corners: tuple[float, float, float, float], width: int, height: int) -> Box:
    """The part of a box that lies in the picture: some makers' boxes go on beyond it, ours never do."""
    left, right = (min(max(x, 0.0), width) for x in corners[::2])
    top, bottom = (min(max(y, 0.0), height) for y in corners[1::2])
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _map_example(path: Path, picture: _Picture) -> MapExample:
    try:
        pixels, pixel_format = read_image(path.parent / picture.file)
    except FrameError as error:
        raise ConfigError(f"{path}: {error}") from error
    return MapExample(
        name=picture.file,
        pixels=pixels,
        pixel_format=pixel_format,
        values=read_map(path.parent / picture.map),
        score=float("nan") if picture.map_score is None else picture.map_score,
    )
