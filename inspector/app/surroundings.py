"""What a station's settings expect around it: a camera that is there, a calibration in date, a twin at its port."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from inspector.app import toml_file
from inspector.app.parts import Parts
from inspector.twin.ring import SHM
from inspector.twin.settings import TwinSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. ``level``: "ok", "warn" or "bad". ``remedy``: what would mend it."""

    name: str
    level: str
    found: str
    remedy: str = ""


def camera(parts: Parts) -> Iterator[Finding]:
    """Whether what the camera reads from is there; nothing for a camera that tells it in no key we know."""
    table = parts.loaded.settings.camera
    path, remedy = _needed(table, parts.loaded.name)
    if path is None:
        return
    what = {"path": "folder", "ring": "frame ring"}.get(next((key for key in ("path", "ring") if key in table), ""), "")
    name = f"{what} {path}".strip()
    if path.is_dir() if what == "folder" else path.exists():
        yield Finding(name="camera", level="ok", found=f"{name} is there")
    else:
        yield Finding(name="camera", level="bad", found=f"{name} does not exist", remedy=remedy)


def doubts(parts: Parts, today: date) -> Iterator[Finding]:
    """What is allowed and can hardly be meant.

    Raises:
        ConfigError: the [twin] table is wrong.
    """
    scale = parts.scale
    if scale is not None and (trouble := scale.void(today, scale.serial, scale.frame_px or (0, 0))):
        remedy = "parts with defects are UNDECIDED by limits in mm until then: inspector camera calibrate"
        yield Finding(name="scale", level="warn", found=trouble, remedy=remedy)
    elif scale is not None and (overdue := scale.overdue(today)):
        yield Finding(name="scale", level="warn", found=overdue, remedy="inspector camera calibrate")
    if parts.loaded.settings.twin or parts.loaded.settings.camera.get("kind") == "twin":
        yield from _twin(parts)


def _needed(table: Mapping[str, Any], station: str) -> tuple[Path | None, str]:
    """The path that must be there, and what mends it."""
    source = str(table.get("source", ""))
    if "path" in table:
        return Path(table["path"]), "make it, or set camera.path"
    if source and "://" not in source:
        device = Path(f"/dev/video{source}") if source.isdigit() else Path(source)
        return device, "plug the camera in, or set camera.source"
    if "ring" in table:
        return SHM / table["ring"], f"start inspector twin --station {station}, or set camera.ring"
    return None, ""


def _twin(parts: Parts) -> Iterator[Finding]:
    loaded = parts.loaded
    twin = toml_file.validate(TwinSettings, loaded.settings.twin, origin=loaded.origin, prefix=("twin",))
    on_twin = loaded.settings.camera.get("kind") == "twin"
    ring = getattr(parts.camera[1], "ring", twin.ring)
    if on_twin and ring != twin.ring:
        yield Finding(
            name="twin",
            level="warn",
            found=f"camera.ring = {ring!r}, but twin.ring = {twin.ring!r}",
            remedy="set the same on both sides",
        )
    key, there = ("plc_port", twin.plc_port) if twin.ejector == "plc" else ("io_port", twin.io_port)
    host, port = getattr(parts.gate[1], "host", ""), getattr(parts.gate[1], "port", there)
    polled = parts.loaded.settings.gate.get("kind") == "modbus_server"
    if on_twin and twin.ejector == "plc" and polled != (twin.plc_role == "client"):
        right = "client" if polled else "server"
        yield Finding(
            name="twin",
            level="warn",
            found=f"gate.kind = {parts.loaded.settings.gate.get('kind')!r}, but twin.plc_role = {twin.plc_role!r}",
            remedy=f'twin.plc_role = "{right}", so that one of them polls the other',
        )
    if on_twin and (polled or _is_loopback(host)) and there not in {0, port}:
        yield Finding(
            name="twin",
            level="warn",
            found=f"gate.port = {port}, but twin.{key} = {there}",
            remedy="set the same on both sides",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
