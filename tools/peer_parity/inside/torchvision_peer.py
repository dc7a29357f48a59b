"""Trains, exports and predicts with torchvision's detectors, by their own Python interface."""

import warnings
from typing import Any

import torch
from torchvision.models.detection import FCOS, fasterrcnn_mobilenet_v3_large_320_fpn, ssdlite320_mobilenet_v3_large
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone

from tools.peer_parity.inside.lesson import begin, read, taught, write_detections
from tools.peer_parity.pictures import NAMES

_BATCH, _RATE = 2, 5e-4
_OPSET = 17
_FINE_LAYERS, _FINE_SIDES = [2, 3], ((8,), (16,), (32,))
"""Of FCOS: strides 8, 16 and 32 px, where its usual levels begin at 32."""
_OUTPUTS = {"fasterrcnn": ["boxes", "labels", "scores"]}
"""As the exporter writes them; of all others: boxes, scores, labels."""
_FEW_SAMPLES = {"box_batch_size_per_image": 32, "rpn_batch_size_per_image": 64, "rpn_post_nms_top_n_train": 100}
"""Of each picture in training only: its box head has most of the weights."""


def _made(model: str) -> torch.nn.Module:
    classes = len(NAMES) + 1
    if model == "fasterrcnn":
        made = fasterrcnn_mobilenet_v3_large_320_fpn(
            weights=None, weights_backbone=None, num_classes=classes, **_FEW_SAMPLES
        )
    elif model == "ssdlite":
        made = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes)
    else:
        norm = torch.nn.BatchNorm2d
        backbone = mobilenet_backbone(
            backbone_name="mobilenet_v3_large",
            weights=None,
            fpn=True,
            norm_layer=norm,
            trainable_layers=6,
            returned_layers=_FINE_LAYERS,
        )
        points = AnchorGenerator(sizes=_FINE_SIDES, aspect_ratios=((1.0,),) * len(_FINE_SIDES))
        made = FCOS(backbone, num_classes=classes, anchor_generator=points, min_size=320, max_size=640)
    return made


def main() -> None:
    """Read the command line and do all three."""
    lesson = begin()
    model = _made(lesson.model)
    shown = [_tensor(read(picture)) for picture in lesson.pictures("train")]
    truth = [lesson.truth(picture) for picture in lesson.pictures("train")]
    targets = [
        {"boxes": torch.tensor(box, dtype=torch.float32).reshape(-1, 4), "labels": torch.tensor(kinds) + 1}
        for box, kinds in truth
    ]

    def losses(numbers: list[int]) -> Any:
        return sum(model([shown[n] for n in numbers], [targets[n] for n in numbers]).values())

    taught(lesson, model, losses, batch=_BATCH, rate=_RATE)
    model.eval()
    found = {}
    for picture in lesson.pictures("camera"):
        with torch.no_grad():
            (seen,) = model([_tensor(read(picture))])
        rows = zip(seen["labels"].tolist(), seen["scores"].tolist(), seen["boxes"].tolist(), strict=True)
        found[picture] = [(label - 1, score, box) for label, score, box in rows]
    write_detections(lesson, found)
    # Traced with a picture of the camera's size: a traced graph is another model for pictures of another aspect.
    example = _tensor(read(lesson.pictures("camera")[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            ([example],),
            lesson.graph,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=_OUTPUTS.get(lesson.model, ["boxes", "scores", "labels"]),
            dynamo=False,
        )


def _tensor(image: Any) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255.0


if __name__ == "__main__":
    main()
