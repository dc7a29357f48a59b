"""What a training was asked to do, as it is kept beside its checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run was asked to do. Paths are kept as they were given.

    ``data``: folder of labelled pictures, "" none. ``labels``: the net's classes; empty: those that its pictures show.
    ``only_good``: learn from the good pictures alone (and what is painted on them). ``scenes``: share of the crops
    that come from rendered scenes. ``painted``: share of the sound crops that get a painted crack; ``pasted``: that
    get a defect of another picture. ``limit``: most labelled pictures used, 0 all. ``hold``: share of the parts
    that is kept aside to set the limits by. ``fold``: the side of ``sides`` that is not trained on. ``rename``:
    class of the data -> class of the net.
    """

    data: str
    tier: str
    labels: tuple[str, ...] = ()
    layout: str = ""
    splits: tuple[str, ...] = ("train",)
    sources: tuple[str, ...] = ()
    shippable: bool = False
    only_good: bool = False
    rename: Mapping[str, str] = field(default_factory=dict)
    sides: str = ""
    fold: str = ""
    limit: int = 0
    hold: float = 0.15
    scenes: float = 0.0
    bank: int = 240
    painted: float = 0.0
    pasted: float = 0.0
    init: str = ""
    teacher: str = ""
    seed: int = 1
    minutes: float = 10.0
    steps: int = 0
    crops: int = 8
    side: int = 256
    peak: float = 4e-3
    turned: bool = True
    hard: float = 0.25
    gain: float = 1.3
    shift: float = 25.0

    def words(self) -> str:
        """The command that asks for the same again."""
        default = Plan(data="", tier="")
        words = ["python -m tools.train", "--tier", self.tier]
        for name, value in asdict(self).items():
            if name in {"tier", "labels", "minutes"} or value == getattr(default, name):
                continue
            words += _option(name, value)
        return " ".join(words)


_FLAGS = {
    "splits": "--split",
    "sources": "--source",
    "sides": "--list",
    "turned": "--not-turned",
    "only_good": "--only-good",
}


def _option(name: str, value: Any) -> list[str]:
    flag = _FLAGS.get(name, f"--{name}")
    if isinstance(value, bool):
        return [flag]
    if isinstance(value, Mapping):
        return [word for old, new in value.items() for word in (flag, f"{old}={new}")]
    if isinstance(value, tuple):
        return [word for item in value for word in (flag, str(item))]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan as JSON."""
    path.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")


def load_plan(path: Path) -> Plan:
    """Read a plan back."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    tuples = {key: tuple(value) for key, value in raw.items() if isinstance(value, list)}
    return Plan(**{**raw, **tuples})
