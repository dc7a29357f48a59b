"""Ed25519 keys and signatures, by the `cryptography` library."""

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from inspector.domain.errors import ConfigError

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_SHOWN_DIGITS = 16


def new_key() -> tuple[bytes, bytes]:
    """A new key pair: the private key (PKCS #8) and the public one (SubjectPublicKeyInfo), both as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


def sign(private_pem: bytes, message: bytes, *, place: str) -> tuple[bytes, bytes]:
    """The signature (64 bytes) of a message, and the public key (32 bytes) that proves it.

    Raises:
        ConfigError: ``place`` holds no private Ed25519 key, or one under a passphrase. The key is never shown.
    """
    try:
        key = serialization.load_pem_private_key(private_pem, password=None)
    except TypeError as error:
        raise ConfigError(
            f"{place}: is under a passphrase; a key without one, in a file of mode 0600, is right"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"{place}: is no private key; `inspector model keygen FILE` makes one (FILE.pub is the public one)"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{place}: is a private key of another kind; Ed25519 is right: inspector model keygen FILE")
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key.sign(message), public


def read_public(pem: bytes, *, place: str) -> bytes:
    """The 32 bytes of a public key in PEM.

    Raises:
        ConfigError: ``place`` holds no public Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        private = b"PRIVATE KEY" in pem
        told = "is a PRIVATE key, which belongs to whoever signs" if private else "is no public key"
        raise ConfigError(f"{place}: {told}; the .pub that `inspector model keygen` writes is right") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{place}: is a public key of another kind; Ed25519 is right")
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fits(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of this public key (32 bytes) signed exactly this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def short_name(public: bytes) -> str:
    """How people name a key: "ed25519:" and the first 16 digits of the sha256 of its 32 bytes."""
    return f"ed25519:{hashlib.sha256(public).hexdigest()[:_SHOWN_DIGITS]}"
