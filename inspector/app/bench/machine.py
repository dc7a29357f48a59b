"""Says on what machine was measured, and how busy it was."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "hypervisor")
"""What decides how fast int8 and bf16 run, and whether this is a guest whose neighbours share the caches."""
_PACKAGES = ("inspector", "numpy", "opencv-python", "onnxruntime", "openvino")


def describe(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """CPU, its flags that matter, cores, memory, versions and the date, JSON-ready."""
    facts = read_cpuinfo(cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else "")
    has = set(facts.get("flags", "").split())
    return {
        "cpu": facts.get("model name", platform.processor() or platform.machine()),
        "flags": {flag: flag in has for flag in _FLAGS},
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions(),
        "at": now(),
    }


def has_vnni(flags: Mapping[str, bool] | None = None) -> bool:
    """Whether a processor adds products of 8-bit numbers without cutting off. ``flags``: as described; None: ours."""
    return any(there for flag, there in (describe()["flags"] if flags is None else flags).items() if "vnni" in flag)


def read_cpuinfo(text: str) -> Mapping[str, str]:
    """The facts of the first processor."""
    first = text.split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def versions() -> dict[str, str]:
    """Versions of what computes, where installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """This moment, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def load() -> float:
    """Mean number of processes that wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2)
