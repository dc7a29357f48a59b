"""How many wrong secrets lock whom out, and for how long.

    pair      one name from one address: 5 within 15 minutes. The same name goes on from elsewhere.
    address   any names from one address: 20. Whoever guesses through the names is stopped where they sit.
    name      one name from anywhere: 25. Only guesses from many addresses come so far.

So nobody locks a person out of the panel at the line from another PC: the panel is another address, and one address
gives a name five tries before it is locked itself.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

FAILURES_WITHIN = timedelta(minutes=15)
"""Wrong secrets count for so long; a lock-out ends so long after the last of those that led to it."""
REMEMBERED = 2 * FAILURES_WITHIN
"""A try must be remembered for so long: as long as it may count towards a lock-out, and as long as that lasts."""
MOST_FAILURES = 5
MOST_OF_ADDRESS = 20
MOST_OF_NAME = 25
_NETWORK_BITS = 64


class Scope(Enum):
    """What is locked."""

    PAIR = "pair"
    ADDRESS = "address"
    NAME = "name"

    @property
    def most(self) -> int:
        """So many wrong secrets within ``FAILURES_WITHIN`` lock it."""
        return _MOST[self]


_MOST: Mapping[Scope, int] = {
    Scope.PAIR: MOST_FAILURES,
    Scope.ADDRESS: MOST_OF_ADDRESS,
    Scope.NAME: MOST_OF_NAME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Locked, what, and until when."""

    scope: Scope
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One wrong secret, or one that is being looked at. ``name``: of the account; ``place``: see ``place_of``."""

    name: str
    place: str
    at: datetime


def place_of(address: str) -> str:
    """What counts as one address: all of this PC's own are one, and so are the 2**64 that a host may choose among.

    ``address``: as the connection has it; "" where there is none (a socket file): one place too.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            if known.is_loopback:
                return "127.0.0.1"
            if known.is_link_local:
                return str(known)
            return str(ipaddress.ip_network((known, _NETWORK_BITS), strict=False))
        known = known.ipv4_mapped
    return "127.0.0.1" if known.is_loopback else str(known)


def locks(tries: Iterable[Try], *, name: str, place: str, now: datetime) -> tuple[Lock, ...]:
    """What keeps this name from trying at this place; () for nothing. ``tries``: of the name, and of the place."""
    known = list(tries)
    of = {
        Scope.PAIR: [one.at for one in known if one.name == name and one.place == place],
        Scope.ADDRESS: [one.at for one in known if one.place == place],
        Scope.NAME: [one.at for one in known if one.name == name],
    }
    ends = ((scope, locked_until(sorted(moments), scope.most, now)) for scope, moments in of.items())
    return tuple(Lock(scope=scope, until=until) for scope, until in ends if until is not None)


def locked_until(moments: Sequence[datetime], most: int, now: datetime) -> datetime | None:
    """When the lock-out ends that ``most`` tries within ``FAILURES_WITHIN`` began; None: there is none.

    ``moments``: of the tries, oldest first. None is added while it lasts, so it is not prolonged by trying on.
    """
    for last in range(len(moments) - 1, most - 2, -1):
        until = moments[last] + FAILURES_WITHIN
        if until <= now:
            return None
        if moments[last] - moments[last - most + 1] < FAILURES_WITHIN:
            return until
    return None
