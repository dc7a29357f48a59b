"""The shape of the surface net, as one table that training and export both read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LABELS = ("crack", "scratch", "dent", "stain", "other")
"""Channel order of the net's output."""
STRIDE = 8
MULTIPLE = 32
"""The coarsest stage lies at stride 32, so both sides of an input must be multiples of it."""
NORM_MIDDLE, NORM_SCALE = 128.0, 128.0
"""``x = (u8 - 128) / 128``: zero padding and the uint8 zero point are then exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvPlan:
    """One convolution; ``tripled`` ones train as a RepVGG block and fold to one kernel."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    relu: bool = True
    tripled: bool = True

    @property
    def padding(self) -> int:
        """Pixels of padding that keep the size (before the stride)."""
        return self.dilation * (self.kernel - 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedConv:
    """A convolution ready for export: weight (out, in, k, k) and bias (out), float32."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


Folded = Mapping[str, FoldedConv]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Channels of a surface net at stride 4 (``fine``), 8 (``middle``), and from 16 on (``coarse``).

    Multiples of 16, or the int8 kernels of onnxruntime waste what is not filled.
    """

    fine: int
    middle: int
    coarse: int


TIERS: Mapping[str, Shape] = {
    "nano": Shape(fine=16, middle=16, coarse=32),
    "small": Shape(fine=16, middle=32, coarse=64),
    "base": Shape(fine=32, middle=64, coarse=64),
}
"""In the order of their cost; ``inspector model list --bench`` measures it."""
BLOCK = 4
"""Side of the pixel blocks that the stem sees as channels. Its 3x3 kernels overlap them: a thin line is seen whole."""
PATH_AT_8 = ("stem", "down8", "body8")
PATH_AT_16 = ("down16", "body16a", "body16b")
PATH_AT_32 = ("down32", "context_a", "context_b", "context_c")


def surface_plan(shape: Shape, classes: int) -> dict[str, ConvPlan]:
    """Return the net's convolutions by name: a stem, stages at stride 8, 16 and 32, and what joins them again."""
    fine, middle, coarse = shape.fine, shape.middle, shape.coarse
    convs = (
        ConvPlan(name="stem", inputs=BLOCK**2, outputs=fine),
        ConvPlan(name="down8", inputs=fine, outputs=middle, stride=2),
        ConvPlan(name="body8", inputs=middle, outputs=middle),
        ConvPlan(name="down16", inputs=middle, outputs=coarse, stride=2),
        ConvPlan(name="body16a", inputs=coarse, outputs=coarse),
        ConvPlan(name="body16b", inputs=coarse, outputs=coarse),
        ConvPlan(name="down32", inputs=coarse, outputs=coarse, stride=2),
        ConvPlan(name="context_a", inputs=coarse, outputs=coarse),
        ConvPlan(name="context_b", inputs=coarse, outputs=coarse, dilation=2),
        ConvPlan(name="context_c", inputs=coarse, outputs=coarse, kernel=1, tripled=False),
        ConvPlan(name="lateral", inputs=coarse, outputs=middle, kernel=1, tripled=False),
        ConvPlan(name="mix", inputs=middle, outputs=middle, kernel=1, tripled=False),
        ConvPlan(name="head", inputs=middle, outputs=classes, kernel=1, relu=False, tripled=False),
    )
    return {conv.name: conv for conv in convs}


def receptive_radius_px() -> int:
    """Return how far, in frame pixels, an output cell can see through the widest path."""
    plan = surface_plan(TIERS["small"], 1)
    reach, step = 0, BLOCK
    for name in (*PATH_AT_8, *PATH_AT_16, *PATH_AT_32):
        conv = plan[name]
        reach += conv.padding * step
        step *= conv.stride
    return reach + step
