"""Runs a model's ONNX graph with onnxruntime on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.adapters.runtime_onnx.graph import VENDOR_ERRORS, first_line, load, node, plain
from inspector.domain.errors import DeviceError
from inspector.ports import card_check
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin


class OnnxSettings(BaseModel):
    """How onnxruntime may use this PC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=0, ge=0, le=64, description="threads for one inference; 0: one per core")
    spinning: bool = Field(
        default=False, description="busy-wait between operators: a little faster alone, twice the cost with neighbours"
    )


class OnnxRuntime:
    """One session. Only the CPU provider is used, named explicitly.

    A frame's bytes are read where they lie, and the outputs are new arrays: binding them to arrays of our own changed
    nothing (69.4 against 69.0 ms of CPU a 12-megapixel frame). Every optimisation is asked for by name: without the
    layout ones the same graph costs 86 ms.
    """

    def __init__(self, settings: OnnxSettings, card: ModelCard) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if settings.spinning else "0")
        self._session = load(card.path, options)
        taken = [node(value) for value in self._session.get_inputs()]
        card_check.check_against_card(taken, [node(value) for value in self._session.get_outputs()], card)
        self._constants = card_check.constants(taken, card)
        self._input = card.input.name
        self._outputs = [output.name for output in card.outputs]
        self._device = f"model {card.name}"
        if card.task == card_check.MAP_TASK:
            card_check.try_map(card, lambda tensor: self._run(tensor)[0])
            if card.input.dtype == card.output.dtype == "uint8":
                self._prove(card)
        threads = settings.threads or "all"
        self.description = f"onnxruntime {ort.__version__} CPU, threads {threads}"

    def run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run the graph once."""
        arrays = self._run(tensor)
        card_check.refuse_nonsense(arrays, self._device)
        return arrays

    def _prove(self, card: ModelCard) -> None:
        """Compare what this processor computes with what the file means, on noise, which reaches every number.

        Raises:
            ConfigError: they are apart by more than rounding.
        """
        noise = card_check.noise(card)
        (meant,) = plain(card.path).run([card.output.name], {self._input: noise, **self._constants})
        card_check.check_steps(self._run(noise)[0], meant, card)

    def _run(self, tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        try:
            return tuple(self._session.run(self._outputs, {self._input: tensor, **self._constants}))
        except VENDOR_ERRORS as error:
            raise DeviceError(self._device, f"inference failed: {first_line(error)}") from error


@contextmanager
def open_onnx(settings: OnnxSettings, context: Context, card: ModelCard) -> Iterator[OnnxRuntime]:
    """Load the card's graph and check it against the card."""
    del context
    yield OnnxRuntime(settings, card)


PLUGIN = Plugin(settings_model=OnnxSettings, open=open_onnx, vendor="onnxruntime")
