"""Keeps OpenVINO's compiled graphs honest: a file of them that changed on the disk is thrown away, never run.

OpenVINO itself does not look: a compiled graph with flipped bits loads without a word and gives other answers.
"""

import hashlib
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_COMPILED, _SUM = ".blob", ".sha256"


def folder_of(data_dir: str, station: str) -> Path | None:
    """The station's folder of compiled graphs; None where none can be written: then nothing is cached."""
    if not data_dir:
        return None
    folder = Path(data_dir) / station / "cache" / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        log.warning("runtime.uncached", folder=str(folder), reason=error.strerror)
        return None
    return folder


def float_folder(folder: Path | None) -> Path | None:
    """Where graphs that compute in float are kept, apart from those in 8 bits; what changed there is thrown away."""
    if folder is None:
        return None
    inside = folder / "float"
    try:
        inside.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        log.warning("runtime.uncached", folder=str(inside), reason=error.strerror)
        return None
    drop_what_changed(inside)
    return inside


def drop_what_changed(folder: Path) -> None:
    """Delete every compiled graph that is not what was sealed."""
    for compiled in folder.glob(f"*{_COMPILED}"):
        seal = compiled.with_suffix(_SUM)
        try:
            if seal.read_text(encoding="ascii") == _sum(compiled):
                continue
        except (OSError, UnicodeDecodeError):
            pass  # never sealed: whoever wrote it did not finish, or it is being written now
        log.warning("runtime.cache_dropped", file=compiled.name)
        compiled.unlink(missing_ok=True)
        seal.unlink(missing_ok=True)


def seal(folder: Path) -> None:
    """Note what each new compiled graph is."""
    for compiled in folder.glob(f"*{_COMPILED}"):
        target = compiled.with_suffix(_SUM)
        if target.exists():
            continue
        draft = target.with_suffix(".tmp")
        try:
            draft.write_text(_sum(compiled), encoding="ascii")
            draft.replace(target)
        except OSError as error:
            log.warning("runtime.unsealed", file=compiled.name, reason=error.strerror)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
