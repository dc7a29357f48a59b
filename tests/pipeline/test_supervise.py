"""A loop that crashes or hangs ends the process, and the outside is made safe before anything else."""

import subprocess
import sys
import threading
from collections.abc import Callable

from inspector.pipeline.supervise import EX_SOFTWARE, Loop, Pulse, Supervisor


def loop(name: str, run: Callable[[], None], limit_s: float = 60.0) -> Loop:
    return Loop(pulse=Pulse(name=name, limit_s=limit_s), run=run)


def nothing() -> None:
    pass


def test_a_stop_ends_every_loop_with_exit_0() -> None:
    stop = threading.Event()
    crashes: list[str] = []
    supervisor = Supervisor([loop("a", lambda: stop.wait(10)), loop("b", stop.set)], stop=stop, on_crash=crashes.append)
    assert supervisor.run(idle=nothing, period_s=0.01) == 0
    assert crashes == []


def test_a_crash_makes_the_outside_safe_before_the_others_are_stopped_and_exits_70() -> None:
    stop = threading.Event()
    seen: list[tuple[str, bool]] = []

    def bug() -> None:
        raise ZeroDivisionError("a bug")

    supervisor = Supervisor(
        [loop("healthy", lambda: stop.wait(10)), loop("broken", bug)],
        stop=stop,
        on_crash=lambda reason: seen.append((reason, stop.is_set())),
    )
    assert supervisor.run(idle=nothing, period_s=0.01) == EX_SOFTWARE
    assert seen == [("broken: a bug", False)]
    assert not supervisor.alive()


def test_a_gate_that_cannot_be_made_safe_does_not_keep_a_crashed_process_alive() -> None:
    code = """
import threading
from inspector.pipeline.supervise import Loop, Pulse, Supervisor
threading.excepthook = lambda args: None
def boom(*_):
    raise RuntimeError("no gate")
loop = Loop(pulse=Pulse(name="a", limit_s=60.0), run=boom)
raise SystemExit(Supervisor([loop], stop=threading.Event(), on_crash=boom).run(idle=lambda: None, period_s=0.01))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert done.returncode == EX_SOFTWARE, done.stderr


def test_a_crash_of_the_supervisors_own_work_is_a_crash() -> None:
    stop = threading.Event()
    crashes: list[str] = []

    def full() -> None:
        raise OSError("no space left on device")

    supervisor = Supervisor([loop("a", lambda: stop.wait(10))], stop=stop, on_crash=crashes.append)
    assert supervisor.run(idle=full, period_s=0.01) == EX_SOFTWARE
    assert crashes == ["idle: no space left on device"]


def test_a_silent_loop_is_stuck_and_one_that_beats_is_not() -> None:
    stop = threading.Event()
    crashes: list[str] = []
    beating = Pulse(name="beating", limit_s=0.2)

    def beats() -> None:
        while not stop.wait(0.01):
            beating.beat()

    supervisor = Supervisor(
        [Loop(pulse=beating, run=beats), loop("silent", lambda: stop.wait(10), limit_s=0.2)],
        stop=stop,
        on_crash=crashes.append,
    )
    assert supervisor.run(idle=nothing, period_s=0.01) == EX_SOFTWARE
    assert crashes == ["stuck: silent"]


def test_a_loop_that_hangs_in_native_code_is_left_behind_after_the_outside_was_made_safe() -> None:
    code = """
import threading
from inspector.pipeline.supervise import Loop, Pulse, Supervisor
never = threading.Event()
loops = [Loop(pulse=Pulse(name="model", limit_s=0.1), run=never.wait)]
safe = lambda reason: print("safe:", reason, flush=True)
Supervisor(loops, stop=threading.Event(), on_crash=safe, grace_s=0.1).run(idle=lambda: None, period_s=0.01)
print("not reached", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == EX_SOFTWARE
    assert done.stdout.splitlines()[0] == "safe: stuck: model"
    assert "not reached" not in done.stdout
