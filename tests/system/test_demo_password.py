"""`inspector demo` shows the first administrator's password once: it lets in, and it stands nowhere else."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from inspector.app.first_admin import FIRST_PASSWORD_FILE
from tests.fakes import wait_until

TOLD = re.compile(r"operators' station at (?P<address>\S+), sign in as (?P<name>\S+) with password (?P<secret>\S+)")
PATIENCE_S = 200


class Running:
    """A verb of ours, and what it has written so far."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "inspector", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as written:
            for line in written:
                self._lines += [line]

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._reader.join(20)


@contextmanager
def running(*words: str) -> Iterator[Running]:
    one = Running(*words)
    try:
        yield one
    finally:
        one.close()


def answered(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer of a station that is still being started."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)


def enter(address: str, name: str, secret: str) -> httpx.Response:
    return answered(lambda: httpx.post(f"{address}/api/session", json={"name": name, "secret": secret}, timeout=60))


def holders(secret: str, folder: Path) -> list[str]:
    """Files of the demonstration, and processes of this PC, that hold it: in what they were called or given."""
    places = [path for path in folder.rglob("*") if path.is_file()]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            places += [entry / "cmdline", entry / "environ"]
    found = []
    for place in places:
        with suppress(OSError):
            if secret.encode() in place.read_bytes():
                found.append(str(place))
    return found


@pytest.mark.timeout(600)
def test_the_first_password_is_shown_once_lets_in_and_stands_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with running("demo", "--parts", "60", "--dir", str(folder)) as demo:
        assert wait_until(lambda: TOLD.search(demo.text) is not None or demo.process.poll() is not None, PATIENCE_S)
        told = TOLD.search(demo.text)
        assert told is not None, demo.text
        address, name, secret = told.group("address", "name", "secret")
        assert len(secret) >= 16
        answer = enter(address, name, secret)
        assert (answer.status_code, answer.json()["role"]) == (200, "admin"), answer.text
        assert enter(address, name, f"{secret}x").status_code == 401
        assert wait_until((folder / "data" / "twin" / "journal.sqlite3").exists, PATIENCE_S)
        assert holders(secret, folder) == []
    assert demo.text.count(secret) == 1
    assert holders(secret, folder) == []
    assert not (folder / "data" / FIRST_PASSWORD_FILE).exists()
    with running("web", "--config", str(folder / "config"), "--station", "twin") as again:
        assert enter(address, name, secret).status_code == 200, "it is still the one"
        assert holders(secret, folder) == []
    assert secret not in again.text
    assert "password" not in again.text.lower()
