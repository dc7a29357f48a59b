"""Which GenTL producers this PC has, and which cameras they reach; none is opened."""

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from inspector.adapters.camera_gentl.library import Harvester
from inspector.adapters.camera_gentl.nodes import spoken_for
from inspector.domain.errors import DeviceError
from inspector.ports.plugin import FoundCamera

log = structlog.get_logger(__name__)

VARIABLE = "GENICAM_GENTL64_PATH"
"""Makers' set-up programs add their folder to it: the GenTL standard's way to find producers."""


def producers() -> list[Path]:
    """Producers of the folders, or files, that the environment names, in its order, each once."""
    found: dict[Path, None] = {}
    for place in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        path = Path(place)
        found.update(dict.fromkeys([path] if path.is_file() else sorted(path.glob("*.cti"))))
    return list(found)


def seen_cameras() -> Sequence[FoundCamera]:
    """Every camera that any producer reaches; a producer that cannot be used is told in the log.

    Raises:
        DeviceError: there is no producer.
    """
    known = producers()
    if not known:
        raise DeviceError(
            "camera gentl",
            f"no GenTL producer is known: {VARIABLE} names no folder with a .cti file; install the maker's software, "
            "or name his producer by --producer",
        )
    found: list[FoundCamera] = []
    for producer in known:
        try:
            found += _seen_by(producer)
        except DeviceError as error:
            log.warning("camera.producer_unusable", producer=str(producer), reason=error.reason)
    return found


def _seen_by(producer: Path) -> list[FoundCamera]:
    harvester = Harvester()
    try:
        with spoken_for("camera gentl", f"producer {producer} cannot be used"):
            harvester.add_file(str(producer))
            harvester.update()
            return [
                FoundCamera(
                    model=f"{one.vendor} {one.model}",
                    serial=str(one.serial_number),
                    setting=f'producer = "{producer}", serial = "{one.serial_number}"',
                )
                for one in harvester.device_info_list
            ]
    finally:
        harvester.reset()
