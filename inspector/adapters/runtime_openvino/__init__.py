"""Runs a model's ONNX graph with OpenVINO on the CPU: the same file and the same answers as onnxruntime."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.runtime_openvino import cache
from inspector.adapters.runtime_openvino.graph import Rewritten, rewrite
from inspector.domain.errors import ConfigError, DeviceError
from inspector.ports import card_check
from inspector.ports.card_check import Node
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin

_OWN_SHAPES = 4
"""A line shows one frame size: whole, or in strips of at most three heights."""
_ANY_SHAPE: tuple[int, ...] = ()
_WORDS = {2: np.uint16, 4: np.uint32, 8: np.uint64}
"""A row of a pixel block, copied as one machine word."""
_TYPES = {
    "u8": "uint8",
    "f32": "float32",
    "i32": "int32",
    "i64": "int64",
    "f16": "float16",
    "f64": "float64",
    "boolean": "bool",
}
_JIT = "can't protect"
_UNCACHED = {"CACHE_DIR": ""}
_IN_FLOAT = {"LP_TRANSFORMS_MODE": "NO"}
"""Quantised operators are computed in float, as the file writes them: exact on every processor, and slower."""


class OpenVinoSettings(BaseModel):
    """How OpenVINO may use this PC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=0, ge=0, le=64, description="threads for one inference; 0: one per core")
    pinning: bool = Field(
        default=False, description="nail each thread to a core: only where this line has the cores for itself"
    )


class OpenVinoRuntime:
    """One graph, compiled for each of the first few shapes it is shown, and for any shape after that.

    A graph for one shape costs a fifth less than one for any. Numbers are never narrower than the model's own: no
    bfloat16. A class map of whole numbers is computed in 8 bits where this processor adds them without cutting off
    (VNNI), else in float: see decision 0053.
    """

    def __init__(self, settings: OpenVinoSettings, card: ModelCard, cache_dir: Path | None) -> None:
        self._device = f"model {card.name}"
        self._card = card
        self._wishes = _wishes(settings, cache_dir)
        self._cache_dir = cache_dir
        self._core = ov.Core()
        asis = Rewritten(model=b"", block=0)
        whole = _read(self._core, card.path, asis)
        card_check.check_against_card(_nodes(whole.inputs), _nodes(whole.outputs), card)
        self._constants = card_check.constants(_nodes(whole.inputs), card)
        form = rewrite(card.path) if card.input.plain and card.input.layout == "NCHW" else asis
        self._model = whole if not form.model else _read(self._core, card.path, form)
        (self._input,) = {port.any_name for port in self._model.inputs} - set(self._constants)
        self._block = form.block
        self._buffers: dict[tuple[int, int], NDArray[Any]] = {}
        self._requests: dict[tuple[int, ...], Any] = {}
        self._outputs = [output.name for output in card.outputs]
        if cache_dir is not None:
            cache.drop_what_changed(cache_dir)
        if card.task == card_check.MAP_TASK:
            card_check.try_map(card, lambda tensor: self._run(tensor)[0])
            self._requests.clear()  # no frame is as small as what was tried
        threads = settings.threads or "all"
        self.description = f"openvino {_version()} CPU, threads {threads}"
        if card.task == card_check.MAP_TASK and card.input.dtype == card.output.dtype == "uint8":
            self._prove(card)

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run the graph once."""
        arrays = self._run(tensor)
        card_check.refuse_nonsense(arrays, self._device)
        return arrays

    def _prove(self, card: ModelCard) -> None:
        """Compare 8-bit sums with float on noise, which reaches every number; where they are apart, take float."""
        noise, kept = card_check.noise(card), self._cache_dir
        in_eight_bits, in_float = self._wishes, self._wishes | _IN_FLOAT
        answers = []
        for self._wishes in (in_eight_bits | _UNCACHED, in_float | _UNCACHED):
            answers.append(self._run(noise)[0])
            self._requests.clear()
        self._wishes = in_eight_bits
        if card_check.steps_apart(*answers) <= card_check.MOST_STEPS:
            return
        self.description += ", in float: this processor cuts 8-bit sums off"
        self._cache_dir = cache.float_folder(kept)
        self._wishes = in_float | _cached_in(self._cache_dir)

    def _run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        shown = self._in_blocks(tensor) if self._block else np.ascontiguousarray(tensor)
        try:
            request = self._requests.get(shown.shape) or self._request_for(shown.shape)
            request.set_tensor(self._input, ov.Tensor(shown, shared_memory=shown.flags.writeable))
            request.infer()
            # The request writes its next answer into the same memory, so what is given away is a copy of these few.
            return tuple(request.get_tensor(name).data.copy() for name in self._outputs)
        except (RuntimeError, ValueError, TypeError) as error:
            raise DeviceError(self._device, f"inference failed: {_told(error)}") from error

    def _request_for(self, shape: tuple[int, ...]) -> Any:
        """A request for inputs of this shape, compiled now; beyond a few shapes, the one for any."""
        if len(self._requests) >= _OWN_SHAPES:
            shape = _ANY_SHAPE
            if _ANY_SHAPE in self._requests:
                return self._requests[_ANY_SHAPE]
        model = self._model
        if shape is not _ANY_SHAPE and model.input(self._input).partial_shape.is_dynamic:
            model = model.clone()
            model.reshape({self._input: list(shape)})
        request = _compiled(self._core, model, self._wishes, self._card).create_infer_request()
        if self._cache_dir is not None:
            cache.seal(self._cache_dir)
        for name, value in self._constants.items():
            request.set_tensor(name, ov.Tensor(value))
        self._requests[shape] = request
        return request

    def _in_blocks(self, tensor: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture as [1, H/b, W/b, b*b]: one copy, in whole words, into a buffer that is kept."""
        side = self._block
        batch, planes, height, width = tensor.shape if tensor.ndim == 4 else (0, 0, 0, 0)  # noqa: PLR2004 - NCHW
        if (batch, planes) != (1, 1) or tensor.dtype != np.uint8 or height % side or width % side:
            raise DeviceError(
                self._device,
                f"inference failed: a tensor of {tensor.dtype} {list(tensor.shape)}; uint8 [1, 1, height, width], both "
                f"multiples of {side}, is right",
            )
        rows, columns = height // side, width // side
        buffer = self._buffers.get((rows, columns))
        if buffer is None:
            if len(self._buffers) >= _OWN_SHAPES:
                self._buffers.clear()
            buffer = self._buffers[rows, columns] = np.empty((rows, columns, side), _WORDS[side])
        words = tensor[0, 0].view(_WORDS[side])
        np.copyto(buffer, words.reshape(rows, side, columns).transpose(0, 2, 1))
        blocks: NDArray[np.uint8] = buffer.view(np.uint8).reshape(1, rows, columns, side * side)
        return blocks


def _read(core: Any, path: Path, form: Rewritten) -> Any:
    try:
        return core.read_model(form.model) if form.model else core.read_model(path)
    except RuntimeError as error:
        raise ConfigError(f"{path}: openvino cannot load this model: {_told(error)}") from error


def _wishes(settings: OpenVinoSettings, cache_dir: Path | None) -> dict[str, Any]:
    wishes: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": settings.pinning,
    }
    if settings.threads:
        wishes["INFERENCE_NUM_THREADS"] = settings.threads
    return wishes | _cached_in(cache_dir)


def _cached_in(folder: Path | None) -> dict[str, str]:
    return _UNCACHED if folder is None else {"CACHE_DIR": str(folder)}


def _compiled(core: Any, model: Any, wishes: dict[str, Any], card: ModelCard) -> Any:
    try:
        return core.compile_model(model, "CPU", wishes)
    except RuntimeError as error:
        if _JIT not in str(error):
            raise
        raise ConfigError(
            f"{card.path}: openvino may not make code at run time in this process (MemoryDenyWriteExecute): install "
            "the drop-in systemd/inspector-line@.service.d/openvino.conf, or set runtime.kind = 'onnx', which needs "
            "none"
        ) from error


def _nodes(ports: Any) -> list[Node]:
    return [
        Node(
            name=port.any_name,
            dtype=_TYPES.get(port.element_type.type_name, port.element_type.type_name),
            shape=tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)
            if port.partial_shape.rank.is_static
            else None,
        )
        for port in ports
    ]


def _told(error: Exception) -> str:
    """What a vendor error says, without the places in its source."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return (said or lines or [""])[0]


def _version() -> str:
    return str(ov.__version__).split("-", maxsplit=1)[0]


@contextmanager
def open_openvino(settings: OpenVinoSettings, context: Context, card: ModelCard) -> Iterator[OpenVinoRuntime]:
    """Check the card's graph against the card; it is compiled at the first picture of a size, or taken from the cache.

    Raises:
        ConfigError: the graph is not what its card says, or code may not be made here.
    """
    yield OpenVinoRuntime(settings, card, cache.folder_of(context.data_dir, context.station))


PLUGIN = Plugin(settings_model=OpenVinoSettings, open=open_openvino, vendor="openvino")
