"""`inspector demo` on a terminal: Ctrl-C ends it in order, a second one at once, and nothing of it stays behind."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CTRL_C = b"\x03"
COLUMNS = 90
STEP = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|.", re.DOTALL)
DRAWING = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A demo at a terminal, and all that it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "inspector", "demo", "--parts", "3", "--dir", str(folder)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "COLUMNS": str(COLUMNS), "LINES": "40", "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 - its controlling terminal
        )
        os.close(theirs)
        self._written = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # EIO: the other end is closed
            while chunk := os.read(self._ours, 65536):
                self._written += chunk

    @property
    def text(self) -> str:
        return DRAWING.sub(b"", self._written).decode(errors="replace")

    def screen(self) -> list[str]:
        """What stands there after all: the few movements that the demo makes, carried out."""
        lines, row, column = [""], 0, 0
        for found in STEP.finditer(self._written.decode(errors="replace")):
            step = found[0]
            if step == "\r":
                column = 0
            elif step == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif step.startswith("\x1b") and step.endswith("A"):
                row -= int(step[2:-1] or 1)
            elif step == "\x1b[2K":
                lines[row] = ""
            elif not step.startswith("\x1b"):
                if column == COLUMNS:
                    row, column = row + 1, 0
                    lines += [""] * (row + 1 - len(lines))
                lines[row] = lines[row].ljust(column)[:column] + step + lines[row][column + 1 :]
                column += 1
        return lines

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def shows(self, words: str) -> None:
        wait_for(words, lambda: words in self.text, self)

    def family(self) -> set[int]:
        """Process ids whose command line or environment names this demo's folder."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if str(self.folder).encode() in (entry / "cmdline").read_bytes():
                        found.add(int(entry.name))
        return found

    def close(self) -> None:
        for pid in self.family():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(10)
        os.close(self._ours)


def wait_for(what: str, condition: Callable[[], bool], terminal: Terminal, within_s: float = 200.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s\n{terminal.text[-3000:]}"
        time.sleep(0.05)


@contextmanager
def demo(folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(folder)
    try:
        yield terminal
    finally:
        terminal.close()


def test_ctrl_c_ends_the_line_with_an_account_that_balances(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.shows("The line runs on; Ctrl-C ends it.")
        assert re.search(r"so far.*\d+ counted, \d+ past the ejector, \d+ under way", terminal.text)
        terminal.type(CTRL_C)
        terminal.shows("Ending in order (up to 20 s); Ctrl-C again kills.")
        assert terminal.process.wait(60) == 0, terminal.text[-3000:]
        wait_for("no process left", lambda: not terminal.family(), terminal, 10)
        ending = terminal.text.rpartition("Ending in order")[2]
        assert "counted by the PLC" in ending
        assert "NOT balance" not in ending
        assert "runs on" not in ending
        wait_for("its last words", lambda: "files" in terminal.text.rpartition("was the verdict")[2], terminal, 10)
        assert [line for line in terminal.screen() if "inspector demo" in line or "╭" in line] == []


def test_two_ctrl_c_leave_no_process(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.shows("past the ejector 1")
        terminal.type(CTRL_C)
        terminal.shows("Ending in order")
        terminal.type(CTRL_C)
        assert terminal.process.wait(20) == 128 + signal.SIGINT
        wait_for("no process left", lambda: not terminal.family(), terminal, 10)
        assert "The line runs on" not in terminal.text


def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    with demo(tmp_path) as terminal:
        terminal.shows("past the ejector 1")
        assert len(terminal.family()) >= 5
        terminal.process.kill()
        wait_for("no process left", lambda: not terminal.family(), terminal, 40)
