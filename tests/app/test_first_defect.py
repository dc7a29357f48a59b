"""Once a model is warm nothing more is loaded: an import holds every thread, also the one that listens to the PLC."""

import subprocess
import sys

LOOKS = """
import sys
import numpy as np
from inspector.app.model_package import load_card
from inspector.app.open_model import onnx_runtime, open_model
from inspector.app.share import share_dir
from inspector.domain.frame import PixelFormat
from inspector.ports.plugin import Context

frame = np.random.default_rng(1).normal(128, 4, (768, 1024)).clip(0, 255).astype(np.uint8)
frame[300:304, 200:500] = 40
frame[500:530, 700:730] = 60
card = load_card(share_dir() / "models" / "surface-small")
context = Context(station="s", data_dir="", run_dir="")
with open_model(card, runtime=onnx_runtime(card, {"threads": 1}), context=context) as detector:
    detector.warm_up(*frame.shape)
    loaded = []
    sys.addaudithook(lambda event, about: event == "import" and loaded.append(about[0]))
    seen = detector.detect(frame, PixelFormat.MONO8)
assert seen.detections, "nothing was measured"
print(*loaded)
"""


def test_the_first_defect_loads_nothing() -> None:
    looked = subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, text=True, check=False)
    assert (looked.returncode, looked.stdout.strip()) == (0, ""), looked.stderr
