"""Signatures of model packages: who answers for every file of a package, and whose word counts here."""

import base64
import binascii
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, field_validator

from inspector.adapters import signature_ed25519
from inspector.app import toml_file
from inspector.app.digest import sha256_of
from inspector.domain.errors import ConfigError

SIGNATURE_FILE = "signature.toml"
SCHEMA = "inspector.signature/1"
_PRIVATE_MODE = 0o600
_PUBLIC_MODE = 0o644
_OTHERS = 0o077
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """Public keys (32 bytes each) by the file that holds them. None: signatures are not asked for."""

    keys: Mapping[str, bytes] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{signature_ed25519.short_name(key)} ({place})" for place, key in self.keys.items())


NOBODY = TrustedKeys()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSignature:
    """A signature that fits its package. ``key``: the public key's short name; ``public``: itself, 32 bytes."""

    key: str
    public: bytes
    signed_utc: str


class _SignatureFile(BaseModel):
    """signature.toml: the digests of every other file of the package, and the signature of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["inspector.signature/1"] = Field(alias="schema")
    key: str
    signed_utc: str
    signature: str
    files: dict[str, str]

    @field_validator("key", "signature")
    @classmethod
    def _is_base64(cls, text: str) -> str:
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("base64 is right") from error
        return text


def trust(files: Sequence[Path]) -> TrustedKeys:
    """The public keys in these PEM files.

    Raises:
        ConfigError: one cannot be read, or holds no public Ed25519 key.
    """
    keys = {}
    for path in files:
        place = f"models.trusted_keys: {path}"
        try:
            keys[str(path)] = signature_ed25519.read_public(path.read_bytes(), place=place)
        except OSError as error:
            raise ConfigError(f"{place}: cannot be read: {error.strerror}; name the .pub of who signs") from error
    return TrustedKeys(keys=keys)


def make_key(path: Path) -> str:
    """Write a new private key (mode 0600) and its public one beside it, with ``.pub`` at the end; give its short name.

    Raises:
        ConfigError: one of the two is there already, or cannot be written.
    """
    private, public = signature_ed25519.new_key()
    beside = path.with_name(f"{path.name}.pub")
    for target in (path, beside):
        if target.exists():
            raise ConfigError(f"{target}: is there already, and a key is never overwritten; choose another name")
    try:
        _write_new(path, private, _PRIVATE_MODE)
        _write_new(beside, public, _PUBLIC_MODE)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return signature_ed25519.short_name(signature_ed25519.read_public(public, place=str(beside)))


def sign_package(folder: Path, key: Path) -> str:
    """Sign every file of a package as it is now, with the private key in ``key``; give the key's short name.

    A signature that is there is replaced.

    Raises:
        ConfigError: no package, or no private key that only its owner can read.
    """
    files = digests(folder)
    if "card.toml" not in files:
        raise ConfigError(f"{folder}: has no card.toml; a model package is right")
    signed_utc = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    signature, public = signature_ed25519.sign(_private(key), _manifest(files, signed_utc), place=str(key))
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `inspector model sign`; docs/models.md explains it. Edit no file here."))
    document.add("schema", tomlkit.item(SCHEMA))
    document.add("key", tomlkit.item(base64.b64encode(public).decode()))
    document.add("signed_utc", tomlkit.item(signed_utc))
    document.add("signature", tomlkit.item(base64.b64encode(signature).decode()))
    document.add("files", tomlkit.item(files))
    draft = folder.parent / f".{folder.name}.{SIGNATURE_FILE}.{os.getpid()}"
    try:
        draft.write_text(tomlkit.dumps(document), encoding="utf-8")
        draft.replace(folder / SIGNATURE_FILE)
    except OSError as error:
        raise ConfigError(f"{folder / SIGNATURE_FILE}: cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return signature_ed25519.short_name(public)


def signer(folder: Path, trusted: TrustedKeys = NOBODY) -> str:
    """Who signed the package as it stands: the key's short name; "" for one that is not signed and need not be.

    Raises:
        ConfigError: it is not what was signed, or it has no signature by a trusted key where there are such keys.
    """
    found = signature_of(folder)
    require_trusted(folder, found, trusted)
    return found.key if found else ""


def require_trusted(folder: Path, found: PackageSignature | None, trusted: TrustedKeys) -> None:
    """Refuse what has no signature by a trusted key, where there are such keys.

    Raises:
        ConfigError: it has none.
    """
    if not trusted.keys:
        return
    if found is None:
        raise ConfigError(
            f"{folder}: is not signed; models.trusted_keys asks for a signature by {trusted}: have it signed with "
            f"`inspector model sign {folder.name} --key FILE`"
        )
    if found.public not in trusted.keys.values():
        raise ConfigError(
            f"{folder}: is signed by {found.key}, which models.trusted_keys does not name; trusted: {trusted}"
        )


def signature_of(folder: Path) -> PackageSignature | None:
    """The signature of a package as it stands; None for one that is not signed.

    Raises:
        ConfigError: it is not what was signed.
    """
    path = folder / SIGNATURE_FILE
    if not path.exists():
        return None
    said = toml_file.validate(_SignatureFile, toml_file.read(path), origin=lambda _: str(path))
    public, signature = base64.b64decode(said.key), base64.b64decode(said.signature)
    if not signature_ed25519.fits(public, signature, _manifest(said.files, said.signed_utc)):
        raise ConfigError(f"{path}: the signature is not of this list of files and key: it was altered; {_REMEDY}")
    changes = _changes(said.files, digests(folder))
    if changes:
        raise ConfigError(f"{folder}: is not what was signed on {said.signed_utc}: {changes}; {_REMEDY}")
    return PackageSignature(key=signature_ed25519.short_name(public), public=public, signed_utc=said.signed_utc)


_REMEDY = "restore the package, or look at it and sign it anew: inspector model sign"


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file of a package but its signature, by its path in the package, in order.

    Raises:
        ConfigError: it cannot be read, or holds something that is no plain file or folder.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such model package; it must be a folder with card.toml and model.onnx")
    found = {}
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            kind = path.lstat().st_mode
            if stat.S_ISDIR(kind) or name == SIGNATURE_FILE:
                continue
            if not stat.S_ISREG(kind):
                raise ConfigError(f"{path}: is no plain file; a signed package holds nothing else")
            found[name] = sha256_of(path)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}") from error
    return found


def _manifest(files: Mapping[str, str], signed_utc: str) -> bytes:
    """What is signed: one canonical line of JSON, keys in order, ASCII."""
    content = {"schema": SCHEMA, "signed_utc": signed_utc, "files": dict(files)}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _changes(signed: Mapping[str, str], found: Mapping[str, str]) -> str:
    words = [f"{name} is missing" for name in sorted(signed.keys() - found.keys())]
    words += [f"{name} is altered" for name in sorted(signed.keys() & found.keys()) if signed[name] != found[name]]
    words += [f"{name} was added" for name in sorted(found.keys() - signed.keys())]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _private(path: Path) -> bytes:
    """A private key that nobody but its owner can read."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & _OTHERS:
                raise ConfigError(f"{path}: mode {mode:04o}: others may read this private key; chmod 600 is right")
            return file.read()
    except OSError as error:
        raise ConfigError(f"--key {path}: cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
