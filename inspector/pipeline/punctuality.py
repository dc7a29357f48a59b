"""Keeps the loops punctual: when the interpreter collects and switches, what stays in RAM, who runs first."""

import ctypes
import errno
import gc
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes in Python may keep the others waiting; the interpreter's own 5 ms cost two fifths of
the frames where a busy thread ran beside the loop."""
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_FULL_EVERY = 240


class GarbageCollector:
    """The garbage collector, run between parts by the supervisor instead of in the middle of a part."""

    def __init__(self) -> None:
        self._ticks = 0

    def tick(self) -> None:
        """Collect what is young; once a minute (of four ticks a second) everything made since the start."""
        self._ticks += 1
        gc.collect(2 if self._ticks % _FULL_EVERY == 0 else 0)


@contextmanager
def steady() -> Iterator[GarbageCollector]:
    """While this is open: what was made so far is never searched again, and the collector waits to be asked."""
    interval, collecting = sys.getswitchinterval(), gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield GarbageCollector()
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()
        if collecting:
            gc.enable()


def why_not_locked() -> str:
    """Why this process may not keep all its memory in RAM; "" if it may.

    With a limit a later allocation would fail, and the line with it: so it is all or nothing.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft == resource.RLIM_INFINITY or os.geteuid() == 0:
        return ""
    return f"the limit of locked memory is {soft // 1024} kB; LimitMEMLOCK=infinity is right"


def lock_memory() -> None:
    """Keep everything this process has, and will have, in RAM. What cannot be is said in the log, and goes on."""
    why = why_not_locked()
    libc = ctypes.CDLL(None, use_errno=True)
    if not why and libc.mlockall(_MCL_CURRENT | _MCL_FUTURE):
        why = os.strerror(ctypes.get_errno())
    if why:
        log.warning("line.memory_not_locked", reason=why)


def unlock_memory() -> None:
    """Undo ``lock_memory``."""
    ctypes.CDLL(None).munlockall()


def why_not_ahead(priority: int) -> str:
    """Why a thread of this process may not have this real-time priority; "" if it may. Tried, and taken back."""
    try:
        with ahead(priority):
            return ""
    except OSError as error:
        told = os.strerror(error.errno or errno.EPERM)
        return f"priority {priority} is refused: {told}; LimitRTPRIO={priority} and RestrictRealtime=no are right"


@contextmanager
def ahead(priority: int) -> Iterator[None]:
    """Run this thread, and those that it starts meanwhile, before every thread without a real-time priority.

    0: nothing is changed.

    Raises:
        OSError: this process may not.
    """
    if priority == 0:
        yield
        return
    policy, before = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, before)


def granted(priority: int) -> int:
    """The priority if it may be had, else 0, said once in the log."""
    why = why_not_ahead(priority)
    if why:
        log.warning("line.not_ahead", reason=why)
    return 0 if why else priority
