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


def surface_plan(fine: int = 16, middle: int = 32, coarse: int = 64) -> dict[str, ConvPlan]:
    """Return the net "32-64+ctx+s4": overlapping stem at stride 4, stages at 8, 16 and 32."""
    convs = (
        ConvPlan(name="stem", inputs=16, outputs=fine),
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
        ConvPlan(name="head", inputs=middle, outputs=len(LABELS), kernel=1, relu=False, tripled=False),
    )
    return {conv.name: conv for conv in convs}


def receptive_radius_px() -> int:
    """Return how far, in frame pixels, an output cell can see through the widest path."""
    plan = surface_plan()
    reach, step = 0, 4
    for name in ("stem", "down8", "body8", "down16", "body16a", "body16b", "down32", "context_a", "context_b"):
        conv = plan[name]
        reach += conv.padding * step
        step *= conv.stride
    return reach + step
