"""Opens a model package as a line does: runtime, decoder, and a first look that proves its card."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pydantic import BaseModel

from inspector.app import plugins
from inspector.pipeline.detect import Detector
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context, Plugin

_MAP_TASKS = frozenset({"segmentation"})
"""Tasks whose runtime has proved the map when it was loaded."""


def decoder_of(card: ModelCard) -> tuple[Plugin, BaseModel]:
    """The decoder a card names, and its settings.

    Raises:
        ConfigError: no such decoder, or settings that it does not know.
    """
    where = str(card.path.parent / "card.toml")
    plugin = plugins.find("decoder", card.decoder, where=where, key="decoder")
    return plugin, plugins.settings(plugin, card.decoder_settings, origin=lambda _: where, prefix=("decoder",))


def onnx_runtime(card: ModelCard, settings: Mapping[str, Any]) -> tuple[Plugin, BaseModel]:
    """The onnxruntime plug-in with these settings, for who has no station."""
    where = str(card.path.parent / "card.toml")
    plugin = plugins.find("runtime", "onnx", where=where, key="runtime")
    return plugin, plugins.settings(plugin, settings, origin=lambda _: where, prefix=("runtime",))


@contextmanager
def open_model(
    card: ModelCard, *, runtime: tuple[Plugin, BaseModel], context: Context, strip_px: int = 0
) -> Iterator[Detector]:
    """The model, loaded, bound to its card, and shown one small frame.

    Raises:
        ConfigError: the graph is not what the card says.
    """
    decoder_plugin, decoder_settings = decoder_of(card)
    runtime_plugin, runtime_settings = runtime
    with ExitStack() as stack:
        detector = Detector(
            card=card,
            runtime=stack.enter_context(runtime_plugin.open(runtime_settings, context, card)),
            decoder=stack.enter_context(decoder_plugin.open(decoder_settings, context, card)),
            strip_px=strip_px,
        )
        if card.task not in _MAP_TASKS:
            detector.prove()
        yield detector
