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
        "camera": _("Check the camera's cable and power supply."),
        "optics": _("Clean the lens and the cover glass, and check the lighting."),
        "journal": _("Check the disk: is it full or read-only?"),
        "evidence": _("Check the disk: is it full or read-only?"),
        "plc": _("Check the PLC and the network cable."),
        "gate": _("Check the PLC and the network cable."),
        "model": _("Call an engineer: the model is not running."),
        "line": _("The line stopped responding. It restarts automatically; call an engineer if this happens again."),
        "book": _("Check the disk: is it full or read-only?"),
        "plc.job": _("Call an engineer: the recipe requested by the PLC cannot be used."),
        "plc.forced": _("An output is forced. Release it on the screen I/O and links."),
        "sync": _("Triggers and images did not match: check the light barrier and the spacing of the parts."),
        "sync.part_id": _(
            "Call an engineer: the part ids of the PLC do not fit the parts. The text names two of them."
        ),
        "sync.race": _("Check the part named here: it was passed just when the counters lost sync."),
        "trigger": _("Check the trigger cable and the PLC."),
        "ejector": _("Find the part named here, and check the ejector and its sensors."),
        "io": _("Check the I/O module and its cable."),
        "encoder": _("Check the encoder and its coupling. All parts on the belt are ejected."),
        "belt": _("The belt stopped, changed speed, or its signal was lost. All parts on it are ejected."),
        "rejects": _("Many bad parts in a row: find the cause. The alarm ends with a good part or at the machine."),
        "bin": _("Empty the reject bin."),
        "air": _("Check the air supply."),
        "verdict": _("Call an engineer: verdicts are too late, the parts were rejected."),
        "scale": _("Call an engineer: the scale must be calibrated again."),
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
        "belt.lost_places": _("Part positions on the belt lost"),
        "bin.full": _("Reject bin full"),
        "book.unread": _("Journal unreadable"),
        "camera.count": _("Camera restarted its frame count"),
        "camera.lost": _("Camera disconnected"),
        "ejector.confirm": _("Part not in the expected lane"),
        "ejector.late": _("Good part ejected: output too late"),
        "ejector.missed": _("Bad part may be in the good lane"),
        "encoder.dead": _("Encoder stands, drive runs"),
        "encoder.jump": _("Encoder count jumped"),
        "evidence.refused": _("Images not saved"),
        "evidence.slow": _("Saving images is delayed"),
        "gate.lost": _("PLC did not accept a verdict"),
        "io.lost": _("I/O module not responding"),
        "io.watchdog": _("I/O module switched its outputs off"),
        "journal.behind": _("Saving records is delayed"),
        "journal.lost": _("Records lost"),
        "journal.refused": _("Record refused"),
        "journal.waiting": _("Saving results is delayed"),
        "line.dead": _("Line not responding"),
        "model.failed": _("Model not running"),
        "optics": _("Camera image has changed"),
        "optics.reference": _("Optics reference unusable"),
        "optics.unsaved": _("Optics state not saved"),
        "plc.forced": _("Output forced"),
        "plc.job": _("Unknown job"),
        "plc.link": _("PLC not responding"),
        "rejects.in_a_row": _("Many bad parts in a row"),
        "scale.due": _("Scale calibration is due"),
        "scale.void": _("Scale invalid: no measurements"),
        "sync.part_id": _("Part ids do not fit"),
        "sync.race": _("Check one part: passed although uncertain"),
        "sync.window": _("Parts too close together"),
        "trigger.lost": _("No trigger signal"),
        "verdict.late": _("Verdicts are too late"),
    }
