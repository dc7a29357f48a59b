"""Where inference spends its time, operator by operator: ``python -m tools.operator_profile --model PACKAGE``.

onnxruntime's own profiler over whole frames of 12 megapixels, one thread. Beside each convolution stands how many
billion operations a second it reached (a multiplication and an addition count as two), beside the copies that stand
between the frame and the first of them what they cost: what is left to take, and what is the arithmetic's own.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from inspector.adapters.runtime_onnx import sums
from inspector.app.bench import frames, machine
from inspector.app.exits import speaking_plainly
from inspector.app.model_package import load_card
from inspector.twin.scenes import SceneSettings, render

SCHEMA = "inspector.operator-profile/1"
_FRAMES, _WARM = 20, 3
_MEGAPIXELS = 12
_KERNEL = "_kernel_time"
_KERNEL_RANK = 4
_SMALL_SHARE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operator of the optimised graph. ``ms``: median of the frames; ``gops``: 0 where it is no convolution."""

    name: str
    operator: str
    output: str
    ms: float
    gops: float


def steps(events: Sequence[Mapping[str, Any]], skip: int, shapes: Mapping[str, Sequence[int]]) -> list[Step]:
    """The operators in the order they ran in, from a profile's events; the first ``skip`` frames are left out.

    ``shapes``: the kernel of each convolution, by the node's name.
    """
    times: defaultdict[str, list[float]] = defaultdict(list)
    told: dict[str, Mapping[str, Any]] = {}
    for event in events:
        if event.get("cat") == "Node" and str(event["name"]).endswith(_KERNEL):
            name = str(event["name"]).removesuffix(_KERNEL)
            times[name].append(float(event["dur"]) / 1e3)
            told[name] = event["args"]
    found = []
    for name, spent in times.items():
        about = told[name]
        shape = _shape(about["output_type_shape"][0]) if about["output_type_shape"] else ()
        ms = float(np.median(spent[skip:]))
        work = _macs(about, shape, shapes.get(name, ())) * 2e-9
        found.append(
            Step(
                name=name,
                operator=str(about["op_name"]),
                output=" x ".join(map(str, shape)),
                ms=round(ms, 3),
                gops=round(work / (ms / 1e3), 1) if work and ms else 0.0,
            )
        )
    return found


def _shape(typed: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    """The shape of an entry such as ``{"uint8": [1, 16, 750, 1024]}``."""
    return tuple(int(side) for side in next(iter(typed.values())))


def _macs(about: Mapping[str, Any], output: Sequence[int], kernel: Sequence[int]) -> int:
    """Multiplications of a convolution: those of one output value times the values; 0 for other operators."""
    return int(np.prod(output)) * int(np.prod(kernel[1:])) if kernel and "Conv" in str(about["op_name"]) else 0


def kernels(graph: Path) -> dict[str, tuple[int, ...]]:
    """The kernel's shape of each node that has one, from the graph as onnxruntime optimised it."""
    model = onnx.load(graph).graph
    known = {one.name: tuple(one.dims) for one in model.initializer}
    found = {}
    for node in model.node:
        shapes = [known[name] for name in node.input if len(known.get(name, ())) == _KERNEL_RANK]
        if shapes:
            found[node.name] = shapes[0]
    return found


def profile(package: Path) -> dict[str, Any]:
    """Profile a package's graph; JSON-ready.

    Raises:
        ConfigError: the package is wrong.
    """
    card = load_card(package)
    width, height = frames.sides(_MEGAPIXELS)
    width, height = (side - side % 32 for side in (width, height))
    pixels = render(0, SceneSettings(width=width, height=height, defect_rate=0.0)).pixels
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    if sums.are_cut_off():  # as the line's own sessions
        options.add_session_config_entry("session.x64quantprecision", "1")
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        options.log_severity_level = 3
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(str(card.path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        for _ in range(_WARM + _FRAMES):
            session.run(None, {name: np.ascontiguousarray(pixels[None, None])})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        found = steps(events, _WARM, kernels(Path(options.optimized_model_filepath)))
    return {
        "schema": SCHEMA,
        "machine": machine.describe(),
        "name": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "width": width,
        "height": height,
        "frames": _FRAMES,
        "steps": [asdict(step) for step in found],
        "total_ms": round(sum(step.ms for step in found), 2),
    }


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """The operators as a table, with their share of the whole."""
    yield "| operator | output | ms | share | Gop/s |"
    yield "|---|---|---|---|---|"
    small = [step["ms"] for step in found["steps"] if step["ms"] < _SMALL_SHARE * found["total_ms"]]
    for step in found["steps"]:
        if step["ms"] < _SMALL_SHARE * found["total_ms"]:
            continue
        rate = f"{step['gops']:.0f}" if step["gops"] else ""
        share = step["ms"] / found["total_ms"]
        yield f"| {step['operator']} | {step['output']} | {step['ms']:.2f} | {share:.0%} | {rate} |"
    yield f"| {len(small)} others | | {sum(small):.2f} | {sum(small) / found['total_ms']:.0%} | |"
    yield f"| all | | {found['total_ms']:.1f} | | |"


def main() -> None:
    """Read the command line, profile, print."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.operator_profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, required=True, help="package")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with speaking_plainly():
        found = profile(asked.model)
    print(json.dumps(found, indent=1) if asked.json else "\n".join(table(found)))


if __name__ == "__main__":
    main()
