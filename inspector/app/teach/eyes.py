"""Looks at pictures through the frozen backbone, by the line's own tiling, preprocessing and runtime."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from pydantic import BaseModel, ConfigDict, Field

from inspector.app import plugins, toml_file
from inspector.app.share import share_dir
from inspector.app.teach import graph
from inspector.app.teach.gaussian import Floats
from inspector.domain.errors import ConfigError
from inspector.pipeline import preprocess, tiling
from inspector.ports.model import InputSpec, ModelCard, OutputSpec, Runtime
from inspector.ports.plugin import Context

BACKBONE = "backbone-lite0"
HALO_PX = 192
"""How far around a strip the backbone must see, px at working scale."""


class BackboneFile(BaseModel):
    """backbone.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["inspector.backbone/1"] = Field(alias="schema")
    name: str
    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    licence: str
    origin: str
    origin_sha256: str
    made_by: str
    cosine_to_float: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The frozen graph and what is known of it."""

    facts: BackboneFile
    model: Any


def load_backbone(folder: Path | None = None) -> Backbone:
    """The backbone that ships with the product.

    Raises:
        ConfigError: it is not there, or not the file its table names.
    """
    place = folder or share_dir() / "models" / BACKBONE
    table = place / "backbone.toml"
    facts = toml_file.validate(BackboneFile, toml_file.read(table), origin=lambda _: str(table))
    path = place / facts.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; {table} names this file") from error
    found = hashlib.sha256(content).hexdigest()
    if found != facts.sha256:
        raise ConfigError(f"{path}: sha256 is {found}, but {table} says {facts.sha256}; restore the package")
    return Backbone(facts=facts, model=onnx.load_model_from_string(content))


def card_of(path: Path, *, name: str, shrink: int, output: str) -> ModelCard:
    """How a graph of teaching is run; the taught package's card says the same."""
    return ModelCard(
        name=name,
        version="0",
        task="anomaly",
        path=path,
        sha256="",
        licence="",
        labels=("anomaly",),
        input=InputSpec(name="image", dtype="uint8", layout="NCHW", channels=1, multiple=graph.MULTIPLE_PX * shrink),
        output=OutputSpec(name=output, dtype="float32", stride=graph.CELL_PX * shrink),
        decoder="anomaly_map",
        decoder_settings={},
        candidate_score=0.5,
        halo_px=HALO_PX * shrink,
        border="replicate",
        px_per_mm=(0.001, 10_000.0),
        length_bias_px=0.0,
        width_bias_px=0.0,
        finest_length_px=0.0,
        finest_width_px=0.0,
        finest_area_px=0.0,
    )


LEAST_CELLS = 5
"""Cells along a side that a picture must have: a border on either side, and something between."""


class Eyes:
    """Pixels to a grid of features, as the line would see them."""

    def __init__(self, *, runtime: Runtime, card: ModelCard, graph_model: Any) -> None:
        self.graph = graph_model
        self.cell_px = card.output.stride
        self._runtime = runtime
        self._card = card
        self._presenter = preprocess.Presenter(card.input, card.frame)

    def see(self, pixels: preprocess.Image) -> Floats:
        """Features (rows, columns, channels) of the cells that answer for this picture; none of its padding."""
        (tile,) = tiling.plan(pixels.shape[0], pixels.shape[1], self._card)
        tensor = self._presenter.tensor(tile)
        self._presenter.write(tensor, pixels, tile)
        whole = self._runtime.run(tensor)[0][0]
        row, column = -tile.y // self.cell_px, -tile.x // self.cell_px
        rows, columns = (-(-side // self.cell_px) for side in pixels.shape[:2])
        kept = whole[:, row : row + rows, column : column + columns]
        return np.ascontiguousarray(kept.transpose(1, 2, 0))


def within_margin(cells: Floats) -> Floats:
    """Without the outermost cell on every side: the frame's border looks odd on every part."""
    return cells[1:-1, 1:-1]


@contextmanager
def open_eyes(backbone: Backbone, *, shrink: int) -> Iterator[Eyes]:
    """The backbone at 1/``shrink`` of the frame's scale, loaded by the line's own runtime."""
    model = graph.eyes(backbone.model, shrink=shrink)
    with tempfile.TemporaryDirectory(prefix="inspector-teach-") as folder:
        path = Path(folder) / "eyes.onnx"
        graph.save(model, path)
        card = card_of(path, name="eyes", shrink=shrink, output=graph.FEATURES)
        plugin = plugins.find("runtime", "onnx", where=str(path), key="runtime")
        settings = plugins.settings(plugin, {}, origin=lambda _: str(path), prefix=("runtime",))
        context = Context(station="teach", data_dir="", run_dir="")
        with plugin.open(settings, context, card) as runtime:
            yield Eyes(runtime=runtime, card=card, graph_model=model)
