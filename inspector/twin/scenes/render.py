"""Render a whole scene: ground, then features, then defects, each from its own random stream."""

import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes.features import draw_features
from inspector.twin.scenes.ground import make_ground
from inspector.twin.scenes.painting import paint_defects
from inspector.twin.scenes.scene import Scene, SceneSettings

GENERATOR_VERSION = "1"
"""Bumped when any pixel or truth of any seed changes."""


def _render(seed: int, settings: SceneSettings, mask: NDArray[np.uint8] | None) -> Scene:
    """Render one part; a good part and a bad one of the same seed share their ground."""
    streams = np.random.SeedSequence(seed).spawn(3)
    ground_rng, feature_rng, defect_rng = (np.random.Generator(np.random.SFC64(stream)) for stream in streams)
    ground = make_ground(ground_rng, settings)
    face = draw_features(feature_rng, ground, settings)
    defects = paint_defects(defect_rng, ground, face, settings, mask)
    return Scene(seed=seed, pixels=ground.pixels, defects=defects, texture=ground.texture)


def render(seed: int, settings: SceneSettings) -> Scene:
    """Render the part of this seed. Pure: the same arguments give the same bytes."""
    return _render(seed, settings, None)


def render_mask(seed: int, settings: SceneSettings) -> tuple[Scene, NDArray[np.uint8]]:
    """Render the part and its class mask, (height, width): 0 sound, 1 crack, 2 scratch, 3 dent, 4 stain."""
    mask = np.zeros((settings.height, settings.width), np.uint8)
    return _render(seed, settings, mask), mask
