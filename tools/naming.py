"""Calls the folder of real pictures REAL in whatever is printed, wherever it stood when a command was run."""

import re

_REAL = re.compile(r"(?<=--data )\S*/data/real(?=\s|$)")


def told(command: str) -> str:
    """A recorded command as anybody may type it; docs/data.md says what REAL is."""
    return _REAL.sub("REAL", command)
