"""An emulated processor with AVX2 and no VNNI cuts sums off; both runtimes compute the map of the file all the same."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.adapters.runtime_onnx import sums
from inspector.app.bench.machine import has_vnni
from inspector.ports.card_check import MOST_STEPS

_TOLD = """
import json, sys
from pathlib import Path
import numpy as np
import onnxruntime as ort
from inspector.adapters.runtime_onnx import sums
from inspector.adapters.runtime_onnx.graph import plain
from inspector.app import plugins
from inspector.app.model_package import load_card
from inspector.ports.card_check import noise
from inspector.ports.plugin import Context

kind, folder = sys.argv[1:]
card = load_card(Path(folder))
shown = noise(card)
(meant,) = plain(card.path).run(None, {card.input.name: shown})
def apart(answer):
    return int(np.abs(answer.astype(int) - meant.astype(int)).max())
(usual,) = ort.InferenceSession(card.path, providers=["CPUExecutionProvider"]).run(None, {card.input.name: shown})
plugin = plugins.find("runtime", kind, where="test", key="kind")
context = Context(station="s", data_dir="", run_dir="")
with plugin.open(plugin.settings_model(threads=1), context, card) as runtime:
    (ours,) = runtime.run(shown)
    said = runtime.description
print(json.dumps({"cut": sums.are_cut_off(), "usual": apart(usual), "ours": apart(ours), "said": said}))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="what ARM processors do is not known here")
def test_this_processors_sums_are_cut_off_exactly_where_it_has_no_vnni() -> None:
    """Else a processor with VNNI takes the exact and slower way for nothing."""
    assert sums.are_cut_off() is not has_vnni()


@pytest.mark.peer("qemu-user")
@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_a_processor_that_cuts_sums_off_is_found_out_and_the_map_is_the_files(repo: Path, kind: str) -> None:
    done = subprocess.run(
        ["qemu-x86_64", "-cpu", "Haswell", sys.executable, "-c", _TOLD, kind, str(repo / "models" / "surface-nano")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["cut"] is True
    assert told["usual"] > 3 * MOST_STEPS, "what onnxruntime does by itself there"
    assert told["ours"] <= MOST_STEPS
    assert ("in float" in told["said"]) == (kind == "openvino")
