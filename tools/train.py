"""Train the surface net: ``python -m tools.train --data REAL --out RUN --minutes 15 --seed 1``.

Resumable: the same command goes on from the last checkpoint of ``--out``. The number of steps is settled from
the speed of the first ones and kept in ``run.json``; ``--steps`` settles it beforehand.
"""

import argparse
import copy
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from tools.loss import segmentation_loss
from tools.mining import hard_places
from tools.net import SurfaceNet
from tools.realdata import shippable_pictures
from tools.sampler import draw_batch
from tools.scenebank import Picture, SceneBank

_EMA, _DECAY, _CLIP = 0.998, 1e-2, 5.0
_WARM_UP, _RENEW_EVERY, _MINE_FROM = 0.1, 4, 0.08
_PROBE_STEPS, _SAVE_EVERY = 30, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run was asked to do; kept in ``run.json``."""

    seed: int
    minutes: float
    steps: int
    crops: int
    side: int
    bank: int
    real_share: float
    init: str
    peak: float = 4e-3


class Run:
    """The state of one training, saved and restored as a whole."""

    def __init__(self, plan: Plan, data: Path | None) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.rng = np.random.default_rng(plan.seed)
        self.net = SurfaceNet().to(memory_format=torch.channels_last)
        if plan.init:
            self.net.load_state_dict(torch.load(plan.init, weights_only=False)["ema"])
        self.smooth = copy.deepcopy(self.net).eval()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=plan.peak, weight_decay=_DECAY)
        self.step = 0
        self.real: list[Picture] = []
        if data is not None:
            self.real = shippable_pictures(data, "train", np.random.default_rng(plan.seed))
        self.bank: SceneBank | None = None

    def rate(self, steps: int) -> float:
        """Return the learning rate of this step: one cycle, linear up, cosine down."""
        done = self.step / steps
        if done < _WARM_UP:
            return self.plan.peak * (0.04 + 0.96 * done / _WARM_UP)
        fall = (done - _WARM_UP) / (1.0 - _WARM_UP)
        return float(self.plan.peak * max(0.5 * (1.0 + np.cos(np.pi * min(fall, 1.0))), 1e-3))

    def learn(self, steps: int) -> float:
        """Take one step; return its loss."""
        bank = self.bank or self.fill_bank(0)
        if self.step % _RENEW_EVERY == 0:
            fresh = bank.renew()
            if self.step > _MINE_FROM * steps:
                fresh.hard = hard_places(self.smooth, fresh)
        plan = self.plan
        batch = draw_batch(
            self.rng, bank.pictures, self.real, count=plan.crops, side=plan.side, real_share=plan.real_share
        )
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(steps)
        self.net.train()
        images = torch.from_numpy(batch.images).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(images)
        loss = segmentation_loss(logits.float(), torch.from_numpy(batch.targets))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _CLIP)
        self.optimiser.step()
        self.step += 1
        self._smooth()
        return float(loss.detach())

    def _smooth(self) -> None:
        """Move the averaged net towards the trained one."""
        keep = min(_EMA, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, now in zip(self.smooth.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(now, 1.0 - keep)
                else:
                    mean.copy_(now)

    def fill_bank(self, made: int) -> SceneBank:
        """Render the bank of scenes."""
        self.bank = SceneBank(size=self.plan.bank, seed=self.plan.seed, made=made)
        return self.bank

    def save(self, path: Path, steps: int) -> None:
        """Write everything that is needed to go on; by rename, so that a kill leaves the old one."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.smooth.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "steps": steps,
            "made": self.bank.made if self.bank else 0,
            "hard": [picture.hard for picture in self.bank.pictures] if self.bank else [],
            "rng": self.rng.bit_generator.state,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def restore(self, path: Path) -> int:
        """Go on from a checkpoint; return the settled number of steps."""
        state: dict[str, Any] = torch.load(path, weights_only=False)
        self.net.load_state_dict(state["net"])
        self.smooth.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
        self.rng.bit_generator.state = state["rng"]
        bank = self.fill_bank(int(state["made"]))
        for picture, hard in zip(bank.pictures, state["hard"], strict=True):
            picture.hard = hard
        return int(state["steps"])


def train(run: Run, out: Path) -> int:
    """Train to the end of the plan; return the number of steps taken."""
    checkpoint = out / "checkpoint.pt"
    steps = run.plan.steps
    if checkpoint.exists():
        steps = run.restore(checkpoint)
        print(f"going on from step {run.step} of {steps}")
    elif run.bank is None:
        run.fill_bank(0)
    began, first, mean_loss = time.monotonic(), run.step, 0.0
    while not steps or run.step < steps:
        loss = run.learn(steps or 10_000)
        mean_loss = loss if run.step == first + 1 else 0.98 * mean_loss + 0.02 * loss
        if not steps and run.step == _PROBE_STEPS:
            pace = (time.monotonic() - began) / _PROBE_STEPS
            steps = max(int(run.plan.minutes * 60 / pace), 2 * _PROBE_STEPS)
            print(f"{pace * 1e3:.0f} ms a step: {steps} steps", flush=True)
        if run.step % 100 == 0:
            left = (time.monotonic() - began) / (run.step - first) * (steps - run.step) / 60
            print(f"step {run.step}/{steps} loss {mean_loss:.4f}, {left:.1f} min left", flush=True)
        if run.step % _SAVE_EVERY == 0:
            run.save(checkpoint, steps)
    run.save(checkpoint, steps)
    return steps


def commands(plan: Plan, steps: int, out: Path) -> list[str]:
    """Return the commands that lead to these weights: those of the run started from, then this one."""
    before: list[str] = []
    start = ""
    if plan.init:
        parent = Path(plan.init).parent
        before = json.loads((parent / "run.json").read_text(encoding="utf-8"))["commands"]
        start = f" --init {parent.name}/checkpoint.pt"
    own = (
        f"python -m tools.train --data REAL --out {out.name} --steps {steps} --seed {plan.seed} --crops {plan.crops} "
        f"--side {plan.side} --bank {plan.bank} --real-share {plan.real_share} --peak {plan.peak}{start}"
    )
    return [*before, own]


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m tools.train", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real pictures with manifest.csv; none: scenes only")
    parser.add_argument("--out", type=Path, required=True, help="run folder; an existing one is gone on with")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--steps", type=int, default=0, help="exact number of steps instead of --minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crops", type=int, default=8, help="crops of a step")
    parser.add_argument("--side", type=int, default=320, help="side of a crop, px, a multiple of 32")
    parser.add_argument("--bank", type=int, default=400, help="scenes held in memory")
    parser.add_argument("--real-share", type=float, default=0.12)
    parser.add_argument("--init", default="", help="checkpoint whose weights to start from")
    parser.add_argument("--peak", type=float, default=4e-3, help="highest learning rate; 2e-3 suits --init")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        seed=asked.seed, minutes=asked.minutes, steps=asked.steps, crops=asked.crops, side=asked.side,
        bank=asked.bank, real_share=asked.real_share, init=asked.init, peak=asked.peak,
    )  # fmt: skip
    run = Run(plan, asked.data)
    print(f"{len(run.real)} real pictures", flush=True)
    began = time.monotonic()
    steps = train(run, asked.out)
    record = {
        "commands": commands(plan, steps, asked.out),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "scenes": run.bank.made if run.bank else 0,
        "real_pictures": len(run.real),
    }
    (asked.out / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
