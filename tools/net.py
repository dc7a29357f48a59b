"""The surface net in torch: RepVGG blocks for training, folded to plain convolutions for export."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tools.plan import BLOCK, PATH_AT_8, PATH_AT_16, PATH_AT_32, ConvPlan, Folded, FoldedConv, Shape, surface_plan

_RARE = -4.0  # bias of the head at the start: defects are rare


class Rep(nn.Module):  # type: ignore[misc]
    """One planned convolution: 3x3, 1x1 and identity side by side, each with its own batch norm."""

    def __init__(self, plan: ConvPlan) -> None:
        super().__init__()
        self.plan = plan
        self.main = self._branch(plan.kernel)
        self.point = self._branch(1) if plan.tripled else None
        keeps = plan.tripled and plan.stride == 1 and plan.inputs == plan.outputs
        self.same = nn.BatchNorm2d(plan.inputs) if keeps else None

    def _branch(self, kernel: int) -> Any:
        plan = self.plan
        dilation = plan.dilation if kernel > 1 else 1
        padding = dilation * (kernel - 1) // 2
        conv = nn.Conv2d(plan.inputs, plan.outputs, kernel, plan.stride, padding, dilation, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(plan.outputs))

    def forward(self, x: Any) -> Any:
        """Sum the branches; then ReLU where planned."""
        total = self.main(x)
        if self.point is not None:
            total = total + self.point(x)
        if self.same is not None:
            total = total + self.same(x)
        return functional.relu(total) if self.plan.relu else total

    def fold(self) -> FoldedConv:
        """Return the one convolution that does the same in evaluation mode."""
        weight, bias = _merged(self.main[0].weight, self.main[1])
        middle = self.plan.kernel // 2
        if self.point is not None:
            point, shift = _merged(self.point[0].weight, self.point[1])
            weight[:, :, middle, middle] += point[:, :, 0, 0]
            bias = bias + shift
        if self.same is not None:
            unit = torch.eye(self.plan.inputs, dtype=torch.float64)[:, :, None, None]
            same, shift = _merged(unit, self.same)
            weight[:, :, middle, middle] += same[:, :, 0, 0]
            bias = bias + shift
        return FoldedConv(weight=_array(weight), bias=_array(bias))


def _merged(weight: Any, norm: Any) -> tuple[Any, Any]:
    """Merge a batch norm into the kernel before it, in double precision."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    merged = weight.double() * scale[:, None, None, None]
    return merged.clone(), norm.bias.double() - norm.running_mean.double() * scale


def _array(tensor: Any) -> Any:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)


class SurfaceNet(nn.Module):  # type: ignore[misc]
    """Normalised images (n, 1, H, W) to logits (n, classes, H/8, W/8); H and W multiples of 32."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.shape = shape
        self.classes = classes
        plan = surface_plan(shape, classes)
        head = plan.pop("head")
        self.parts = nn.ModuleDict({name: Rep(conv) for name, conv in plan.items()})
        self.head = nn.Conv2d(head.inputs, head.outputs, 1)
        nn.init.constant_(self.head.bias, _RARE)

    def _through(self, names: tuple[str, ...], x: Any) -> Any:
        for name in names:
            x = self.parts[name](x)
        return x

    def forward(self, image: Any) -> Any:
        """Run the net (see the picture in ``tools.graph``)."""
        at8 = self._through(PATH_AT_8, functional.pixel_unshuffle(image, BLOCK))
        at16 = self._through(PATH_AT_16, at8)
        at32 = self._through(PATH_AT_32, at16)
        at16 = at16 + functional.interpolate(at32, scale_factor=2, mode="nearest")
        joined = at8 + functional.interpolate(self.parts["lateral"](at16), scale_factor=2, mode="nearest")
        return self.head(self.parts["mix"](joined))

    def fold(self) -> Folded:
        """Return every convolution as export wants it. Call in evaluation mode."""
        folded = {name: part.fold() for name, part in self.parts.items()}
        folded["head"] = FoldedConv(weight=_array(self.head.weight), bias=_array(self.head.bias))
        return folded
