"""stub"""
from pathlib import Path
from tools.training.material import Material
from tools.training.run import Run
from tools.weights import FILE, save_weights
def finish(run: Run, material: Material, out: Path, *, name: str) -> None:
    save_weights(run.smooth, run.plan.labels, out / FILE)
