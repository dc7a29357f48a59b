"""Whether the part ids that a PLC tells fit the parts that it counts: an id on the wrong part is a wrong record."""

import re
from enum import Enum

from inspector.domain.frame import seq_distance
from inspector.pipeline.alarms import AlarmBoard
from inspector.ports.trigger import IdsWatched, Trigger, TriggerEvent

PART_ID_ALARM = "sync.part_id"
AGREED = 10
"""Parts whose ids are right, one after the other, after which the alarm ends."""
_DIGITS = re.compile(r"\d+$")


class IdLaw(Enum):
    """What the plant says of its part ids. An empty id says nothing, and is never wrong."""

    UNCHECKED = "unchecked"
    REPEATED = "repeated"
    """Of a pallet or a box, or a part that is shown again; kept from trigger to acknowledgement all the same."""
    UNIQUE = "unique"
    COUNTER = "counter"
    """The digits at its end go up by one with each part, and may begin anew with another lot."""


class PartIds:
    """Two parts in a row, by a law. Pure; owned by one thread."""

    def __init__(self, law: IdLaw) -> None:
        self._law = law
        self._before: TriggerEvent | None = None

    def why_not(self, event: TriggerEvent) -> str:
        """Why this part's id cannot be its own; "" where nothing speaks against it."""
        if event.restarted:
            self._before = None
        if not event.part_id:
            return ""
        before, self._before = self._before, event
        if before is None or before.lot != event.lot or self._law in {IdLaw.UNCHECKED, IdLaw.REPEATED}:
            return ""
        if before.part_id == event.part_id:
            return f"part id {event.part_id!r} came twice in a row, for parts {before.part_seq} and {event.part_seq}"
        if self._law is IdLaw.COUNTER:
            return _out_of_turn(before, event)
        return ""


class PartIdWatch:
    """Holds the ids against the law, and raises the alarm. ``changed``: any thread; ``why_not``: the capture thread."""

    def __init__(self, *, law: IdLaw, trigger: Trigger, alarms: AlarmBoard) -> None:
        self._ids = PartIds(law)
        self._source = trigger if isinstance(trigger, IdsWatched) and law is not IdLaw.UNCHECKED else None
        self._alarms = alarms
        self._agreed = 0

    def changed(self) -> bool:
        """Whether the PLC has changed the id of a part that it had not acknowledged, since the last call."""
        changes = self._source.changed_ids() if self._source is not None else ()
        for change in changes:
            self._alarm(
                f"part id of part {change.part_seq} changed from {change.told!r} to {change.now!r} before it was "
                'acknowledged (station.part_ids = "unchecked" would be right where the PLC fills it in earlier)'
            )
        return bool(changes)

    def why_not(self, event: TriggerEvent) -> str:
        """Why this part's id cannot be its own; "" where nothing speaks against it."""
        why = self._ids.why_not(event)
        if why:
            self._alarm(f'{why} (station.part_ids = "repeated" would be right where ids come again)')
        elif event.part_id:
            self._agreed += 1
            if self._agreed >= AGREED:
                self._alarms.clear(PART_ID_ALARM)
        return why

    def _alarm(self, text: str) -> None:
        self._agreed = 0
        self._alarms.raise_alarm(PART_ID_ALARM, text)


def _out_of_turn(before: TriggerEvent, event: TriggerEvent) -> str:
    """Why this id does not follow that of the part before, as many numbers on as parts were counted; "" if it does."""
    said = f"part id {event.part_id!r} of part {event.part_seq} does not follow {before.part_id!r} of part"
    said += f" {before.part_seq}"
    was, now = _DIGITS.search(before.part_id), _DIGITS.search(event.part_id)
    if was is None or now is None:
        return f"{said}: it ends with no number"
    expected = int(was[0]) + seq_distance(event.part_seq, before.part_seq)
    wraps = len(was[0]) == len(now[0]) and expected % 10 ** len(was[0]) == int(now[0])
    if (int(now[0]) == expected or wraps) and before.part_id[: was.start()] == event.part_id[: now.start()]:
        return ""
    return f"{said}: {expected} would be right"
