"""The collector waits, the interpreter switches soon, memory is locked and loops run first where that is granted."""

import gc
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from inspector.pipeline import punctuality

LIMITED = """
import os, resource
from inspector.pipeline import punctuality
resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
punctuality.lock_memory()
print(punctuality.why_not_locked(), "|", punctuality.why_not_ahead(10), "|", punctuality.granted(10))
print([line for line in open("/proc/self/status") if line.startswith("VmLck")])
"""


def test_while_the_line_runs_the_collector_waits_to_be_asked_and_then_works() -> None:
    before = sys.getswitchinterval()
    with punctuality.steady() as collector:
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert sys.getswitchinterval() == pytest.approx(punctuality.SWITCH_INTERVAL_S)
        ring: list[object] = []
        ring.append(ring)
        del ring
        collected = sum(one["collected"] for one in gc.get_stats())
        collector.tick()
        assert sum(one["collected"] for one in gc.get_stats()) > collected
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert sys.getswitchinterval() == pytest.approx(before)


def test_everything_that_was_made_since_the_start_is_searched_once_a_minute() -> None:
    with punctuality.steady() as collector:
        full = gc.get_stats()[2]["collections"]
        for _ in range(240):
            collector.tick()
        assert gc.get_stats()[2]["collections"] == full + 1


def test_a_user_without_the_rights_is_told_and_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "the limit of locked memory is 8192 kB; LimitMEMLOCK=infinity is right" in told
    assert "priority 10 is refused: Operation not permitted; LimitRTPRIO=10" in told
    assert "| 0" in told
    assert "0 kB" in told
    assert "line.memory_not_locked" in told + done.stderr
    assert "line.not_ahead" in told + done.stderr


def test_no_priority_changes_nothing() -> None:
    before = os.sched_getscheduler(0)
    with punctuality.ahead(0):
        assert os.sched_getscheduler(0) == before
    assert punctuality.granted(0) == 0


def test_a_loop_that_may_runs_ahead_with_the_threads_it_starts_and_goes_back() -> None:
    why = punctuality.why_not_ahead(5)
    assert punctuality.granted(5) == (0 if why else 5)
    if why:
        assert "LimitRTPRIO=5" in why
        return
    seen: list[int] = []
    before = os.sched_getscheduler(0)
    with punctuality.ahead(5):
        own = os.sched_getscheduler(0)
        child = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))
        child.start()
        child.join()
    assert (own, seen) == (os.SCHED_FIFO, [os.SCHED_FIFO])
    assert os.sched_getscheduler(0) == before


def test_memory_is_locked_where_that_is_granted_and_let_go_again() -> None:
    if punctuality.why_not_locked():
        assert resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY
        return
    punctuality.lock_memory()
    try:
        assert _locked_kb() > 1000
    finally:
        punctuality.unlock_memory()
    assert _locked_kb() == 0


def _locked_kb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmLck"))
