"""Whether a request asks for this station by a name that is its own. Pure."""

import ipaddress
from collections.abc import Collection


def known(host: str, names: Collection[str]) -> bool:
    """Whether this Host header is an address, or one of these names, with any port.

    A page of another site can have its own name given this PC's address, and then ask as if it were ours; it cannot
    have its name be an address. ``names``: lower case; "*.plant" stands for any name of one more part.
    """
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        name = name.lower().removesuffix(".")
        return name in names or f"*.{name.partition('.')[2]}" in names
    return True
