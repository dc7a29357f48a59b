"""Trains, exports and predicts with RT-DETR and D-FINE of transformers: small ones, from random weights."""

import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from transformers import (
    DFineConfig,
    DFineForObjectDetection,
    HGNetV2Config,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessor,
    RTDetrResNetConfig,
)

from tools.peer_parity.inside.lesson import begin, read, taught, write_detections
from tools.peer_parity.pictures import NAMES

SIDE = 192
_BATCH, _RATE = 4, 6e-4
_OPSET = 17
_WIDTHS = [32, 64, 128]
_SMALL: Mapping[str, Any] = {
    "encoder_in_channels": _WIDTHS,
    "feat_strides": [8, 16, 32],
    "encoder_hidden_dim": 64,
    "d_model": 64,
    "decoder_in_channels": [64, 64, 64],
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "decoder_layers": 2,
    "num_queries": 40,
    "num_denoising": 40,
    "num_labels": len(NAMES),
    "freeze_backbone_batch_norms": False,
}


class _Heads(torch.nn.Module):  # type: ignore[misc] # torch is not looked into
    """The model as an exporter sees it: a picture in, logits and boxes out."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Class logits (1, queries, classes) and boxes (1, queries, 4)."""
        given = self._model(pixel_values=pixel_values)
        return given.logits, given.pred_boxes


def _made(model: str) -> torch.nn.Module:
    if model == "dfine":
        eye = HGNetV2Config(
            stem_channels=[3, 16, 24],
            stage_in_channels=[24, 32, 32, 64],
            stage_mid_channels=[16, 24, 32, 48],
            hidden_sizes=[32, *_WIDTHS],
            stage_out_channels=[32, *_WIDTHS],
            stage_num_blocks=[1, 1, 1, 1],
            stage_numb_of_layers=[2, 2, 2, 2],
            out_features=["stage2", "stage3", "stage4"],
        )
        return DFineForObjectDetection(DFineConfig(backbone_config=eye, **_SMALL))
    eye = RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, *_WIDTHS],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    return RTDetrForObjectDetection(RTDetrConfig(backbone_config=eye, **_SMALL))


def main() -> None:
    """Read the command line and do all three."""
    lesson = begin()
    model = _made(lesson.model)
    processor = RTDetrImageProcessor(size={"height": SIDE, "width": SIDE})
    pictures = lesson.pictures("train")
    shown = [processor(images=read(picture), return_tensors="pt")["pixel_values"][0] for picture in pictures]
    truth = [_relative(lesson.truth(picture), read(picture).shape) for picture in pictures]

    def losses(numbers: list[int]) -> torch.Tensor:
        batch = [_turned(shown[n], truth[n]) for n in numbers]
        pixels = torch.stack([picture for picture, _ in batch])
        return model(pixel_values=pixels, labels=[labels for _, labels in batch]).loss

    taught(lesson, model, losses, batch=_BATCH, rate=_RATE)
    model.eval()
    found = {}
    for picture in lesson.pictures("odd"):
        image = read(picture)
        with torch.no_grad():
            given = model(**processor(images=image, return_tensors="pt"))
        (seen,) = processor.post_process_object_detection(
            given, threshold=lesson.floor, target_sizes=[image.shape[:2]], use_focal_loss=True
        )
        rows = zip(seen["labels"].tolist(), seen["scores"].tolist(), seen["boxes"].tolist(), strict=True)
        found[picture] = list(rows)
    write_detections(lesson, found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Heads(model).eval(),
            (shown[0][None],),
            lesson.graph,
            opset_version=_OPSET,
            input_names=["pixel_values"],
            output_names=["logits", "pred_boxes"],
            dynamo=False,
        )


def _relative(truth: tuple[list[list[float]], list[int]], shape: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Centre and sides as shares of the picture."""
    boxes, kinds = truth
    corners = np.array(boxes, np.float32).reshape(-1, 4) / np.array([shape[1], shape[0]] * 2, np.float32)
    both = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
    return {"class_labels": torch.tensor(kinds, dtype=torch.long), "boxes": torch.from_numpy(both)}


def _turned(picture: torch.Tensor, labels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Flipped left to right and upside down, each every other time."""
    boxes = labels["boxes"].clone()
    for axis in (0, 1):
        if random.getrandbits(1):
            picture = picture.flip(2 - axis)
            boxes[:, axis] = 1 - boxes[:, axis]
    return picture, {**labels, "boxes": boxes}


if __name__ == "__main__":
    main()
