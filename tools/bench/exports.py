"""Makes the peers' graphs, with random weights, by the Python of a throw-away environment.

python tools/bench/exports.py anomalib FOLDER        padim.onnx and efficientad.onnx, for tiles of 256 px
python tools/bench/exports.py int8 GRAPH TARGET      a YOLO graph whose convolutions are int8
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

TILE, SIDE = 256, 640
OPSET = 17
_SEED = 1
_CALIBRATION = 8


def anomalib(folder: Path) -> None:
    """PaDiM and EfficientAD as anomalib builds them; their statistics are made up, their cost is not."""
    import torch  # noqa: PLC0415 - only this environment has it
    from anomalib.models.image.efficient_ad.torch_model import EfficientAdModel  # noqa: PLC0415
    from anomalib.models.image.padim.torch_model import PadimModel  # noqa: PLC0415

    torch.manual_seed(_SEED)
    layers = ["layer1", "layer2", "layer3"]
    padim = PadimModel(backbone="resnet18", layers=layers, pre_trained=False).eval()
    cells = (TILE // 4) ** 2
    padim.gaussian.mean = torch.zeros(padim.n_features, cells)
    padim.gaussian.inv_covariance = torch.eye(padim.n_features).repeat(cells, 1, 1)
    models: dict[str, Any] = {
        "padim": padim,
        "efficientad": EfficientAdModel(teacher_out_channels=384, model_size="small").eval(),
    }
    example = torch.rand(1, 3, TILE, TILE)
    for name, model in models.items():
        target = folder / f"{name}.onnx"
        torch.onnx.export(model, (example,), str(target), opset_version=OPSET, dynamo=False, input_names=["input"])


def int8(graph: Path, target: Path) -> None:
    """Static quantisation of the convolutions, uint8 activations and int8 weights, the rest as it is."""
    from onnxruntime.quantization import (  # noqa: PLC0415 - only this environment has it
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Noise(CalibrationDataReader):  # type: ignore[misc]
        """Pictures of noise: with random weights no picture is better."""

        def __init__(self) -> None:
            rng = np.random.default_rng(_SEED)
            self._left = [rng.random((1, 3, SIDE, SIDE), np.float32) for _ in range(_CALIBRATION)]

        def get_next(self) -> dict[str, Any] | None:
            """The next picture."""
            return {"images": self._left.pop()} if self._left else None

    quantize_static(
        str(graph),
        str(target),
        Noise(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["Conv"],
    )


def main() -> None:
    """Read the command line, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    both = what.add_parser("anomalib")
    both.add_argument("folder", type=Path)
    small = what.add_parser("int8")
    small.add_argument("graph", type=Path)
    small.add_argument("target", type=Path)
    asked = parser.parse_args()
    if asked.what == "anomalib":
        anomalib(asked.folder)
    else:
        int8(asked.graph, asked.target)


if __name__ == "__main__":
    main()
