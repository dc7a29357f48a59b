"""Which V4L2 devices this PC has, as the kernel tells without any being opened."""

from collections.abc import Sequence
from pathlib import Path

from inspector.ports.plugin import FoundCamera

_KERNEL = Path("/sys/class/video4linux")
_LINKS = Path("/dev/v4l/by-id")


def seen_devices(kernel: Path = _KERNEL, links: Path = _LINKS) -> Sequence[FoundCamera]:
    """Every device that may give pictures, by the name that stays with it where it has one.

    ``kernel``, ``links``: where the kernel lists its devices, and where their lasting names are.
    """
    lasting = {link.resolve().name: link for link in sorted(links.glob("*"))} if links.is_dir() else {}
    found: list[FoundCamera] = []
    for device in sorted(kernel.glob("video*"), key=lambda one: (len(one.name), one.name)):
        if _told(device / "index") not in {"", "0"}:  # the others of one camera carry no pictures
            continue
        source = lasting.get(device.name, Path("/dev", device.name))
        serial = _told(device / "device" / ".." / "serial")
        found.append(FoundCamera(model=_told(device / "name"), serial=serial, setting=f'source = "{source}"'))
    return found


def _told(path: Path) -> str:
    """A line of the kernel's; "" where it has none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
