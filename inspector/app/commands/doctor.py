"""`inspector doctor`: is this PC fit to run a line?"""

import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from inspector.app import build, camera_link, options, safeguards, service, surroundings
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.parts import Parts, check_parts
from inspector.app.runtime_choice import choice
from inspector.app.settings import Loaded
from inspector.app.surroundings import Finding
from inspector.domain.errors import ConfigError
from inspector.pipeline import punctuality

_NEEDED_MB = 2048
_NEEDED_DISK_GB = 5
_NEEDED_DISK_SHARE = 0.10
_CONNECT_S = 1.0


def doctor(
    config: options.Config = None, station: options.StationName = None, *, as_json: options.Json = False
) -> None:
    """Look at this PC and, if one is named, at a station's folders and peers; exit 1 if something is bad.

    Example: inspector doctor --station left
    """
    service.configure_logs()
    with speaking_plainly():
        findings = [*_machine()]
        folder = options.config_folder(config)
        if folder.is_dir() or config is not None or station is not None:
            findings += _station(config, station)
        else:
            findings.append(
                Finding(
                    name="configuration",
                    level="warn",
                    found="none found",
                    remedy="looked in --config, $INSPECTOR_CONFIG, /etc/inspector, ./config; copy config/ from the "
                    "repository",
                )
            )
        bad = [finding for finding in findings if finding.level == "bad"]
        if as_json:
            sys.stdout.write(json.dumps({"healthy": not bad, "findings": [asdict(f) for f in findings]}) + "\n")
        else:
            for finding in findings:
                sys.stdout.write(f"{finding.level:4}  {finding.name:22} {finding.found}\n")
                if finding.remedy:
                    sys.stdout.write(f"      {'':22} -> {finding.remedy}\n")
        raise SystemExit(EX_FINDINGS if bad else 0)


def _machine() -> Iterator[Finding]:
    yield Finding(name="python", level="ok", found=sys.version.split()[0])
    for package in ("onnxruntime", "opencv-python", "numpy", "pymodbus", "paho-mqtt", "sqlalchemy", "pydantic"):
        yield Finding(name=package, level="ok", found=version(package))
    yield Finding(name="sqlite", level="ok", found=sqlite3.sqlite_version)
    cores = len(os.sched_getaffinity(0))
    yield Finding(
        name="cores",
        level="ok" if cores > 1 else "warn",
        found=str(cores),
        remedy="" if cores > 1 else "inspection and everything else share one core; two or more are right",
    )
    free_mb = psutil.virtual_memory().available // 2**20
    yield Finding(
        name="memory",
        level="ok" if free_mb >= _NEEDED_MB else "warn",
        found=f"{free_mb} MB free",
        remedy="" if free_mb >= _NEEDED_MB else f"a 12-megapixel line wants {_NEEDED_MB} MB free",
    )
    synced = service.clock_synced()
    yield Finding(
        name="clock",
        level="ok" if synced else "warn",
        found="synchronised" if synced else "not known to be synchronised",
        remedy="" if synced else "run systemd-timesyncd or chrony: records carry clockSynced = false until then",
    )


def _station(config: Path | None, station: str | None) -> Iterator[Finding]:
    try:
        loaded = options.load(config, station)
        parts = check_parts(loaded)
        with build.open_detectors(parts):
            pass
        doubts = tuple(surroundings.doubts(parts, datetime.now(UTC).date()))
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding(name="configuration", level="bad", found=line)
        return
    yield Finding(name="configuration", level="ok", found=f"station {loaded.name}")
    yield Finding(name="model", level="ok", found=f"{parts.card.name} {parts.card.version} fits its card")
    yield from _runtimes(parts)
    yield from _punctuality(parts)
    yield from _scale(parts)
    yield from surroundings.camera(parts)
    yield from camera_link.findings(parts)
    yield from doubts
    yield from safeguards.findings(loaded)
    for which in ("data_dir", "run_dir"):
        yield _folder(which, loaded.path(which))
    pictures = loaded.path("data_dir") / loaded.name / "evidence"
    if pictures.is_mount():
        yield _folder("evidence", pictures)
    yield from _peers(loaded)


def _scale(parts: Parts) -> Iterator[Finding]:
    """By what is measured, and until when."""
    scale = parts.scale
    if scale is not None:
        due = f"due {scale.due}" if scale.due else "without a due date"
        of = f"of camera {scale.serial}" if scale.serial else "set by hand"
        yield Finding(name="scale", level="ok", found=f"{scale.id}: {scale.px_per_mm:.4f} px/mm, {of}, {due}")


def _runtimes(parts: Parts) -> Iterator[Finding]:
    """Which runtimes there are, and what was measured of them."""
    if len(parts.runtimes) == 1:
        (kind,) = parts.runtimes
        yield Finding(name="runtime", level="ok", found=f"{kind}; no other is installed or set")
        return
    known = choice.remembered(parts).values()
    if not known:
        yield Finding(
            name="runtime", level="ok", found=f"{', '.join(parts.runtimes)}: measured when the line is first started"
        )
    for entry in sorted(known, key=lambda one: one.measured_utc):
        troubled = any(one.trouble for one in entry.trials)
        yield Finding(
            name="runtime",
            level="warn" if troubled else "ok",
            found=f"{entry.of['frame']}: {choice.words(entry)}",
            remedy="mend it, or set runtime.kind to the one that works" if troubled else "",
        )


def _punctuality(parts: Parts) -> Iterator[Finding]:
    """Whether what the station asks of the kernel is granted to this user; under systemd the unit's limits decide."""
    station = parts.loaded.settings.station
    if station.lock_memory:
        yield _wish("lock_memory", punctuality.why_not_locked())
    if station.realtime_priority:
        yield _wish("realtime_priority", punctuality.why_not_ahead(station.realtime_priority))


def _wish(name: str, why_not: str) -> Finding:
    remedy = "install systemd/inspector-line@.service.d/realtime.conf (it holds for the service, not for this shell)"
    return Finding(
        name=name, level="warn" if why_not else "ok", found=why_not or "granted", remedy=remedy if why_not else ""
    )


def _folder(name: str, path: Path) -> Finding:
    """Whether we can write there, and how much room is left."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        return Finding(
            name=name,
            level="bad",
            found=f"{path}: {error.strerror}",
            remedy=f"create it and give it to this user, or set paths.{name}",
        )
    usage = shutil.disk_usage(path)
    return room(name, path, free=usage.free, total=usage.total)


def room(name: str, path: Path, *, free: int, total: int) -> Finding:
    """How many bytes are left of the disk under this folder, and whether they are enough where things are kept."""
    free_gb, share = free / 2**30, free / total
    low = name != "run_dir" and (free_gb < _NEEDED_DISK_GB or share < _NEEDED_DISK_SHARE)
    return Finding(
        name=name,
        level="warn" if low else "ok",
        found=f"{path}: {free_gb:.1f} GB free ({share:.0%})",
        remedy=f"journal and evidence want {_NEEDED_DISK_GB} GB and {_NEEDED_DISK_SHARE:.0%}: "
        "copy old days of pictures elsewhere, then delete them"
        if low
        else "",
    )


def _peers(loaded: Loaded) -> Iterator[Finding]:
    tables: list[tuple[str, Mapping[str, Any], int]] = [("plc", loaded.settings.gate, 502)]
    tables += [(f"sink {table.get('name', table.get('kind'))}", table, 1883) for table in loaded.settings.sink]
    for name, table, usual in tables:
        host = table.get("host")
        if isinstance(host, str):
            yield _answers(name, host, int(table.get("port") or (8883 if table.get("tls") else usual)))


def _answers(name: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return Finding(name=name, level="ok", found=f"{host}:{port} accepts a connection")
    except OSError as error:
        return Finding(
            name=name,
            level="warn",
            found=f"{host}:{port}: {error.strerror or error}",
            remedy="is it on, is the address right, does a firewall stand between?",
        )
