"""Makes what the line says of its signals and links into what a screen shows of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inspector.ports.liveness import Life
from inspector.ports.wiring import Signal, Way, Wiring
from inspector.web.feed import Now
from inspector.web.words import Words

_HIGH, _LOW = "_high", "_low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """One bit. ``on``: None where the line says nothing of it. ``forced``: a technician drives it."""

    signal: Signal
    on: bool | None
    forced: bool

    @property
    def short(self) -> str:
        """Its name without that of its block."""
        return self.signal.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One value: a word, the two halves of a number, or the words of a text. ``value``: "" where nothing is known."""

    name: str
    place: str
    meaning: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What goes one way. ``old``: its link is lost, and the values are as they were read last."""

    way: Way
    old: bool
    bits: tuple[Bit, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkShown:
    """One link. ``up``: None where nobody knows: who should say so does not answer. ``lag``: records not delivered."""

    name: str
    device: str
    up: bool | None
    reason: str
    since: datetime | None
    lag: int | None = None


def groups(wiring: Wiring, status: Mapping[str, Any]) -> tuple[Group, ...]:
    """All signals of a station, as the line last said them."""
    driven = {one["output"] for one in status.get("forced", {}).get("driven", ())}
    found = []
    for way in Way:
        signals = [signal for signal in wiring.signals if signal.way is way]
        told: Mapping[str, int] = status.get("io" if way in {Way.INPUT, Way.OUTPUT} else "plc", {})
        bits = tuple(
            Bit(
                signal=signal,
                on=bool(told[signal.name]) if signal.name in told else None,
                forced=signal.name in driven,
            )
            for signal in signals
            if signal.kind == "bit"
        )
        if signals:
            found.append(Group(way=way, old=_lost(way, status), bits=bits, words=tuple(_words(signals, told))))
    return tuple(found)


def _lost(way: Way, status: Mapping[str, Any]) -> bool:
    """Whether nobody says these any more; what we say ourselves is known all the same."""
    links = status.get("links", {})
    if way is Way.TO_PLC:
        return False
    name = "io" if way is not Way.FROM_PLC and "io" in links else "gate"
    return not links.get(name, {}).get("alive", True)


def _words(signals: list[Signal], told: Mapping[str, int]) -> Iterable[Word]:
    """The words that are no bits; halves and letters are put together."""
    split = {signal.place.rpartition(".")[0] for signal in signals if signal.kind == "bit"}
    texts: dict[str, list[Signal]] = {}
    for signal in signals:
        if signal.kind == "text":
            texts.setdefault(signal.name.rpartition("_")[0], []).append(signal)
        elif signal.kind == "word" and signal.place not in split and not signal.name.endswith(_LOW):
            yield _number(signal, told)
    for name, letters in texts.items():
        known = [told[letter.name] for letter in letters if letter.name in told]
        value = b"".join(word.to_bytes(2, "big") for word in known).rstrip(b"\0").decode("ascii", "replace")
        yield Word(name=name, place=letters[0].place, meaning=letters[0].meaning.partition(",")[0], value=value)


def _number(signal: Signal, told: Mapping[str, int]) -> Word:
    if signal.name.endswith(_HIGH):
        name, meaning = signal.name.removesuffix(_HIGH), signal.meaning.partition(";")[0]
        high, low = told.get(signal.name), told.get(name + _LOW)
        value = None if high is None or low is None else high << 16 | low
    else:
        name, meaning, value = signal.name, signal.meaning, told.get(signal.name)
    return Word(name=name, place=signal.place, meaning=meaning, value="" if value is None else str(value))


def links(wiring: Wiring, now: Now, words: Words) -> tuple[LinkShown, ...]:
    """Every link of the station. What a dead process said last is not known any more."""
    _ = words.gettext
    alive, told = now.liveness.life is Life.ALIVE, now.liveness.status.get("links", {})
    names = {
        "gate": _("PLC") if wiring.role in {"client", "server"} else _("Remote I/O"),
        "io": _("Remote I/O"),
        "camera": _("Camera"),
    }
    devices = {"gate": wiring.device or wiring.module, "io": wiring.module}
    wanted = ["gate", *(["io"] if wiring.module and wiring.device else []), "camera"]
    dead = _("The line is not responding.")
    found = [
        _link(names[name], told.get(name, {}), alive=alive, why=dead, device=devices.get(name, "")) for name in wanted
    ]
    follows = now.follower.life is Life.ALIVE
    sinks = now.follower.status.get("sinks", {})
    away = _("The publisher (inspector follow) is not responding: nothing is published.")
    found += [_link(name, sinks.get(name, {}), alive=follows, why=away, device="") for name in wiring.sinks]
    return tuple(found)


def _link(name: str, told: Mapping[str, Any], *, alive: bool, why: str, device: str) -> LinkShown:
    device = device or str(told.get("device", ""))
    if not alive or not told:
        return LinkShown(name=name, device=device, up=None, reason=why if not alive else "", since=None)
    return LinkShown(
        name=name,
        device=device,
        up=bool(told.get("alive")),
        reason=str(told.get("reason", "")),
        since=datetime.fromisoformat(str(told["since_utc"])) if "since_utc" in told else None,
        lag=told.get("lag"),
    )
