"""Write the float graph that a package was quantised from: ``python -m tools.float_graph models/surface-nano``.

A package keeps its trained weights (weights.npz). Folded and written as ONNX they are the graph that went into the
quantiser, so what int8 costs can be measured by anybody, without training:

    python -m tools.float_graph models/surface-nano --out build/surface-nano/float/model.onnx
    python -m tools.crack_recall --model models/surface-nano --float build/surface-nano/float/model.onnx
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import onnx

from inspector.domain.errors import ConfigError
from tools.graph import build, with_pixels
from tools.weights import load_weights


def write_float(package: Path, out: Path) -> None:
    """Write ``out``: pixels 0 to 255 in, a map of float32 logits out.

    Raises:
        ConfigError: the package keeps no weights.
    """
    net, labels = load_weights(package)
    model = with_pixels(build(net.fold()))
    entry = model.metadata_props.add()
    entry.key, entry.value = "inspector.labels", ",".join(labels)
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, write the graph."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.float_graph", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path, help="folder with weights.npz")
    parser.add_argument("--out", type=Path, help="[default: build/NAME/float/model.onnx]")
    given = parser.parse_args(arguments)
    out = given.out or Path("build") / given.package.name / "float" / "model.onnx"
    try:
        write_float(given.package, out)
    except ConfigError as error:
        parser.exit(78, f"{error}\n")
    print(out)


if __name__ == "__main__":
    main()
