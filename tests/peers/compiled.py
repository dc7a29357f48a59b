"""C peers on libmodbus: compiled for the test that needs them. Needs gcc, pkg-config and libmodbus-dev."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def compile_peer(name: str, folder: Path) -> Path:
    """Compile ``name``.c into ``folder``; give the program's path."""
    program = folder / name
    pkg_config = shutil.which("pkg-config") or "pkg-config"
    flags = subprocess.run([pkg_config, "--cflags", "--libs", "libmodbus"], check=True, capture_output=True, text=True)
    gcc = shutil.which("gcc") or "gcc"
    command = [
        gcc,
        "-std=gnu11",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{folder}",
        str(HERE / f"{name}.c"),
        "-o",
        str(program),
    ]
    subprocess.run([*command, *flags.stdout.split()], check=True, capture_output=True, text=True)
    return program
