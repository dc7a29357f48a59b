"""Which numbers came, and which are missing between them."""

from bisect import bisect_right


class Spans:
    """A set of whole numbers kept as ranges: a gapless book is one range, however long it is."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._first, number) - 1
        return place >= 0 and number <= self._last[place]

    def add(self, number: int) -> bool:
        """Take a number in. False: it was there already."""
        if number in self:
            return False
        place = bisect_right(self._first, number)
        self._first.insert(place, number)
        self._last.insert(place, number)
        if place + 1 < len(self._first) and self._first[place + 1] == number + 1:
            self._join(place)
        if place > 0 and self._last[place - 1] == number - 1:
            self._join(place - 1)
        return True

    @property
    def first(self) -> int | None:
        """The lowest number; None if none came."""
        return self._first[0] if self._first else None

    @property
    def last(self) -> int | None:
        """The highest number; None if none came."""
        return self._last[-1] if self._last else None

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """First and last number of each missing range between ``first`` and ``last``."""
        return tuple((end + 1, start - 1) for end, start in zip(self._last, self._first[1:], strict=False))

    def _join(self, place: int) -> None:
        self._last[place] = self._last.pop(place + 1)
        del self._first[place + 1]
