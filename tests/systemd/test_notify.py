"""The line says READY only when it can judge, and WATCHDOG only while every loop beats."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from inspector.app.demo.plant import STATION, Size, found
from inspector.twin.scenes import SceneSettings, render
from tests.system.bench import wait_for


@pytest.mark.timeout(60)
def test_the_line_notifies_systemd(tmp_path: Path) -> None:
    plant = found(tmp_path, Size(parts=0, seed=0))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "1.png"), render(1, SceneSettings(width=512, height=384)).pixels)
    station = plant.config / "stations" / f"{STATION}.toml"
    text = station.read_text()
    start, end = text.index("[camera]"), text.index("[[sink]]")
    camera = f'[camera]\nkind = "folder"\npath = "{pictures}"\nmode = "watch"\n'
    table = f'{camera}[trigger]\nkind = "free"\n[gate]\nkind = "dry"\n\n'
    station.write_text(text[:start] + table + text[end:])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(0.1)
        told: list[str] = []

        def heard(word: str) -> bool:
            try:
                told.append(channel.recv(4096).decode())
            except TimeoutError:
                return False
            return any(word in line for line in told)

        command = [sys.executable, "-m", "inspector", "line", "--config", str(plant.config), "--station", STATION]
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        line = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        try:
            wait_for("READY", lambda: heard("READY=1"), patience_s=30)
            assert told == ["READY=1"]
            wait_for("WATCHDOG", lambda: heard("WATCHDOG=1"), patience_s=10)
            line.terminate()
            wait_for("STOPPING", lambda: heard("STOPPING=1"), patience_s=10)
            assert line.wait(20) == 0
        finally:
            line.kill()
            line.communicate()
