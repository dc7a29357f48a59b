"""Faults that the simulated line commits on purpose, as they are named on the command line. Pure: no clock."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

GRAMMAR = "KIND[@PART|@SECONDSs][:ARG], e.g. trigger-lost@12, belt-stop@3.5s:2"
_FORM = re.compile(
    r"(?P<kind>[a-z-]+)(?:@(?:(?P<seconds>\d+(?:\.\d+)?)s|(?P<part>\d+)))?(?::(?P<arg>-?\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault. ``arg``: what the number behind the colon is, "" for none; ``default``: without it."""

    meaning: str
    arg: str = ""
    default: float = 0.0
    of_a_part: bool = True


KINDS: Final[Mapping[str, Kind]] = {
    # --- light gate and triggers
    "trigger-lost": Kind(meaning="the part is not counted; the camera takes its picture"),
    "trigger-doubled": Kind(meaning="the part is counted twice, pictured once", arg="ms between", default=30.0),
    "trigger-bounced": Kind(meaning="the part is counted and pictured twice", arg="ms between", default=5.0),
    "trigger-false": Kind(meaning="half a pitch after the part an empty place is counted and pictured"),
    "gate-blind": Kind(meaning="the light gate does not see the part: neither counted nor pictured"),
    # --- camera
    "frame-lost": Kind(meaning="the camera takes no picture of the part"),
    "frame-doubled": Kind(meaning="the camera takes two pictures of the part", arg="ms between", default=5.0),
    "frame-late": Kind(meaning="the picture arrives later, and holds up those behind it", arg="ms", default=250.0),
    "frame-frozen": Kind(meaning="the camera gives the picture before once more"),
    "frame-torn": Kind(meaning="the lower half of the picture is the one before"),
    "frame-dark": Kind(meaning="no light: every pixel is 0"),
    "frame-bright": Kind(meaning="too much light: every pixel is 255"),
    "camera-gone": Kind(meaning="unplugged; comes back and counts from 1", arg="s", default=1.0, of_a_part=False),
    "camera-silent": Kind(meaning="plugged in, and gives nothing", arg="s", default=1.0, of_a_part=False),
    # --- parts
    "part-removed": Kind(meaning="somebody takes the part off halfway to the ejector"),
    "part-inserted": Kind(meaning="somebody lays a part onto the belt between light gate and ejector, before this one"),
    "part-turned": Kind(meaning="the part lies turned", arg="degrees", default=180.0),
    "part-wrong": Kind(meaning="a part of another type"),
    "part-missing": Kind(meaning="counted and pictured, and no part is there"),
    # --- belt
    "belt-stop": Kind(meaning="the belt stands", arg="s", default=1.0, of_a_part=False),
    "belt-speed": Kind(meaning="the belt runs at this speed from now on", arg="mm/s", default=300.0, of_a_part=False),
    "belt-reverse": Kind(meaning="the belt runs back", arg="mm", default=30.0, of_a_part=False),
    # --- ejector, its sensors, the cell
    "ejector-stuck": Kind(meaning="the part is not ejected although it should be"),
    "confirm-lost": Kind(meaning="the sensor behind the ejector does not see the part"),
    "bin-full": Kind(meaning="the reject bin is full", arg="s", default=2.0, of_a_part=False),
    "air-low": Kind(meaning="the air pressure is low", arg="s", default=2.0, of_a_part=False),
    # --- PLC (with ejector = "io": the remote I/O module)
    "plc-stall": Kind(
        meaning="requests are answered, and carried out, only later", arg="s", default=0.5, of_a_part=False
    ),
    "plc-reset": Kind(meaning="every connection is reset", of_a_part=False),
    "plc-garbage": Kind(meaning="so many answers are damaged", arg="answers", default=3.0, of_a_part=False),
    "plc-noise": Kind(meaning="so many requests arrive damaged", arg="requests", default=3.0, of_a_part=False),
    "plc-restart": Kind(meaning="it forgets all and counts anew", of_a_part=False),
    "plc-id-repeated": Kind(meaning="it tells the part id of the part before"),
    "plc-id-changed": Kind(
        meaning="it tells another part id before the part is acknowledged", arg="ms after the trigger", default=20.0
    ),
    "plc-id-skipped": Kind(meaning="from this part on its part ids are one further"),
    "plc-clear-error": Kind(meaning="no fault: a person presses 'clear error'", of_a_part=False),
    "plc-job": Kind(meaning="no fault: it asks for another job", arg="job", default=0.0, of_a_part=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a run. ``part``: counts from 1; ``at_s``: seconds since the belt started; neither: at once."""

    kind: str
    part: int | None = None
    at_s: float | None = None
    arg: float = 0.0

    def reached(self, part: int, elapsed_s: float) -> bool:
        """Whether its place has come."""
        if self.part is not None:
            return part >= self.part
        return elapsed_s >= (self.at_s or 0.0)


def parse(text: str) -> Fault:
    """Read one fault from its form on the command line.

    Raises:
        ValueError: names what is wrong and what would be right.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no fault; right would be {GRAMMAR}")
    kind = KINDS.get(found["kind"])
    if kind is None:
        raise ValueError(f"{text!r}: there is no fault {found['kind']!r}; there are: {', '.join(KINDS)}")
    if found["arg"] is not None and not kind.arg:
        raise ValueError(f"{text!r}: {found['kind']} takes no number behind a colon")
    part = int(found["part"]) if found["part"] else None
    if part == 0:
        raise ValueError(f"{text!r}: parts count from 1")
    return Fault(
        kind=found["kind"],
        part=part,
        at_s=float(found["seconds"]) if found["seconds"] else None,
        arg=float(found["arg"]) if found["arg"] is not None else kind.default,
    )


def table() -> str:
    """Every kind in a line, for people."""
    rows = [f"{name}{f':{kind.arg.upper()}' if kind.arg else ''}" for name, kind in KINDS.items()]
    width = max(len(row) for row in rows)
    lines = [
        f"{row:{width}}  {kind.meaning}{f' (default {kind.default:g})' if kind.arg else ''}"
        for row, kind in zip(rows, KINDS.values(), strict=True)
    ]
    return "\n".join([f"{GRAMMAR}", "", *lines])


class FaultPlan:
    """The faults of a run; each is committed once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._of_parts = [fault for fault in faults if KINDS[fault.kind].of_a_part]
        self._of_moments = [fault for fault in faults if not KINDS[fault.kind].of_a_part]

    def asks_for(self, kind: str) -> bool:
        """Whether this kind is still to come."""
        return any(fault.kind == kind for fault in (*self._of_parts, *self._of_moments))

    def of_part(self, part: int, elapsed_s: float) -> dict[str, float]:
        """What is done to this part, which is at the light gate now: kind and argument."""
        due = [fault for fault in self._of_parts if fault.reached(part, elapsed_s)]
        self._of_parts = [fault for fault in self._of_parts if fault not in due]
        return {fault.kind: fault.arg for fault in due}

    def due(self, part: int, elapsed_s: float) -> Sequence[Fault]:
        """What happens now, ``part`` being the last one at the light gate."""
        due = [fault for fault in self._of_moments if fault.reached(part, elapsed_s)]
        if due:
            self._of_moments = [fault for fault in self._of_moments if fault not in due]
        return due
