"""Train a surface net on labelled pictures: ``python -m tools.train --data DIR --out RUN --tier small --minutes 10``.

Goes on where it was stopped when the same command is given again. Ends with a model package in ``RUN/model``, the
float model beside it in ``RUN/float``, and ``RUN/report.html``: open that first.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inspector.domain.errors import ConfigError
from tools.data.reading import LAYOUTS
from tools.plan import TIERS
from tools.training import run as training
from tools.training.finish import finish
from tools.training.material import Material, gather
from tools.training.plan import Plan, load_plan, save_plan

_EX_CONFIG = 78
_PLAN = "plan.json"
_LINE_S = 30.0
"""Where no terminal is, a line as often."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = argparse.ArgumentParser(prog="python -m tools.train", description=__doc__)
    told.add_argument("--data", default="", help="labelled pictures, any layout of python -m tools.data; none: scenes")
    told.add_argument("--out", type=Path, required=True, help="run folder; an existing one is gone on with")
    told.add_argument("--tier", choices=list(TIERS), default="small", help="size of the net [default: small]")
    told.add_argument("--init", default="", help="start from this package's or run's weights (fine-tuning)")
    told.add_argument("--teacher", default="", help="learn from this package's confidences too (distillation)")
    told.add_argument(
        "--control", action="store_true", help="with --init: train without it too, and say what it gained"
    )
    told.add_argument("--minutes", type=float, default=10.0, help="how long to train [default: 10]")
    told.add_argument("--steps", type=int, default=0, help="exact number of steps instead of --minutes")
    told.add_argument("--seed", type=int, default=1)
    told.add_argument("--labels", default="", help="classes of the net, in channel order [default: those shown]")
    told.add_argument("--rename", action="append", default=[], metavar="DATA=NET", help="class names")
    told.add_argument("--layout", default="", choices=["", *LAYOUTS])
    told.add_argument("--split", action="append", default=[], help="which to train on [default: train]")
    told.add_argument("--source", action="append", default=[], help="only this source; may be given more than once")
    told.add_argument("--shippable", action="store_true", help="only pictures whose licence allows a sale")
    told.add_argument("--only-good", action="store_true", help="of the pictures only the good ones, for --painted")
    told.add_argument("--list", default="", help="CSV of python -m tools.data split, in the place of splits")
    told.add_argument("--fold", default="", help="with --list: the side that is not trained on")
    told.add_argument("--limit", type=int, default=0, help="use at most so many labelled pictures")
    told.add_argument("--hold", type=float, default=0.15, help="share of the parts kept aside to set the limits by")
    told.add_argument(
        "--scenes", type=float, default=-1.0, help="share of rendered scenes [default: all without --data]"
    )
    told.add_argument("--bank", type=int, default=240, help="scenes held in memory")
    told.add_argument("--painted", type=float, default=0.0, help="share of the sound crops that get a painted crack")
    told.add_argument("--pasted", type=float, default=0.0, help="share of the sound crops that get another's defect")
    told.add_argument("--crops", type=int, default=8, help="crops of a step")
    told.add_argument("--side", type=int, default=256, help="side of a crop, px, a multiple of 32")
    told.add_argument("--peak", type=float, default=4e-3, help="highest learning rate; 2e-3 suits --init")
    told.add_argument("--hard", type=float, default=0.25, help="share of crops at sound places taken for defects")
    told.add_argument("--gain", type=float, default=1.3, help="largest factor by which contrast is varied")
    told.add_argument("--shift", type=float, default=25.0, help="most grey levels by which brightness is varied")
    told.add_argument("--not-turned", action="store_true", help="parts always lie the same way: mirror, do not turn")
    told.add_argument("--name", default="", help="name of the package [default: the run folder's]")
    told.add_argument("--version", default="0.1.0", help="of the package")
    told.add_argument("--threads", type=int, default=1)
    return told


def plan_of(asked: argparse.Namespace) -> Plan:
    """What was asked for.

    Raises:
        ConfigError: it makes no sense.
    """
    scenes = asked.scenes if asked.scenes >= 0 else (0.0 if asked.data else 1.0)
    if asked.side % 32 or asked.side <= 0:
        raise ConfigError(f"--side {asked.side}: a multiple of 32 is right, e.g. 256")
    if not asked.data and scenes < 1.0:
        raise ConfigError(f"--scenes {asked.scenes}: without --data all crops come from scenes; 1 is right")
    if not 0.0 <= asked.hold < 1.0:
        raise ConfigError(f"--hold {asked.hold}: a share from 0 to below 1 is right, e.g. 0.15")
    pairs = [text.partition("=") for text in asked.rename]
    for text, (_, equals, net) in zip(asked.rename, pairs, strict=True):
        if not (equals and net):
            raise ConfigError(f"--rename {text!r}: DATA=NET would be right, e.g. dent=other")
    return Plan(
        data=asked.data, tier=asked.tier, layout=asked.layout,
        labels=tuple(asked.labels.split(",")) if asked.labels else (),
        splits=tuple(asked.split) or ("train",), sources=tuple(asked.source), shippable=asked.shippable,
        only_good=asked.only_good,
        rename={data: net for data, _, net in pairs}, sides=asked.list, fold=asked.fold, limit=asked.limit,
        hold=asked.hold, scenes=scenes, bank=asked.bank, painted=asked.painted, pasted=asked.pasted, init=asked.init,
        teacher=asked.teacher, seed=asked.seed, minutes=asked.minutes, steps=asked.steps, crops=asked.crops,
        side=asked.side, peak=asked.peak, turned=not asked.not_turned, hard=asked.hard, gain=asked.gain,
        shift=asked.shift,
    )  # fmt: skip


def kept_plan(plan: Plan, out: Path) -> Plan:
    """Note the plan in the run folder; a folder that was begun with another plan is refused.

    Raises:
        ConfigError: another plan is there.
    """
    path = out / _PLAN
    if path.exists():
        begun = load_plan(path)
        if replace(begun, minutes=plan.minutes) != plan:
            raise ConfigError(f"{out}: was begun by another command: {begun.words()}; another --out is right")
        return begun
    out.mkdir(parents=True, exist_ok=True)
    save_plan(path, plan)
    return plan


def teach(plan: Plan, material: Material, out: Path, *, title: str) -> training.Run:
    """Train with a bar that shows where it stands."""
    run = training.Run(plan, material)
    bar = Progress(
        TextColumn(title), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn(),
        refresh_per_second=2,
    )  # fmt: skip
    with bar:
        task = bar.add_task(title, total=plan.steps or None, told="measuring the pace")

        said = time.monotonic()

        def tell(now: training.Progress) -> None:
            nonlocal said
            told = f"step {now.step} of {now.steps}, loss {now.loss:.3f}, {now.left_s / 60:.1f} min left"
            bar.update(task, total=now.steps, completed=now.step, told=told)
            if not bar.console.is_terminal and time.monotonic() - said > _LINE_S:
                said = time.monotonic()
                print(f"{title}: {told}", flush=True)

        training.train(run, out, tell)
    return run


def _controls(run: training.Run, material: Material, asked: argparse.Namespace) -> list[tuple[str, Path]]:
    """Train the same without the teacher, or without the start: only beside it is a gain a gain."""
    plan, controls = run.plan, []
    if plan.teacher:
        controls.append(("the teacher", replace(plan, teacher="", steps=run.step)))
    if plan.init and asked.control:
        controls.append(("the start from other weights", replace(plan, init="", steps=run.step)))
    folders = []
    for number, (words, other) in enumerate(controls, start=1):
        folder = asked.out / f"control{number}"
        control = teach(kept_plan(other, folder), material, folder, title=f"without {words}")
        finish(control, material, folder, name=folder.name, version=asked.version)
        folders.append((words, folder))
    return folders


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train, export, report."""
    asked = parser().parse_args(arguments)
    torch.set_num_threads(asked.threads)
    cv2.setNumThreads(1)
    try:
        plan = kept_plan(plan_of(asked), asked.out)
        material = gather(plan)
        goods = sum(record.good for record in material.used)
        print(
            f"{len(material.used)} pictures to learn from ({goods} good), {len(material.held)} held back, "
            f"{len(material.troubles)} set aside"
        )
        run = teach(plan, material, asked.out, title=asked.out.name)
        name = asked.name or asked.out.name
        finish(run, material, asked.out, name=name, version=asked.version, without=_controls(run, material, asked))
    except ConfigError as error:
        print(f"tools.train: {error}", file=sys.stderr)
        raise SystemExit(_EX_CONFIG) from error
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from {asked.out / training.CHECKPOINT}", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
