"""Render a whole scene: ground, then features, then defects, each from its own random stream."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes.features import Face, draw_features
from inspector.twin.scenes.ground import Ground, make_ground
from inspector.twin.scenes.painting import paint_cracks, paint_defects
from inspector.twin.scenes.scene import Scene, SceneSettings, TrueDefect

GENERATOR_VERSION = "1"
"""Bumped when any pixel or truth of any seed changes."""


Painter = Callable[[np.random.Generator, Ground, Face], tuple[TrueDefect, ...]]
"""Paints the defects of a part in place."""


def _render(seed: int, settings: SceneSettings, paint: Painter) -> Scene:
    """Render one part; a good part and a bad one of the same seed share their ground."""
    streams = np.random.SeedSequence(seed).spawn(3)
    ground_rng, feature_rng, defect_rng = (np.random.Generator(np.random.SFC64(stream)) for stream in streams)
    ground = make_ground(ground_rng, settings)
    face = draw_features(feature_rng, ground, settings)
    defects = paint(defect_rng, ground, face)
    return Scene(seed=seed, pixels=ground.pixels, defects=defects, texture=ground.texture)


def render(seed: int, settings: SceneSettings) -> Scene:
    """Render the part of this seed. Pure: the same arguments give the same bytes."""
    return _render(seed, settings, lambda rng, ground, face: paint_defects(rng, ground, face, settings, None))


def render_mask(seed: int, settings: SceneSettings) -> tuple[Scene, NDArray[np.uint8]]:
    """Render the part and its class mask, (height, width): 0 sound, 1 crack, 2 scratch, 3 dent, 4 stain."""
    mask = np.zeros((settings.height, settings.width), np.uint8)
    scene = _render(seed, settings, lambda rng, ground, face: paint_defects(rng, ground, face, settings, mask))
    return scene, mask


def render_cracks(seed: int, settings: SceneSettings, widths_px: Sequence[float]) -> Scene:
    """Render the part of this seed with one crack of each width in place of its own defects. Pure."""
    return _render(seed, settings, lambda rng, ground, face: paint_cracks(rng, ground, face, settings, widths_px))
