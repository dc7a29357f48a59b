"""Reads the names that a server's certificate is for."""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509


def names_of(path: Path) -> Sequence[str]:
    """The DNS names of a PEM file's first certificate, "*.plant" as it stands; none where it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ()
    return names.get_values_for_type(x509.DNSName)
