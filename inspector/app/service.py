"""How a process lives under systemd: signals, sd_notify, logs."""

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

_TIMEX_BYTES = 256
_FORBIDDEN, _TIME_ERROR = -1, 5
_PR_SET_PDEATHSIG = 1
PARENT = "INSPECTOR_DIE_WITH_PARENT"
_PRIORITY = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def notify(line: str) -> None:
    """Send one sd_notify line ("READY=1"); without a NOTIFY_SOCKET it does nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(line.encode(), address)
        except OSError as error:
            structlog.get_logger(__name__).warning("service.notify_failed", reason=str(error))


class Stop(threading.Event):
    """Set by a signal, or by whoever ends the work. ``why``: the signal's name; "" if none came."""

    why: str = ""


@contextmanager
def stop_on_signals(*, insist: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """An event that SIGTERM and SIGINT set; a second signal calls ``insist`` and ends the process at once."""
    stop = Stop()

    def asked(number: int, _frame: FrameType | None) -> None:
        if stop.why:
            insist()
            os._exit(128 + number)
        stop.why = signal.Signals(number).name
        stop.set()

    before = {number: signal.signal(number, asked) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def die_with_parent() -> None:
    """Be asked to end (SIGTERM) when the process that ``INSPECTOR_DIE_WITH_PARENT`` names is gone, however it ended.

    Without the variable, or where we were started by another process, nothing is done.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before we asked
        raise SystemExit(128 + signal.SIGTERM)


def configure_logs(*, verbose: bool = False) -> None:
    """Structured logs on stderr: for people on a terminal, as prioritised JSON for journald otherwise."""
    colours = sys.stderr.isatty()
    person = colours or sys.stdout.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer(colors=colours) if person else structlog.processors.JSONRenderer()
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if not person:
        processors.append(structlog.processors.format_exc_info)
    processors.append(renderer)
    if os.environ.get("JOURNAL_STREAM"):
        processors.append(_prioritised)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=_stderr_logger,
        cache_logger_on_first_use=False,
    )


def _stderr_logger(*_: Any) -> structlog.PrintLogger:
    """Writes to what standard error is now, not to what it was when logging was set up."""
    return structlog.PrintLogger(sys.stderr)


def _prioritised(_logger: Any, method: str, rendered: str) -> str:
    """Prefix ``<N>`` so that journald knows the level."""
    return f"<{_PRIORITY.get(method, 6)}>{rendered}"


def clock_synced() -> bool:
    """Whether the kernel's clock is kept in step (by timesyncd, chrony or ntpd); adjtimex(2), read only.

    Where a sandbox forbids the call, timesyncd's own mark is asked.
    """
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    if state == _FORBIDDEN:
        return Path("/run/systemd/timesync/synchronized").exists()
    return bool(state != _TIME_ERROR)
