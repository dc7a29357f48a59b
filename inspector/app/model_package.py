"""Model packages: a folder with model.onnx and the card that binds it."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.app import model_signature, toml_file
from inspector.app.digest import sha256_of
from inspector.app.model_signature import NOBODY, TrustedKeys
from inspector.domain.errors import ConfigError
from inspector.ports.model import FrameSpec, InputSpec, ModelCard, OutputSpec

GRAPH_FILE = "model.onnx"
_STRICT = ConfigDict(frozen=True, extra="forbid")


class _Model(BaseModel):
    model_config = _STRICT

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    task: Literal["segmentation", "anomaly", "detection", "instance_segmentation", "classification"]
    file: str = Field(GRAPH_FILE, pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    labels: tuple[str, ...] = Field(min_length=1)
    released: bool = Field(default=True, description="false: a candidate, which no line runs")


class _Input(BaseModel):
    model_config = _STRICT

    name: str
    dtype: Literal["uint8", "float32"]
    layout: Literal["NCHW", "NHWC", "CHW"] = "NCHW"
    channels: Literal[1, 3]
    multiple: int = Field(1, ge=1, le=256)
    colour: Literal["grey", "rgb", "bgr"] = "grey"
    scale: float = Field(1.0, gt=0)
    mean: tuple[float, ...] = ()
    std: tuple[Annotated[float, Field(gt=0)], ...] = ()
    constants: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _channels_agree(self) -> Self:
        if (self.channels == 1) != (self.colour == "grey"):
            right = "grey" if self.channels == 1 else "rgb or bgr"
            raise ValueError(f"colour = {self.colour!r} with channels = {self.channels}; {right} is right")
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in {0, self.channels}:
                raise ValueError(f"{key} has {len(values)} numbers; one for each of {self.channels} channels is right")
        if self.dtype == "uint8" and (self.scale != 1.0 or self.mean or self.std):
            raise ValueError("a uint8 input takes the pixels as they are: remove scale, mean and std")
        return self


class _Frame(BaseModel):
    model_config = _STRICT

    fit: Literal["whole", "letterbox", "tiles", "crop"] = "whole"
    width: int = Field(0, ge=0, le=16384)
    height: int = Field(0, ge=0, le=16384)
    overlap_px: int = Field(0, ge=0, le=8192)
    pad: int = Field(-1, ge=-1, le=255)
    anchor: Literal["centre", "corner"] = "centre"
    rect: bool = False
    resize_px: int = Field(0, ge=0, le=16384)
    interpolation: Literal["linear", "area", "antialias", "antialias_float"] = "linear"

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if (self.width == 0) != (self.height == 0):
            raise ValueError(f"width = {self.width}, height = {self.height}; set both, or none")
        if self.fit != "whole" and not self.width:
            raise ValueError(f"fit = {self.fit!r} needs width and height of the model's input")
        if self.fit == "tiles" and self.overlap_px >= min(self.width, self.height):
            raise ValueError(f"overlap_px = {self.overlap_px} must be below the tile's sides")
        if self.overlap_px and self.fit != "tiles":
            raise ValueError(f'overlap_px is for fit = "tiles"; here fit = {self.fit!r}')
        return self


class _Output(BaseModel):
    model_config = _STRICT

    name: str
    dtype: Literal["uint8", "float32", "int32", "int64"]
    stride: Literal[1, 2, 4, 8, 16, 32, 64] = 1
    scale: float = Field(1.0, gt=0)
    zero_point: int = Field(0, ge=0, le=255)
    role: str = ""


class _Decoder(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    candidate_score: float = Field(gt=0, lt=1)
    halo_px: int = Field(0, ge=0, le=1024)
    border: Literal["replicate", "none"] = "replicate"


class _Scale(BaseModel):
    model_config = _STRICT

    px_per_mm_min: float = Field(0.001, gt=0)
    px_per_mm_max: float = Field(10_000.0, gt=0)


class _Measure(BaseModel):
    model_config = _STRICT

    length_bias_px: float = 0.0
    width_bias_px: float = 0.0
    min_length_px: float = Field(0.0, ge=0)
    min_width_px: float = Field(0.0, ge=0)
    min_area_px: float = Field(0.0, ge=0)


class _Cannot(BaseModel):
    model_config = _STRICT

    says: tuple[str, ...] = ()


class CardFile(BaseModel):
    """card.toml. One output stands in ``[output]``, several in ``[[outputs]]``, each with its role."""

    model_config = _STRICT

    schema_: Literal["inspector.card/1"] = Field(alias="schema")
    model: _Model
    input: _Input
    frame: _Frame = Field(default_factory=_Frame)
    output: _Output | None = None
    outputs: tuple[_Output, ...] = ()
    decoder: _Decoder
    scale: _Scale = Field(default_factory=_Scale)
    measure: _Measure = Field(default_factory=_Measure)
    metrics: dict[str, float | str] = Field(default_factory=dict)
    cannot: _Cannot = Field(default_factory=_Cannot)

    @property
    def every_output(self) -> tuple[_Output, ...]:
        """``[output]`` or ``[[outputs]]``, whichever is there."""
        return self.outputs if self.output is None else (self.output,)

    @model_validator(mode="after")
    def _says_what_it_gives(self) -> Self:
        if (self.output is None) == (not self.outputs):
            raise ValueError("give one [output], or several [[outputs]]")
        roles = [output.role for output in self.outputs]
        if len(set(roles)) != len(roles):
            raise ValueError(f"outputs: the roles {roles} are not different")
        return self

    @model_validator(mode="after")
    def _cells_meet(self) -> Self:
        stride = max(output.stride for output in self.every_output)
        for key, length in (("input.multiple", self.input.multiple), ("decoder.halo_px", self.decoder.halo_px)):
            if length % stride and not (key == "input.multiple" and self.frame.width):
                raise ValueError(f"{key} = {length} must be a multiple of output.stride = {stride}")
        if self.frame.width % stride or self.frame.height % stride:
            raise ValueError(f"frame.width and frame.height must be multiples of output.stride = {stride}")
        return self


def folder_of(name: str, models: Path, *, place: str) -> Path:
    """The folder of a package that a file names. ``place``: which file and key.

    Raises:
        ConfigError: there is no such package.
    """
    folder = models / name
    if not folder.is_dir():
        known = ", ".join(sorted(card.parent.name for card in models.glob("*/card.toml"))) or "none"
        raise ConfigError(f"{place} = {name!r}: not in {models} (paths.models_dir); there are: {known}")
    return folder


def load_card(folder: Path, trusted: TrustedKeys = NOBODY) -> ModelCard:
    """Read a package's card and check that the ONNX file is the one it was written for.

    A signature that is there must fit; where there are ``trusted`` keys it must be there, and by one of them.

    Raises:
        ConfigError: no such package, a wrong card, another file than the card names, or no signature that counts.
    """
    signed_by = model_signature.signer(folder, trusted)
    return _card(folder, signed_by)


def load_to_sign(folder: Path) -> tuple[ModelCard, str]:
    """The card of a package that is to be signed anew, and what is wrong with the signature it has ("" if nothing).

    Raises:
        ConfigError: no such package, a wrong card, or another file than the card names.
    """
    trouble = ""
    try:
        signed_by = model_signature.signer(folder)
    except ConfigError as error:
        trouble, signed_by = str(error), ""
    return _card(folder, signed_by), trouble


def _card(folder: Path, signed_by: str) -> ModelCard:
    path = folder / "card.toml"
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such model package; it must be a folder with card.toml and model.onnx")
    data: Any = toml_file.read(path)
    card = toml_file.validate(CardFile, data, origin=lambda _: str(path))
    graph = folder / card.model.file
    try:
        found = sha256_of(graph)
    except OSError as error:
        raise ConfigError(f"{graph}: cannot be read: {error.strerror}; the card names this file") from error
    if found != card.model.sha256:
        raise ConfigError(
            f"{graph}: sha256 is {found}, but {path} says {card.model.sha256}; "
            "the file is not the one this card was written for: restore the package"
        )
    extra = card.decoder.model_extra or {}
    first, *further = (OutputSpec(**output.model_dump()) for output in card.every_output)
    return ModelCard(
        name=card.model.name,
        version=card.model.version,
        task=card.model.task,
        path=graph,
        sha256=found,
        licence=card.model.licence,
        labels=card.model.labels,
        released=card.model.released,
        signed_by=signed_by,
        input=InputSpec(**card.input.model_dump()),
        output=first,
        further_outputs=tuple(further),
        frame=FrameSpec(**card.frame.model_dump()),
        decoder=card.decoder.kind,
        decoder_settings=extra,
        candidate_score=card.decoder.candidate_score,
        halo_px=card.decoder.halo_px,
        border=card.decoder.border,
        px_per_mm=(card.scale.px_per_mm_min, card.scale.px_per_mm_max),
        length_bias_px=card.measure.length_bias_px,
        width_bias_px=card.measure.width_bias_px,
        finest_length_px=card.measure.min_length_px,
        finest_width_px=card.measure.min_width_px,
        finest_area_px=card.measure.min_area_px,
        metrics=card.metrics,
        cannot=card.cannot.says,
    )
