"""Reads the model packages of this PC for people: card, signature, and what was measured here."""

import threading
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from inspector.app.model_package import load_to_sign
from inspector.app.model_signature import TrustedKeys, require_trusted, signature_of
from inspector.app.runtime_choice import choice
from inspector.app.runtime_choice.choice import Remembered
from inspector.domain.errors import ConfigError
from inspector.ports.model import ModelCard
from inspector.ports.packages import Benched, PaceTable, Package, RuntimePace, Signature

_STORY_FILE = "MODEL_CARD.md"
_LONGEST_STORY = 100_000

State = tuple[tuple[str, int, int, int, int], ...]
"""Name, inode, size, and times of change of every file of a package: other content has another state."""


class ModelFolder:
    """Fulfils ``ModelShelf``. One package is read at a time: reading is hashing, and the line needs the processor.

    Args:
        folder: of packages.
        trusted: keys whose signature is asked for.
        chosen: what lines measured when they chose a runtime.
        benched: what was measured on demand.
    """

    def __init__(
        self,
        folder: Path,
        *,
        trusted: TrustedKeys,
        chosen: Callable[[], Sequence[Remembered]],
        benched: Callable[[], Benched],
    ) -> None:
        self._folder = folder
        self._trusted = trusted
        self._chosen = chosen
        self._benched = benched
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[State, Package]] = {}

    def packages(self) -> Sequence[Package]:
        """Every folder with a card, by name. See ``ModelShelf``."""
        folders = sorted(card.parent for card in self._folder.glob("*/card.toml") if card.parent.name[0] != ".")
        remembered, benched = self._chosen(), self._benched()
        with self._lock:
            self._read = {folder: self._again(folder) for folder in folders}
            return [_measured(package, remembered, benched) for _, package in self._read.values()]

    def named_in(self, recipe: str) -> str:
        """The package that a recipe's text names. See ``ModelShelf``."""
        try:
            named = tomllib.loads(recipe).get("model", "")
        except tomllib.TOMLDecodeError:
            return ""
        return named if isinstance(named, str) else ""

    def _again(self, folder: Path) -> tuple[State, Package]:
        state = _state(folder)
        known = self._read.get(folder)
        return known if known is not None and known[0] == state else (state, _package(folder, state, self._trusted))


def _state(folder: Path) -> State:
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            about = path.lstat()
        except OSError:  # gone this very moment: the next look has another state
            continue
        found.append((str(path), about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))
    return tuple(found)


def _package(folder: Path, state: State, trusted: TrustedKeys) -> Package:
    card, trouble = _card(folder)
    package = Package(
        name=folder.name,
        card=card,
        trouble=trouble or _unfit(folder, card, trusted),
        signature=Signature.UNSIGNED,
        signed_by="",
        signed_utc="",
        trusted=False if trusted.keys else None,
        size_bytes=sum(size for _, _, size, _, _ in state),
        story=_story(folder),
        chosen=(),
        benched=None,
    )
    try:
        found = signature_of(folder)
    except ConfigError as error:
        return replace(package, signature=Signature.BROKEN, trouble=trouble or str(error))
    if found is not None:
        package = replace(
            package,
            signature=Signature.SIGNED,
            signed_by=found.key,
            signed_utc=found.signed_utc,
            trusted=found.public in trusted.keys.values() if trusted.keys else None,
        )
    try:
        require_trusted(folder, found, trusted)
    except ConfigError as error:
        return replace(package, trouble=trouble or str(error))
    return package


def _card(folder: Path) -> tuple[ModelCard | None, str]:
    """The card, whatever is wrong with the signature; or what is wrong with the card."""
    try:
        card, _signature = load_to_sign(folder)
    except ConfigError as error:
        return None, str(error)
    return card, ""


def _unfit(folder: Path, card: ModelCard | None, trusted: TrustedKeys) -> str:
    """What keeps a line from running a package that is whole."""
    if card is not None and not card.released:
        return f"it is a candidate; once its figures are good: inspector model release {folder.name}"
    if card is not None and trusted.keys and card.name != folder.name:
        return f"what was signed in {folder.name} is model {card.name!r}"
    return ""


def _story(folder: Path) -> str:
    try:
        with (folder / _STORY_FILE).open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_STORY)
    except OSError:
        return ""


def _measured(package: Package, remembered: Sequence[Remembered], benched: Benched) -> Package:
    if package.card is None:
        return package
    sha256 = package.card.sha256
    newest_first = sorted(remembered, key=lambda entry: entry.measured_utc, reverse=True)
    return replace(
        package,
        chosen=tuple(_table(entry) for entry in newest_first if entry.of.get("model") == sha256),
        benched=benched.get(sha256),
    )


def _table(entry: Remembered) -> PaceTable:
    kind = choice.chosen(entry)
    return PaceTable(
        measured_utc=entry.measured_utc,
        frame=entry.of.get("frame", ""),
        paces=tuple(
            RuntimePace(
                kind=one.kind,
                runtime=one.description,
                median_ms=one.median_ms if not one.trouble else None,
                chosen=one.kind == kind,
                trouble=one.trouble,
            )
            for one in entry.trials
        ),
    )
