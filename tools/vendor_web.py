"""Fetch the browser's libraries from the npm registry, and note what was fetched.

    python -m tools.vendor_web          fetch, and write manifest.json anew
    python -m tools.vendor_web --check  compare the files that stand here with their manifest; fetch nothing

A browser in a plant reaches nothing but this PC: what its pages need stands in inspector/web/static/vendor. What only
the tests need stands in tests/web/vendor.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "inspector" / "web" / "static" / "vendor"
TESTS = ROOT / "tests" / "web" / "vendor"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package of the registry, and the files of it that are wanted (path in the package to name here)."""

    name: str
    version: str
    licence: str
    files: Mapping[str, str]


WANTED: Mapping[Path, Sequence[Package]] = {
    PAGES: (
        Package(
            name="htmx.org",
            version="4.0.1",
            licence="BSD-0-Clause",
            files={"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
        ),
        Package(
            name="openseadragon",
            version="6.1.1",
            licence="BSD-3-Clause",
            files={
                "build/openseadragon/openseadragon.min.js": "openseadragon.min.js",
                "LICENSE.txt": "openseadragon.LICENSE",
            },
        ),
        Package(
            name="swagger-ui-dist",
            version="5.35.0",
            licence="Apache-2.0",
            files={
                "swagger-ui-bundle.js": "swagger-ui-bundle.js",
                "swagger-ui.css": "swagger-ui.css",
                "LICENSE": "swagger-ui.LICENSE",
            },
        ),
    ),
    TESTS: (
        Package(
            name="axe-core",
            version="4.14.1",
            licence="MPL-2.0",
            files={"axe.min.js": "axe.min.js", "LICENSE": "axe.LICENSE"},
        ),
    ),
}


def fetch(package: Package, folder: Path) -> list[dict[str, str]]:
    """Fetch the wanted files into ``folder``; the manifest's lines."""
    with tempfile.TemporaryDirectory() as scratch:
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("vendor_web: npm is missing: apt-get install npm")
        wanted = f"{package.name}@{package.version}"
        subprocess.run([npm, "pack", "--silent", wanted], cwd=scratch, check=True)  # noqa: S603 - names of our own
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as tar:
            about = json.loads(_content(tar, "package.json"))
            if about["license"] != package.licence:
                raise SystemExit(f"vendor_web: {wanted} has licence {about['license']!r}, not {package.licence!r}")
            lines = []
            for inside, name in package.files.items():
                content = _content(tar, inside)
                (folder / name).write_bytes(content)
                lines.append(_line(package, name, content))
    return lines


def _content(tar: tarfile.TarFile, inside: str) -> bytes:
    member = tar.extractfile(f"package/{inside}")
    if member is None:
        raise SystemExit(f"vendor_web: {inside} is no file of the package")
    return member.read()


def _line(package: Package, name: str, content: bytes) -> dict[str, str]:
    return {
        "file": name,
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def findings(folder: Path) -> list[str]:
    """What differs between the files of a folder and its manifest."""
    lines: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    told = {line["file"]: line["sha256"] for line in lines}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != MANIFEST
    }
    wrong = [f"{folder / name}: altered" for name in sorted(told.keys() & there.keys()) if told[name] != there[name]]
    wrong += [f"{folder / name}: missing" for name in sorted(told.keys() - there.keys())]
    return wrong + [f"{folder / name}: not in the manifest" for name in sorted(there.keys() - told.keys())]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only, fetch nothing")
    if parser.parse_args().check:
        wrong = [line for folder in WANTED for line in findings(folder)]
        raise SystemExit("\n".join(wrong) or 0)
    for folder, packages in WANTED.items():
        folder.mkdir(parents=True, exist_ok=True)
        lines = [line for package in packages for line in fetch(package, folder)]
        (folder / MANIFEST).write_text(json.dumps(lines, indent=2) + "\n", encoding="utf-8")
        print(f"{folder.relative_to(ROOT)}: {len(lines)} files")


if __name__ == "__main__":
    main()
