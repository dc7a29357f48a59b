"""What is refused before anything is looked at: another host's name, a picture that would fill the memory."""

import socket
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from inspector.app.tables import WebTable
from inspector.app.web_names import host_names
from inspector.app.web_station import MOST_PIXELS
from inspector.domain.account import Role
from inspector.web.hosts import known
from tests.web.plant import Plant, open_plant

NAMES = frozenset({"localhost", "pc7", "pc7.local", "*.plant"})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "192.0.2.7:8443", "[::1]", "[2001:db8::7]:8443", "localhost:80", "PC7", "pc7.local.", "left.plant"],
)
def test_an_address_and_an_own_name_are_known(host: str) -> None:
    assert known(host, NAMES)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "", ":80", "pc7.evil.example", "127.0.0.1.evil.example", "a.left.plant", "plant", "2130706433"],
)
def test_another_name_is_not(host: str) -> None:
    assert not known(host, NAMES)


def test_who_asks_by_another_name_is_answered_nothing(seen_plant: Plant) -> None:
    """DNS rebinding: another site's name that was given this PC's address."""
    with seen_plant.client() as client:
        for path in ("/live", "/health", "/api/state", "/static/station.css", "/nowhere"):
            answer = client.get(path, headers={"Host": "evil.example"})
            assert answer.status_code == 421, path
            assert "web.hosts" in answer.json()["detail"]
        name, secret = "mara", "4711"
        body = {"name": name, "secret": secret}
        assert client.post("/api/session", json=body, headers={"Host": "evil.example"}).status_code == 421
        for host in (socket.gethostname(), "localhost", "192.0.2.7"):
            assert client.get("/live", headers={"Host": host}).status_code == 200, host


def test_a_name_of_the_settings_is_taken_and_the_reason_is_said_in_the_visitors_language(
    tmp_path: Path, repo: Path
) -> None:
    web = 'hosts = ["Left.Plant"]\norigins = ["https://proxy.plant"]\nopen_live = false\n'
    with open_plant(tmp_path, repo, web=web) as plant, plant.client() as client:
        for host in ("left.plant", "proxy.plant:443"):
            assert client.get("/health", headers={"Host": host}).status_code in {200, 503}
        asked = {"Host": "other.plant", "Accept": "text/html", "Accept-Language": "de"}
        page = client.get("/live", headers=asked)
        assert (page.status_code, "nicht bekannt" in page.text) == (421, True)
        for path in ("/live", "/events"):
            assert client.get(path).status_code == 401, "Live is closed here"


def test_the_names_of_the_certificate_and_of_this_pc_are_taken_by_themselves(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "left")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("left.plant"), x509.DNSName("*.cell")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path, resolver = tmp_path / "web.pem", tmp_path / "resolv.conf"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    resolver.write_text("nameserver 192.0.2.1\nsearch hall.plant plant\n")
    first = socket.gethostname().partition(".")[0].lower()
    names = host_names(WebTable(), certificate=str(path), resolver=resolver)
    assert names >= {
        "localhost",
        first,
        f"{first}.local",
        f"{first}.hall.plant",
        f"{first}.plant",
        "left.plant",
        "*.cell",
    }
    path.write_text("no certificate")
    assert "left.plant" not in host_names(WebTable(), certificate=str(path), resolver=tmp_path / "none")


def test_by_tls_a_browser_is_told_to_ask_by_nothing_else(seen_plant: Plant) -> None:
    with seen_plant.client() as client:
        assert "strict-transport-security" not in client.get("/live").headers
        told = client.get("/live", headers={"X-Forwarded-Proto": "https"}).headers
        assert told["strict-transport-security"] == f"max-age={180 * 86400}"


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is this large: grey, black, whole."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_small_file_that_would_become_gigabytes_is_not_decoded(plant: Plant) -> None:
    side = 9000
    assert side * side > MOST_PIXELS
    file = bomb(side, side)
    assert len(file) < 200_000
    with plant.client(Role.ENGINEER) as client:
        answer = client.post("/api/inspect", files={"picture": ("bomb.png", file, "image/png")}, timeout=120)
    content = answer.json()["resultContent"]
    assert (answer.status_code, content["outcome"]) == (200, "UNDECIDED")
    assert "9000 x 9000 px are too many; at most 67 million are decoded" in answer.text
