"""Says what a verdict, a rule, a class of defect and a state of the line are called on the screen."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from inspector.domain.verdict import Decision, Outcome
from inspector.ports.liveness import Life
from inspector.web.feed import Now
from inspector.web.station import Site
from inspector.web.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How the line is, for the shell and the lamp. ``kind``: "running" | "ready" | "fault" | "stopped" | "dead"."""

    kind: str
    text: str


def control(now: Now, words: Words) -> str:
    """Who moves the outputs: the PLC, this station by its own module, or somebody by hand."""
    status = now.liveness.status
    if status.get("forced", {}).get("driven"):
        return words.gettext("Manual")
    return words.gettext("I/O module") if status.get("io") and not status.get("plc") else words.gettext("PLC")


def run_state(now: Now, words: Words) -> RunState:
    """The line's state in words: what is not known to run is not called running.

    A line whose book cannot be read, or takes nothing, is at fault here: the newest part shown is not its newest.
    """
    _ = words.gettext
    life, state = now.liveness.life, str(now.liveness.status.get("state", ""))
    told = {
        "Halted": ("stopped", _("Stopped")),
        "Error": ("fault", _("Fault")),
        "ContinuousExecution": ("running", _("Running")),
        "SingleExecution": ("running", _("Running")),
        "Ready": ("ready", _("Ready")),
    }
    if life is Life.DEAD:
        kind, text = "dead", _("Line not responding")
    elif life is Life.STOPPED:
        kind, text = told["Halted"]
    elif life is Life.UNKNOWN and not state:
        kind, text = "dead", _("Waiting for the line")
    elif now.trouble:
        kind, text = "fault", _("Journal unreadable")
    elif now.unwritten:
        kind, text = "fault", _("Results not saved")
    else:
        kind, text = told.get(state, ("ready", _("Starting")))
    return RunState(kind=kind, text=text)


def outcome_words(site: Site, words: Words) -> Callable[[Outcome], str]:
    """The lamp's word for an outcome: the site's, or the language's."""
    _ = words.gettext
    usual = {Outcome.PASS: _("OK"), Outcome.FAIL: _("NG"), Outcome.UNDECIDED: _("UNDECIDED")}
    return lambda outcome: site.words.get(outcome.name.lower()) or usual[outcome]


def labels(words: Words) -> Callable[[str], str]:
    """A class of defect in words; a class of the plant's own is its own name."""
    _ = words.gettext
    known = {"crack": _("crack"), "scratch": _("scratch"), "dent": _("dent"), "stain": _("stain"), "other": _("other")}
    return lambda label: known.get(label, label)


def laws(words: Words) -> Callable[[str], str]:
    """Why a part was not judged, in words an operator knows; "" for a rule of a recipe."""
    _ = words.gettext
    known = {
        "law.missed": _("The part was counted but never seen by the camera"),
        "law.late": _("The verdict came too late"),
        "law.overrun": _("Parts arrived faster than they can be inspected"),
        "law.no_frame": _("No image from the camera"),
        "law.frame": _("The image is damaged"),
        "law.frame_lost": _("The image was lost"),
        "law.camera": _("Camera disconnected"),
        "law.model": _("The model failed"),
        "law.optics": _("The image is too dark, too bright or blurred"),
        "law.gate": _("The PLC could not be reached"),
        "law.resync": _("Part counter and images did not match"),
        "law.job": _("The PLC requested an unknown job"),
        "law.interrupted": _("The station was interrupted"),
        "law.crash": _("The station was interrupted"),
        "law.lost": _("The record was lost"),
        "law.journal": _("The journal could not be written"),
    }

    def law(rule: str) -> str:
        return next((known[prefix] for prefix in sorted(known, reverse=True) if rule.startswith(prefix)), "")

    return law


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A value against its limit, drawn: ``what`` was measured; places in percent of the bar's length."""

    what: str
    measured: str
    limit: str
    value_at: float
    limit_at: float
    over: bool


def gauge(decision: Decision, words: Words) -> Gauge | None:
    """The bar of the check that decided; None where nothing was measured."""
    if decision.rule.startswith("law.") or not (isfinite(decision.measured) and isfinite(decision.limit)):
        return None
    if decision.rule == "defects.none":
        return None
    reaches = decision.rule.endswith(".any")
    most = max(decision.measured, decision.limit, 1e-9) * 1.25
    return Gauge(
        what=subject(decision.rule, words),
        measured=f"{_figure(decision, decision.measured, words)}",
        limit=f"{_figure(decision, decision.limit, words)}",
        value_at=round(100 * max(decision.measured, 0.0) / most, 2),
        limit_at=round(100 * max(decision.limit, 0.0) / most, 2),
        over=decision.measured > decision.limit or (reaches and decision.measured == decision.limit),
    )


def subject(rule: str, words: Words) -> str:
    """What a rule of a recipe looks at: "crack, length"; "crack, length (zone seal)"."""
    _ = words.gettext
    quantities = {
        "min_length_mm": _("length"),
        "min_width_mm": _("width"),
        "min_area_mm2": _("area"),
        "confidence": _("confidence"),
        "max_count": _("count"),
    }
    kind, _dot, rest = rule.removesuffix(".any").partition(".")
    place, _dot, key = rest.rpartition(".")
    if kind == "class" and key in quantities:
        return f"{labels(words)(place)}, {quantities[key]}"
    if kind == "zone" and key in quantities:
        zone, _dot, label = place.partition(".")
        return f"{labels(words)(label)}, {quantities[key]} ({zone})"
    if kind == "score":
        return _("severity score")
    if kind == "defects":
        return _("number of defects")
    return rule


def _figure(decision: Decision, value: float, words: Words) -> str:
    unit = {"mm": " mm", "mm2": " mm²", "ms": " ms"}.get(decision.unit, "")
    return words.number(value) if decision.unit == "count" else f"{words.measure(value)}{unit}"
