"""Shifts as spans of time: told from the site's time zone and the hours at which they begin.

Counters are never reset: a shift is a question put to the book. The day on which clocks change has 23 or 25 hours,
and the shift that holds the change is an hour shorter or longer. A part belongs to the shift of its trigger.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From ``start_utc`` up to, and without, ``end_utc``."""

    start_utc: datetime
    end_utc: datetime

    def __post_init__(self) -> None:
        if self.end_utc < self.start_utc:
            raise ValueError(f"a span from {self.start_utc} to {self.end_utc}: it must not end before it begins")

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.start_utc <= moment < self.end_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One shift of one day. ``day``: the local date on which it began; ``name`` "" where no shifts are set."""

    name: str
    day: date
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftPlan:
    """When shifts begin, by the site's own clock. No starts: the whole day is one shift without a name."""

    zone: ZoneInfo
    starts: tuple[tuple[time, str], ...] = ()

    @classmethod
    def of(cls, time_zone: str, shifts: Mapping[str, time]) -> "ShiftPlan":
        """The plan of the settings site.time_zone and site.shifts (name = its start)."""
        return cls(zone=ZoneInfo(time_zone), starts=tuple(sorted((start, name) for name, start in shifts.items())))

    def at(self, moment: datetime) -> Shift:
        """The shift that ``moment`` belongs to."""
        day = moment.astimezone(self.zone).date()
        around = [shift for near in (day - _DAY, day, day + _DAY) for shift in self._begun_on(near)]
        return around[bisect_right([shift.span.start_utc for shift in around], moment) - 1]

    def of_day(self, day: date) -> tuple[Shift, ...]:
        """The shifts that begin on a local date, in order; the last one may end on the day after."""
        return tuple(self._begun_on(day))

    def day(self, day: date) -> Span:
        """A local calendar day, midnight to midnight: 23, 24 or 25 hours."""
        return Span(start_utc=self._utc(day, time()), end_utc=self._utc(day + _DAY, time()))

    def latest(self, moment: datetime, count: int) -> tuple[Shift, ...]:
        """The shift of ``moment`` and those before it, oldest first; ``count`` of them."""
        found = [self.at(moment)]
        while len(found) < count:
            found.append(self.at(found[-1].span.start_utc - timedelta(microseconds=1)))
        return tuple(reversed(found))

    def _begun_on(self, day: date) -> Iterator[Shift]:
        starts = self.starts or ((time(), ""),)
        # Where clocks jump forward two shifts may begin at the same instant: the first then has no time at all.
        begins = [self._utc(day, start) for start, _ in starts] + [self._utc(day + _DAY, starts[0][0])]
        for (_, name), begin, end in zip(starts, begins[:-1], begins[1:], strict=True):
            yield Shift(name=name, day=day, span=Span(start_utc=begin, end_utc=max(begin, end)))

    def _utc(self, day: date, at: time) -> datetime:
        """The first instant at which the site's clock shows this time, or has jumped over it."""
        wanted = datetime.combine(day, at)
        first, second = (wanted.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first <= second:
            return first
        # No clock shows it. With the offsets before and after the jump it is later and earlier than the jump itself.
        jump = range(int((first - second).total_seconds()))
        begun = second.replace(microsecond=0)

        def is_over(seconds: int) -> bool:
            return (begun + timedelta(seconds=seconds)).astimezone(self.zone).replace(tzinfo=None) >= wanted

        return begun + timedelta(seconds=bisect_left(jump, x=True, key=is_over))


def hours(span: Span) -> tuple[Span, ...]:
    """The hours of a span, from its start; the last may be shorter."""
    found = []
    start = span.start_utc
    while start < span.end_utc:
        end = min(start + _HOUR, span.end_utc)
        found.append(Span(start_utc=start, end_utc=end))
        start = end
    return tuple(found)
