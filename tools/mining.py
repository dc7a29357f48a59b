"""Find the sound places of a picture that the net takes for a defect: the next hard negatives."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.cells import cell_targets
from tools.plan import MULTIPLE, NORM_MIDDLE, NORM_SCALE, STRIDE
from tools.scenebank import Picture

_SUSPECT = 0.1  # score from which a sound cell is worth another look
_MOST = 40  # places kept per picture


def hard_places(net: Any, source: Picture) -> NDArray[np.int64]:
    """Return (k, 2) row, column of the strongest false cells, and of defect cells that were missed."""
    h, w = (side // MULTIPLE * MULTIPLE for side in source.pixels.shape)
    image = (source.pixels[:h, :w].astype(np.float32) - NORM_MIDDLE) / NORM_SCALE
    with torch.no_grad():
        scores = torch.sigmoid(net(torch.from_numpy(image[None, None]))).numpy()[0]
    targets = cell_targets(source.mask[:h, :w])
    wrong = np.where(targets == 0, scores, 0.0) + np.where(targets == 1, 0.5 * (1.0 - scores), 0.0)
    worst = wrong.max(axis=0)
    places = np.argwhere(worst > _SUSPECT)
    order = np.argsort(-worst[places[:, 0], places[:, 1]], kind="stable")[:_MOST]
    return np.asarray(places[order] * STRIDE + STRIDE // 2, np.int64)
