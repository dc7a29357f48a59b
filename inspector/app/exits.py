"""Exit codes (sysexits.h) and the one place where an error becomes a line on the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from inspector.domain.errors import (
    BusyError,
    ConfigError,
    DeliveryError,
    DeviceError,
    FrameError,
    InspectorError,
    JournalError,
)

EX_OK = 0
EX_FINDINGS = 1
EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_SOFTWARE = 70
EX_IOERR = 74
EX_TEMPFAIL = 75
EX_CONFIG = 78

_CODES: dict[type[InspectorError], int] = {
    ConfigError: EX_CONFIG,
    BusyError: EX_TEMPFAIL,
    DeviceError: EX_UNAVAILABLE,
    DeliveryError: EX_UNAVAILABLE,
    JournalError: EX_IOERR,
    FrameError: EX_DATAERR,
}


@contextmanager
def speaking_plainly() -> Iterator[None]:
    """Turn the house's errors into one message and their exit code; anything else is a bug and keeps its traceback."""
    try:
        yield
    except InspectorError as error:
        sys.stderr.write("".join(f"inspector: {line}\n" for line in str(error).splitlines()))
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), EX_SOFTWARE)
        raise SystemExit(code) from error
