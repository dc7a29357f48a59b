"""Find the sound places of a picture that the net takes for a defect: the next hard negatives."""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.plan import MULTIPLE, NORM_MIDDLE, NORM_SCALE, STRIDE
from tools.training.picture import Picture

_SUSPECT = 0.1  # score from which a sound cell is worth another look
_MOST = 40  # places kept per picture
_BESIDE = 7  # cells: the rim of a true defect is no mistake worth learning from


def hard_places(net: Any, source: Picture) -> NDArray[np.int64]:
    """Return (k, 2) row, column of the strongest false cells; those beside a true defect do not count."""
    h, w = (side // MULTIPLE * MULTIPLE for side in source.pixels.shape)
    image = (source.pixels[:h, :w].astype(np.float32) - NORM_MIDDLE) / NORM_SCALE
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.from_numpy(image[None, None]))
    scores = torch.sigmoid(logits.float()).numpy()[0].max(axis=0)
    marked = np.asarray(source.mask[:h, :w] > 0, np.uint8).reshape(h // STRIDE, STRIDE, w // STRIDE, STRIDE)
    near = cv2.dilate(np.asarray(marked.max(axis=(1, 3)), np.uint8), np.ones((_BESIDE, _BESIDE), np.uint8))
    worst = np.where(np.asarray(near) > 0, 0.0, scores)
    places = np.argwhere(worst > _SUSPECT)
    order = np.argsort(-worst[places[:, 0], places[:, 1]], kind="stable")[:_MOST]
    return np.asarray(places[order] * STRIDE + STRIDE // 2, np.int64)
