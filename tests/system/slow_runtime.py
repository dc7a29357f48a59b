"""A runtime whose inference can be delayed from outside: an ordinary plug-in, found by its entry point."""

import os
from pathlib import Path

_MODULE = '''
"""The onnx runtime, which sleeps before one inference when a file says for how long."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

from inspector.adapters.runtime_onnx import PLUGIN as ONNX
from inspector.ports.plugin import Plugin

ORDER = Path(os.environ["INSPECTOR_TEST_DELAY"])


class Slow:
    def __init__(self, runtime):
        self._runtime = runtime

    def __getattr__(self, name):
        return getattr(self._runtime, name)

    def run(self, tensor):
        try:
            seconds = float(ORDER.read_text())
            ORDER.unlink()
        except (FileNotFoundError, ValueError):
            seconds = 0.0
        time.sleep(seconds)
        return self._runtime.run(tensor)


@contextmanager
def open_slow(settings, context, card):
    with ONNX.open(settings, context, card) as runtime:
        yield Slow(runtime)


PLUGIN = Plugin(settings_model=ONNX.settings_model, open=open_slow, vendor=ONNX.vendor)
'''


def install(folder: Path) -> dict[str, str]:
    """Put the plug-in into ``folder``; gives the environment in which it is found as runtime kind "slow"."""
    info = folder / "slow_runtime-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "slow_runtime.py").write_text(_MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-runtime\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[inspector.runtime]\nslow = slow_runtime:PLUGIN\n")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONPATH": path, "INSPECTOR_TEST_DELAY": str(folder / "delay")}
