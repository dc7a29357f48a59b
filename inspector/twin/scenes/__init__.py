"""Render seeded part faces of machined metal, with the truth about every defect painted on them.

``render(seed, settings)`` is a pure function: the same seed and settings give the same bytes.
``GENERATOR_VERSION`` changes whenever the pixels do, so that cached frames can be told apart.
"""

from inspector.twin.scenes.render import GENERATOR_VERSION, render, render_cracks, render_mask
from inspector.twin.scenes.scene import (
    DEFECT_LABELS,
    Scene,
    SceneSettings,
    TrueDefect,
)

__all__ = [
    "DEFECT_LABELS",
    "GENERATOR_VERSION",
    "Scene",
    "SceneSettings",
    "TrueDefect",
    "render",
    "render_cracks",
    "render_mask",
]
