"""Finds the names by which browsers may ask for the station: this PC's, the certificate's, those of the settings."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from inspector.adapters.certificate_pem import names_of
from inspector.app.tables import WebTable

RESOLVER = Path("/etc/resolv.conf")


def host_names(table: WebTable, *, certificate: str | None, resolver: Path = RESOLVER) -> frozenset[str]:
    """All of them, lower case. No name server is asked: what it says is what another site may have made it say."""
    named = (*table.hosts, *(urlsplit(origin).hostname or "" for origin in table.origins))
    certified = names_of(Path(certificate)) if certificate else ()
    found = (*_of_this_pc(resolver), *named, *certified)
    return frozenset(name.lower().removesuffix(".") for name in found if name)


def _of_this_pc(resolver: Path) -> list[str]:
    """A PC of the name pc7 is also pc7.local, and pc7 in the domains that it looks names up in."""
    whole = socket.gethostname()
    first = whole.partition(".")[0]
    return ["localhost", whole, first, *(f"{first}.{domain}" for domain in ("local", *_domains(resolver)))]


def _domains(resolver: Path) -> list[str]:
    try:
        lines = resolver.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [domain for line in words if line and line[0] in {"domain", "search"} for domain in line[1:]]
