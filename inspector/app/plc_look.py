"""One look at the bits and words of a running line, as a technician reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inspector.pipeline.force import FORCE_ALARM
from inspector.ports.wiring import Way, Wiring

_OF_THE_MODULE = frozenset({Way.INPUT, Way.OUTPUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the line said. ``words``: between station and PLC; ``module``: of the remote I/O, what is wired only.

    ``links``: of the PLC and of the module, each with "alive" and "reason"; none that is not there. ``forced``: the
    alarm's words; ``driven``: outputs that somebody forces, and their level.
    """

    words: Mapping[str, int]
    module: Mapping[str, int]
    links: Mapping[str, Mapping[str, Any]]
    forced: str
    driven: Mapping[str, bool]
    ready_after: Mapping[str, float]
    meanings: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """JSON-ready. ``link``: of the one who moves the ejector."""
        return {
            "link": dict(self.links.get("plc") or self.links.get("remote i/o") or {}),
            "links": {name: dict(link) for name, link in self.links.items()},
            "forced": self.forced,
            "driven": dict(self.driven),
            "ready_after": dict(self.ready_after),
            "words": dict(self.words),
            "io": dict(self.module),
        }

    def text(self, before: Mapping[str, int]) -> str:
        """For people; ``before``: what the last look showed."""
        heads = [
            f"{'' if name == 'plc' else f'{name} '}link {'alive' if link.get('alive') else 'DEAD: ' + link['reason']}"
            for name, link in self.links.items()
        ]
        head = "; ".join([*heads, *([self.forced] if self.forced else [])])
        lines = [self._line(name, value, before) for name, value in {**self.words, **self.module}.items()]
        return "\n".join([head, *lines])

    def _line(self, name: str, value: int, before: Mapping[str, int]) -> str:
        changed = "*" if before.get(name, value) != value else " "
        forced = "FORCED " if name in self.driven else ""
        return f"{changed} {name:40} {value:>6}  {forced}{self.meanings.get(name, '')}"


def seen_in(status: Mapping[str, Any], wiring: Wiring, *, only: str = "") -> Seen:
    """What a line's status says of these signals. ``only``: names that contain this."""
    meanings = {signal.name: signal.meaning for signal in wiring.signals}
    wired = {signal.name for signal in wiring.signals if signal.way in _OF_THE_MODULE}
    health, links = status.get("health", {}), {}
    if wiring.device:
        links["plc"] = health.get("plc", {"alive": False, "reason": "not known"})
    if wiring.module:
        own = status.get("links", {}).get("io") or health.get("plc", {})
        links["remote i/o"] = {"alive": bool(own.get("alive")), "reason": str(own.get("reason", "not known"))}
    return Seen(
        words={name: value for name, value in status.get("plc", {}).items() if only in name},
        module={name: value for name, value in status.get("io", {}).items() if name in wired and only in name},
        links=links,
        forced=str(health.get("alarms", {}).get(FORCE_ALARM, "")),
        driven={one["output"]: bool(one["high"]) for one in status.get("forced", {}).get("driven", ())},
        ready_after=status.get("ready_after", {}),
        meanings=meanings,
    )
