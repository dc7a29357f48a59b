"""Says in the reader's language that somebody is locked out after wrong secrets, and for how long yet."""

import math

from inspector.domain.lockout import Scope
from inspector.web.gatekeeper import RefusedError
from inspector.web.words import Words

_MINUTE_S = 60


def locked_out(refused: RefusedError, words: Words) -> str:
    """What is locked, until when, and how many minutes that is; "" where nothing is: the secret was wrong."""
    if refused.lock is None or refused.left is None:
        return ""
    _ = words.gettext
    why = {
        Scope.PAIR: _("Too many wrong tries with this name at this place."),
        Scope.ADDRESS: _("Too many wrong tries at this place."),
        Scope.NAME: _("Too many wrong tries with this name, from many places."),
    }
    minutes = max(1, math.ceil(refused.left.total_seconds() / _MINUTE_S))
    until = words.ngettext(
        "Locked until %(time)s: %(num)s minute more.", "Locked until %(time)s: %(num)s minutes more.", minutes
    ) % {"time": words.clock(refused.lock.until), "num": minutes}
    return f"{why[refused.lock.scope]} {until}"
