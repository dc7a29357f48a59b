"""`inspector line` says at its end why it ended and what it judged."""

import json
import subprocess
import sys
from pathlib import Path

import cv2

from inspector.twin.scenes import SceneSettings, render


def test_the_last_event_tells_the_figures(config: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        scene = render(8000 + number, SceneSettings(width=320, height=256, defect_rate=0.5))
        cv2.imwrite(str(pictures / f"part{number}.png"), scene.pixels)
    station = config / "stations" / "left.toml"
    text = station.read_text(encoding="utf-8").replace("/srv/inspector/left", str(pictures))
    text = text.replace('mode = "watch"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    station.write_text(text + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n", encoding="utf-8")
    command = [sys.executable, "-m", "inspector", "line", "--config", str(config), "--station", "left"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["event"], last["why"], last["parts"]) == ("line.ended", "source ended", 3)
    assert last["pass"] + last["fail"] + last["undecided"] == 3
