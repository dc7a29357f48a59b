"""The state of one training: steps, the averaged net, checkpoints that a kill leaves whole."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inspector.domain.errors import ConfigError
from tools.net import SurfaceNet
from tools.plan import TIERS
from tools.training.loss import distillation_loss, segmentation_loss
from tools.training.material import Material
from tools.training.mining import hard_places
from tools.training.plan import Plan
from tools.training.sampler import Look, Pool, draw_batch
from tools.training.scenebank import SceneBank
from tools.weights import load_weights, start_from

CHECKPOINT = "checkpoint.pt"
_EMA, _DECAY, _CLIP = 0.998, 1e-2, 5.0
_WARM_UP, _RENEW_EVERY, _MINE_FROM = 0.1, 4, 0.08
_PROBE_STEPS, _SAVE_S = 30, 30.0
_MINED_SHARE = 0.25
"""Megapixels mined for each one trained on: every picture is looked through again as training goes on."""
_SCENE_CLASSES = {1: 0.25, 2: 0.4, 3: 0.15, 4: 0.15, 5: 0.05}
"""Dark scratches are the rarer ones in scenes, and are told from cracks by their course alone: they need more looks."""
_TAUGHT = 0.5
"""Weight of what the teacher says, against what the labels say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training stands. ``left_s``: seconds to its end, at the pace so far."""

    step: int
    steps: int
    loss: float
    left_s: float


class Run:
    """The state of one training, saved and restored as a whole."""

    def __init__(self, plan: Plan, material: Material) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.rng = np.random.default_rng(plan.seed)
        self.labels = material.labels
        self.net = SurfaceNet(TIERS[plan.tier], len(self.labels))
        self.taken = start_from(self.net, self.labels, Path(plan.init)) if plan.init else ""
        self.net.to(memory_format=torch.channels_last)
        self.smooth = copy.deepcopy(self.net).eval()
        self.teacher = self._taught_by(Path(plan.teacher)) if plan.teacher else None
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=plan.peak, weight_decay=_DECAY)
        self.step = 0
        self.losses: list[tuple[int, float]] = []
        self.pools = list(material.pools)
        self.bank: SceneBank | None = None
        self._mined = 0
        self._debt = 0.0
        gain = max(plan.gain, 1.0)
        self.look = Look(
            hard_share=plan.hard,
            defect_share=0.6 if plan.scenes < 0.5 else 0.4,  # noqa: PLR2004 - mostly scenes, or mostly pictures
            turned=plan.turned,
            gain=(1.0 / gain, gain),
            shift=plan.shift,
        )
        for pool in self.pools:
            pool.index()

    def _taught_by(self, path: Path) -> SurfaceNet:
        """Load the teacher.

        Raises:
            ConfigError: it answers for other classes.
        """
        teacher, labels = load_weights(path)
        if labels != self.labels:
            raise ConfigError(
                f"--teacher {path}: its classes are {', '.join(labels)}, this net's {', '.join(self.labels)}; "
                "--labels with the teacher's is right"
            )
        return teacher

    def rate(self, steps: int) -> float:
        """Return the learning rate of this step: one cycle, linear up, cosine down (Smith and Topin 2018)."""
        done = self.step / steps
        if done < _WARM_UP:
            return self.plan.peak * (0.04 + 0.96 * done / _WARM_UP)
        fall = (done - _WARM_UP) / (1.0 - _WARM_UP)
        return float(self.plan.peak * max(0.5 * (1.0 + np.cos(np.pi * min(fall, 1.0))), 1e-3))

    def learn(self, steps: int) -> float:
        """Take one step; return its loss."""
        if self.plan.scenes and self.bank is None:
            self.fill_bank(0)
        mining = self.step > _MINE_FROM * steps
        if self.bank is not None and self.step % _RENEW_EVERY == 0:
            self._renew(mining=mining)
        if mining:
            self._mine_pictures()
        plan = self.plan
        batch = draw_batch(self.rng, self.pools, self.look, count=plan.crops, side=plan.side, classes=len(self.labels))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(steps)
        self.net.train()
        images = torch.from_numpy(batch.images).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(images).float()
        loss = segmentation_loss(logits, torch.from_numpy(batch.targets))
        if self.teacher is not None:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                taught = self.teacher(images).float()
            loss = (1.0 - _TAUGHT) * loss + _TAUGHT * distillation_loss(logits, taught)
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
        pool = Pool(pictures=self.bank.pictures, share=self.plan.scenes, classes=_SCENE_CLASSES)
        pool.index()
        self.pools.append(pool)
        return self.bank

    def _renew(self, *, mining: bool) -> None:
        """Put a new scene into the bank; look it through for hard places."""
        bank = self.bank or self.fill_bank(0)
        fresh = bank.renew()
        if mining:
            fresh.hard = hard_places(self.smooth, fresh)
        self.pools[-1].index()

    def _mine_pictures(self) -> None:
        """Look through the next pictures, as many pixels as the share allows."""
        own = [source for pool in self.pools[: len(self.pools) - (self.bank is not None)] for source in pool.pictures]
        if not own:
            return
        self._debt += _MINED_SHARE * self.plan.crops * self.plan.side**2
        while self._debt > 0:
            source = own[self._mined % len(own)]
            source.hard = hard_places(self.smooth, source)
            self._debt -= source.pixels.size
            self._mined += 1

    def save(self, path: Path, steps: int) -> None:
        """Write everything that is needed to go on; by rename, so that a kill leaves the old one."""
        pools = [[source.hard for source in pool.pictures] for pool in self.pools]
        state = {
            "net": self.net.state_dict(),
            "ema": self.smooth.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "steps": steps,
            "losses": self.losses,
            "made": self.bank.made if self.bank else 0,
            "hard": pools,
            "mined": (self._mined, self._debt),
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
        self.losses = list(state["losses"])
        self._mined, self._debt = state["mined"]
        self.rng.bit_generator.state = state["rng"]
        if state["made"]:
            self.fill_bank(int(state["made"]))
        for pool, kept in zip(self.pools, state["hard"], strict=True):
            for source, hard in zip(pool.pictures, kept, strict=True):
                source.hard = hard
        return int(state["steps"])


def train(run: Run, out: Path, tell: Callable[[Progress], None]) -> int:
    """Train to the end of the plan, going on from the checkpoint in ``out``; return the number of steps taken."""
    checkpoint = out / CHECKPOINT
    steps = run.plan.steps
    if checkpoint.exists():
        steps = run.restore(checkpoint)
    began, first, mean_loss = time.monotonic(), run.step, 0.0
    saved = began
    while not steps or run.step < steps:
        loss = run.learn(steps or 10_000)
        mean_loss = loss if run.step == first + 1 else 0.98 * mean_loss + 0.02 * loss
        now = time.monotonic()
        if not steps and run.step == _PROBE_STEPS:
            steps = max(int(run.plan.minutes * 60 / ((now - began) / _PROBE_STEPS)), 2 * _PROBE_STEPS)
        if run.step % 10 == 0 and steps:
            run.losses.append((run.step, mean_loss))
            left = (now - began) / (run.step - first) * (steps - run.step)
            tell(Progress(step=run.step, steps=steps, loss=mean_loss, left_s=left))
        if now - saved > _SAVE_S:
            run.save(checkpoint, steps)
            saved = now
    run.save(checkpoint, steps)
    return steps
