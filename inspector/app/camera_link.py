"""What a camera needs of this PC: room for its bursts, packets that fit, and nobody else who has it."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from pydantic import BaseModel

from inspector.app.parts import Parts
from inspector.app.surroundings import Finding
from inspector.domain.errors import DeviceError
from inspector.pipeline.steady import open_camera

_RMEM = Path("/proc/sys/net/core/rmem_max")
_STATUS = Path("/proc/self/status")
_CAP_NET_RAW = 13
_JUMBO = 9000
_ANY_PORT = 9
_FRESH_S = 2.0


def findings(parts: Parts) -> Iterator[Finding]:
    """Of a camera with a library of its own: the network to it, then the camera itself. Opens it for a moment."""
    plugin, settings = parts.camera
    if not plugin.feeds:
        return
    address = str(getattr(settings, "address", ""))
    if address:
        yield receive_buffer(settings, rmem_max=int(_RMEM.read_text()), past_the_kernel=may_use_packet_sockets())
        yield mtu_towards(address, settings)
    yield _exclusive(parts)


def receive_buffer(settings: BaseModel, *, rmem_max: int, past_the_kernel: bool) -> Finding:
    """Whether a burst finds room: in the kernel's buffer, or past it by a packet socket."""
    wanted = int(getattr(settings, "buffer_mb", 32)) << 20
    found = f"net.core.rmem_max = {rmem_max}"
    if rmem_max >= wanted:
        return Finding(name="receive buffer", level="ok", found=found)
    if past_the_kernel and getattr(settings, "packet_socket", True):
        return Finding(
            name="receive buffer",
            level="ok",
            found=f"{found}; this user may read past it (CAP_NET_RAW), see the service's",
        )
    return Finding(
        name="receive buffer",
        level="bad",
        found=f"{found}, wanted are {wanted}: frames will be torn",
        remedy="cp systemd/inspector.sysctl.conf /etc/sysctl.d/60-inspector.conf && sysctl --system",
    )


def may_use_packet_sockets() -> bool:
    """Whether this process has CAP_NET_RAW."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(line.split()[1], 16) >> _CAP_NET_RAW & 1)


def mtu_towards(address: str, settings: BaseModel) -> Finding:
    """Whether the camera's packets fit the network card that leads to it."""
    card, mtu = card_towards(address)
    if not card:
        return Finding(
            name="camera network",
            level="bad",
            found=f"no network card leads to {address}",
            remedy="give a card an address in the camera's own network, or set camera.address",
        )
    found = f"{card} leads to {address}, MTU {mtu}"
    packet = getattr(settings, "packet_size", None)
    if packet is not None and packet > mtu:
        return Finding(
            name="camera network",
            level="bad",
            found=f"{found}, but camera.packet_size = {packet}",
            remedy=f"ip link set {card} mtu {_JUMBO} (and the switch), or set packet_size to {mtu} or less",
        )
    if mtu < _JUMBO:
        return Finding(
            name="camera network",
            level="warn",
            found=found,
            remedy=f"ip link set {card} mtu {_JUMBO} (and the switch): a sixth of the packets, half of the load",
        )
    return Finding(name="camera network", level="ok", found=found)


def card_towards(address: str) -> tuple[str, int]:
    """Name and MTU of the network card that leads there; ("", 0) if none does. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect((address, _ANY_PORT))
            own = asking.getsockname()[0]
    except OSError:
        return "", 0
    for card, places in psutil.net_if_addrs().items():
        if any(place.address == own for place in places):
            return card, psutil.net_if_stats()[card].mtu
    return "", 0


def _exclusive(parts: Parts) -> Finding:
    """Whether the camera opens, set as the station says; while its line runs it is not touched."""
    if running(parts.run_dir):
        return Finding(name="camera", level="ok", found="in use by this station's running line")
    plugin, settings = parts.camera
    try:
        with open_camera(plugin, settings, parts.context) as camera:
            info = camera.describe()
    except DeviceError as error:
        return Finding(name="camera", level="bad", found=str(error), remedy="see there; mend the [camera] table")
    size = f"{info.width} x {info.height} px {info.pixel_format.value}"
    return Finding(name="camera", level="ok", found=f"{info.name} {info.serial}: {size}, and nobody else has it")


def running(run_dir: Path) -> bool:
    """Whether a line of this station is alive."""
    try:
        told = json.loads((run_dir / "status.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(told.get("alive")) and abs(time.monotonic() - float(told.get("monotonic", 0.0))) <= _FRESH_S
