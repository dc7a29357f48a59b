"""Model packages: a folder with model.onnx and the card that binds it."""

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.app import toml_file
from inspector.domain.errors import ConfigError
from inspector.ports.model import InputSpec, ModelCard, OutputSpec

_STRICT = ConfigDict(frozen=True, extra="forbid")


class _Model(BaseModel):
    model_config = _STRICT

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    task: Literal["segmentation", "anomaly"]
    file: str = Field("model.onnx", pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    labels: tuple[str, ...] = Field(min_length=1)


class _Input(BaseModel):
    model_config = _STRICT

    name: str
    dtype: Literal["uint8"]
    layout: Literal["NCHW"]
    channels: Literal[1]
    multiple: int = Field(ge=1, le=256)


class _Output(BaseModel):
    model_config = _STRICT

    name: str
    dtype: Literal["uint8", "float32"]
    stride: Literal[1, 2, 4, 8, 16, 32]
    scale: float = Field(1.0, gt=0)
    zero_point: int = Field(0, ge=0, le=255)


class _Decoder(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    candidate_score: float = Field(gt=0, lt=1)
    halo_px: int = Field(ge=0, le=1024)
    border: Literal["replicate"] = "replicate"


class _Scale(BaseModel):
    model_config = _STRICT

    px_per_mm_min: float = Field(gt=0)
    px_per_mm_max: float = Field(gt=0)


class _Measure(BaseModel):
    model_config = _STRICT

    length_bias_px: float = 0.0
    width_bias_px: float = 0.0
    min_length_px: float = Field(ge=0)
    min_width_px: float = Field(ge=0)
    min_area_px: float = Field(ge=0)


class _Cannot(BaseModel):
    model_config = _STRICT

    says: tuple[str, ...] = ()


class CardFile(BaseModel):
    """card.toml."""

    model_config = _STRICT

    schema_: Literal["inspector.card/1"] = Field(alias="schema")
    model: _Model
    input: _Input
    output: _Output
    decoder: _Decoder
    scale: _Scale
    measure: _Measure
    metrics: dict[str, float | str] = Field(default_factory=dict)
    cannot: _Cannot = Field(default_factory=_Cannot)

    @model_validator(mode="after")
    def _cells_meet(self) -> "CardFile":
        stride = self.output.stride
        for key, length in (("input.multiple", self.input.multiple), ("decoder.halo_px", self.decoder.halo_px)):
            if length % stride:
                raise ValueError(f"{key} = {length} must be a multiple of output.stride = {stride}")
        return self


def load_card(folder: Path) -> ModelCard:
    """Read a package's card and check that the ONNX file is the one it was written for.

    Raises:
        ConfigError: no such package, a wrong card, or another file than the card names.
    """
    path = folder / "card.toml"
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such model package; it must be a folder with card.toml and model.onnx")
    data: Any = toml_file.read(path)
    card = toml_file.validate(CardFile, data, origin=lambda _: str(path))
    graph = folder / card.model.file
    try:
        found = hashlib.sha256(graph.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{graph}: cannot be read: {error.strerror}; the card names this file") from error
    if found != card.model.sha256:
        raise ConfigError(
            f"{graph}: sha256 is {found}, but {path} says {card.model.sha256}; "
            "the file is not the one this card was written for: restore the package"
        )
    extra = card.decoder.model_extra or {}
    return ModelCard(
        name=card.model.name,
        version=card.model.version,
        task=card.model.task,
        path=graph,
        sha256=found,
        licence=card.model.licence,
        labels=card.model.labels,
        input=InputSpec(**card.input.model_dump()),
        output=OutputSpec(**card.output.model_dump()),
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
