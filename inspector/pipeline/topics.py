"""Where a station's topics begin: the plant's ISA-95 names and the station's own."""

from collections.abc import Sequence

from inspector.domain.errors import ConfigError

FORBIDDEN = "+#/\0"


def topic_root(levels: Sequence[str], station: str) -> str:
    """``{enterprise}/{site}/{area}/{line}/{cell}/inspector/{station}``; levels without a name are left out.

    Raises:
        ConfigError: a name cannot stand in a topic.
    """
    for name in (*levels, station):
        if any(sign in name for sign in FORBIDDEN) or name.startswith("$") or name != name.strip():
            raise ConfigError(
                f"mqtt topic: the name {name!r} cannot stand in a topic; use one without +, # and /, "
                "without $ at its beginning and without blanks around it"
            )
    if not station:
        raise ConfigError("mqtt topic: the station has no name")
    return "/".join([*(level for level in levels if level), "inspector", station])
