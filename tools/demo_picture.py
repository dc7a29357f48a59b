"""Draws the README's picture: what `inspector demo` shows, from a real run.

    python -m tools.demo_picture docs/demo.svg [--parts 40]

Runs `inspector demo --json`, then draws its last screen and its account. Needs no workshop extra.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from inspector.app.demo import account, show
from inspector.app.demo.plant import STATION

WIDTH = 112
_WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def main() -> None:
    """Run, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = _run(Path(folder), asked.parts, asked.seed)
        run_dir = Path(folder) / "run" / STATION
        twin, status = account.read_json(run_dir / "twin.json"), account.read_json(run_dir / "status.json")
    figures["folder"] = "/tmp/inspector-demo-…"  # noqa: S108 - what the picture says, not a file
    console = Console(record=True, width=WIDTH, file=sys.stderr, force_terminal=True)
    console.print(f"$ make demo PARTS={asked.parts}", style="bold")
    console.print(show.live(twin, status, parts=asked.parts, received=figures["mqtt"]["received"]))
    show.final(console, account.summary(figures), good=True)
    svg = console.export_svg(title="inspector demo")
    asked.target.write_text(_WEB_FONT.sub("", svg), encoding="utf-8")


def _run(folder: Path, parts: int, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "inspector", "demo", "--json", "--dir", str(folder)]
    command += ["--parts", str(parts), "--seed", str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
