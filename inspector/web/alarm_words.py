"""What alarms are called, what to do about each, and which of them end at the machine."""

from collections.abc import Callable

from inspector.web.words import Words

RELEASED_AT_THE_LINE = frozenset(
    {
        "belt.lost_places",
        "ejector.confirm",
        "ejector.late",
        "ejector.missed",
        "encoder.dead",
        "encoder.jump",
        "io.watchdog",
        "sync.race",
    }
)
"""These stand until somebody at the machine, who sees it, says so: no page ends them (decision 0054)."""


def remedy(words: Words) -> Callable[[str], str]:
    """What to do about an alarm, by its code."""
    known = remedies(words)
    return lambda code: known.get(code, known.get(code.partition(".")[0], ""))


def remedies(words: Words) -> dict[str, str]:
    """What to do, by an alarm's code or by the first word of many."""
    _ = words.gettext
    return {
        "camera": _("Look at the camera's cable and power."),
        "optics": _("Clean lens and glass, look at the lamp."),
        "journal": _("Look at the disk: is it full or read-only?"),
        "evidence": _("Look at the disk: is it full or read-only?"),
        "plc": _("Look at the PLC and the network cable."),
        "gate": _("Look at the PLC and the network cable."),
        "model": _("Call an engineer: the model does not run."),
        "line": _("The line stopped answering. It is started again by itself; call an engineer if it comes again."),
        "book": _("Look at the disk: is it full or read-only?"),
        "plc.job": _("Call an engineer: the recipe that the PLC asks for cannot be used."),
        "plc.forced": _("Somebody holds an output by hand. Release it on the page I/O and links."),
        "sync": _("Triggers and pictures did not fit together: look at the light barrier, and how close parts lie."),
        "sync.part_id": _(
            "Call an engineer: the part ids of the PLC do not fit the parts. The text names two of them."
        ),
        "sync.race": _("Look at the part that is named: it was called good just as the counters came apart."),
        "trigger": _("Look at the trigger's cable and at the PLC."),
        "ejector": _("Find the part that is named, and look at the ejector and its sensors."),
        "io": _("Look at the I/O module and its cable."),
        "encoder": _("Look at the encoder and its coupling. What is on the belt is ejected."),
        "belt": _("The belt stopped, changed its speed, or was not heard of. What is on it is ejected."),
        "rejects": _("Many bad parts in a row: look at what makes them. It ends with a good part, or at the machine."),
        "bin": _("Empty the reject bin."),
        "air": _("Look at the air supply."),
        "verdict": _("Call an engineer: verdicts come too late, the parts were rejected."),
        "scale": _("Call an engineer: the scale must be measured again."),
    }


def title(words: Words) -> Callable[[str], str]:
    """What an alarm is called, by its code; what we have no name for keeps its code."""
    known = titles(words)
    return lambda code: known.get(code, known.get(code.partition(".")[0], code))


def titles(words: Words) -> dict[str, str]:
    """Alarms in an operator's words, by code or by the first word of many. The text of each says more, in English."""
    _ = words.gettext
    return {
        "air.low": _("Air pressure low"),
        "belt.lost_places": _("Parts have lost their places"),
        "bin.full": _("Reject bin full"),
        "book.unread": _("Journal unreadable"),
        "camera.count": _("Camera counts anew"),
        "camera.lost": _("No camera"),
        "ejector.confirm": _("Part not where it was sent"),
        "ejector.late": _("Good part ejected: output too late"),
        "ejector.missed": _("Bad part may be in the good lane"),
        "encoder.dead": _("Encoder stands, drive runs"),
        "encoder.jump": _("Encoder jumped"),
        "evidence.refused": _("Pictures are not kept"),
        "evidence.slow": _("Pictures wait for the disk"),
        "gate.lost": _("PLC did not take a verdict"),
        "io.lost": _("I/O module does not answer"),
        "io.watchdog": _("I/O module dropped its outputs"),
        "journal.behind": _("Records wait"),
        "journal.lost": _("Records lost"),
        "journal.refused": _("Record refused"),
        "journal.waiting": _("Results wait for the disk"),
        "line.dead": _("Line does not answer"),
        "model.failed": _("Model does not run"),
        "optics": _("Camera picture has changed"),
        "optics.reference": _("Reference of the optics unusable"),
        "optics.unsaved": _("State of the optics not saved"),
        "plc.forced": _("Output forced by hand"),
        "plc.job": _("Unknown job"),
        "plc.link": _("PLC does not answer"),
        "rejects.in_a_row": _("Many bad parts in a row"),
        "scale.due": _("Scale is due"),
        "scale.void": _("Scale void: nothing is measured"),
        "sync.part_id": _("Part ids do not fit"),
        "sync.race": _("Look at one part: it was called good in doubt"),
        "sync.window": _("Parts come too close"),
        "trigger.lost": _("Triggers are not heard"),
        "verdict.late": _("Verdicts come too late"),
    }
