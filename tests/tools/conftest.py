"""Weights for tests that need a graph but no training."""

import numpy as np
import pytest

from tools.plan import LABELS, FoldedConv, Shape, surface_plan


@pytest.fixture(scope="session")
def random_folded() -> dict[str, FoldedConv]:
    """Weights of a small net with the right spread, so that activations neither die nor explode."""
    rng = np.random.default_rng(0)
    folded = {}
    for name, conv in surface_plan(Shape(fine=8, middle=8, coarse=16), len(LABELS)).items():
        shape = (conv.outputs, conv.inputs, conv.kernel, conv.kernel)
        spread = np.sqrt(2.0 / (conv.inputs * conv.kernel**2))
        folded[name] = FoldedConv(
            weight=rng.normal(0.0, spread, shape).astype(np.float32),
            bias=rng.normal(0.0, 0.1, conv.outputs).astype(np.float32),
        )
    return folded
