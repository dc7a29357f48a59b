"""What the operators' station is handed: every port it uses, and how this site wants it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from inspector.domain.geometry import Scale
from inspector.domain.inspection import Inspection
from inspector.domain.recipe import Recipe
from inspector.domain.shifts import ShiftPlan
from inspector.ports.accounts import AccountDesk, Accounts, Failures, Secrets, Sessions
from inspector.ports.activations import ActivationBook
from inspector.ports.alarms import AlarmDesk
from inspector.ports.archive import PartArchive
from inspector.ports.audit import AuditTrail
from inspector.ports.evidence import Pictures
from inspector.ports.figures import Figures, Lots
from inspector.ports.history import History, Names, PartSearch
from inspector.ports.journal import Reader
from inspector.ports.labels import LabelDesk
from inspector.ports.live_picture import LivePicture
from inspector.ports.liveness import LineWatch
from inspector.ports.packages import ModelBench, ModelShelf
from inspector.ports.requests import RequestDesk
from inspector.ports.review import ReviewDesk, ReviewQueue
from inspector.ports.revisions import RevisionShelf
from inspector.ports.wiring import Wiring

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How this site wants its station.

    ``language``: BCP-47, where neither the account nor the browser says. ``words``: the lamp's word by outcome name
    ("pass", "fail", "undecided"); an outcome that is not in it is said in the page's language. ``shifts``: hours
    and time zone. ``px_per_mm``: pitch of the panel. ``reasons``: reason codes by opinion ("agree", "disagree",
    "unsure"). ``open_live``: Live is seen without an account (never its pictures). ``origins``: addresses that
    browsers use, "https://host:port"; the one they ask by the name of is always one. ``secure``: only by TLS.
    ``golden``: folder of golden images, named after recipes. ``hosts``: names by which browsers may ask for it, lower
    case, "*.plant" for any of one more part; by an address they always may. ``hsts_days``: for so long a browser that
    came by TLS asks by nothing else; 0: nothing is said of it.
    """

    language: str
    words: Mapping[str, str]
    shifts: ShiftPlan
    px_per_mm: float
    reasons: Mapping[str, tuple[str, ...]]
    open_live: bool
    origins: tuple[str, ...]
    secure: bool
    golden: Path
    hosts: frozenset[str]
    hsts_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Everything the pages are made of.

    ``follower``: how the sinks are, as its status file says. ``wiring``: what is wired to the plant.
    ``staff``: the desk where the person of this name changes accounts.
    ``inspect``: judges a picture file once, without part, gate and journal.
    ``slots``: the recipes' names in the settings, the default one first. ``read_recipe``: a recipe's text, fitted to
    this station; raises ConfigError. ``recipe_file``: the text of a slot's file; None where it cannot be read.
    ``live``: what the camera shows. ``measure``: the scale on a PNG of a board; raises ConfigError, FrameError.
    ``table``: parts as "csv" or "xlsx", a file for the caller to close; None while another one is being made.
    ``labels``: reviewed pictures with their labels.
    ``record``: an Inspection as it is published, JSON-ready. ``now``: UTC.
    """

    name: str
    software: str
    site: Site
    accounts: Accounts
    staff: Callable[[str], AccountDesk]
    sessions: Sessions
    failures: Failures
    secrets: Secrets
    book: Reader
    queue: ReviewQueue
    desk: ReviewDesk
    history: History
    names: Names
    figures: Figures
    lots: Lots
    alarms: AlarmDesk
    audit: AuditTrail
    shelf: RevisionShelf
    archive: PartArchive
    activations: ActivationBook
    slots: tuple[str, ...]
    models: ModelShelf
    bench: ModelBench
    scale: Scale | None
    read_recipe: Callable[[str], Recipe]
    recipe_file: Callable[[str], str | None]
    pictures: Pictures
    line: LineWatch
    follower: LineWatch
    live: LivePicture
    wiring: Wiring
    requests: RequestDesk
    table: Callable[[str, PartSearch], BinaryIO | None]
    labels: LabelDesk
    inspect: Callable[[Path], Json]
    measure: Callable[[bytes, str], Json]
    record: Callable[[Inspection], Json]
    now: Callable[[], datetime]
