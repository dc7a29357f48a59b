"""Finds what ships beside the code: model packages and configuration samples."""

from pathlib import Path


def share_dir() -> Path:
    """The folder that holds ``models/`` and ``config/``: inside an installed wheel, or the checkout's root."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_share"
    return installed if installed.is_dir() else package.parent
