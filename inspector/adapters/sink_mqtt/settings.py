"""What a station file may say about its broker, and the secrets it only points at."""

import os
import ssl
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.domain.errors import ConfigError

PRIVATE = 0o077
"""Permission bits that a file with a secret must not have."""


class TlsSettings(BaseModel):
    """Encryption and the proof of who is who. The broker's name is always verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca_file: Path = Field(description="certificate (PEM) of the authority that signed the broker's certificate")
    cert_file: Path | None = Field(default=None, description="our own certificate (PEM), where the broker asks for it")
    key_file: Path | None = Field(default=None, description="the private key to cert_file (PEM, mode 0600)")

    @model_validator(mode="after")
    def _key_belongs_to_certificate(self) -> "TlsSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or none")
        return self


class MqttSettings(BaseModel):
    """One MQTT broker that gets every record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="name or address of the broker")
    port: int | None = Field(default=None, ge=1, le=65535, description="default: 8883 with tls, else 1883")
    client_id: str = Field(default="", max_length=128, description='default: "inspector-" and the station\'s name')
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto",
        description='"auto": MQTT 5, and 3.1.1 if the broker refuses 5 by name. On 3.1.1 a refused record is not seen',
    )
    username: str = Field(default="", description="user name at the broker")
    password_file: Path | None = Field(default=None, description="file (mode 0600) with the password, first line")
    password_credential: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.-]*$", description="name of a systemd credential with the password"
    )
    tls: TlsSettings | None = Field(default=None, description="absent: no encryption")
    keepalive_s: int = Field(default=5, ge=1, le=600, description="a hung broker is noticed in twice this, plus 1 s")
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60, description="for the connection and its CONNACK")
    retry_min_s: float = Field(default=1.0, gt=0, le=60, description="first wait before connecting again")
    retry_max_s: float = Field(default=5.0, gt=0, le=600, description="longest wait before connecting again")
    window: int = Field(
        default=20, ge=1, le=1000, description="records under way without a PUBACK; the broker may allow fewer"
    )

    @model_validator(mode="after")
    def _one_password(self) -> "MqttSettings":
        if self.password_file and self.password_credential:
            raise ValueError("give password_file or password_credential, not both")
        if (self.password_file or self.password_credential) and not self.username:
            raise ValueError('username = "" is empty, but a password is set: give the user name too')
        if self.retry_max_s < self.retry_min_s:
            raise ValueError(f"retry_max_s = {self.retry_max_s} is below retry_min_s = {self.retry_min_s}")
        return self

    @property
    def address(self) -> str:
        """Host and port, as a person writes it."""
        return f"{self.host}:{self.port or (8883 if self.tls else 1883)}"

    @property
    def tcp_port(self) -> int:
        """The port in use."""
        return self.port or (8883 if self.tls else 1883)

    def password(self) -> str | None:
        """The password from its file or credential; None without one.

        Raises:
            ConfigError: it cannot be read, or others may read it.
        """
        if self.password_credential:
            folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
            if not folder:
                raise ConfigError(
                    f"sink mqtt: password_credential = {self.password_credential!r}, but this process has no systemd "
                    "credentials; add LoadCredential= to the unit, or use password_file"
                )
            return _first_line(Path(folder) / self.password_credential, key="password_credential")
        if self.password_file is None:
            return None
        _require_private(self.password_file, key="password_file")
        return _first_line(self.password_file, key="password_file")

    def tls_context(self) -> ssl.SSLContext | None:
        """TLS 1.2 or newer, chain and host name verified; None without tls.

        Raises:
            ConfigError: a certificate or key cannot be used.
        """
        if self.tls is None:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.tls.ca_file))
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"sink mqtt: tls.ca_file = {str(self.tls.ca_file)!r} is not a readable PEM certificate: {error}"
            ) from error
        context.sslsocket_class = _ClosedOnRefusal
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.tls.cert_file and self.tls.key_file:
            _require_private(self.tls.key_file, key="tls.key_file")
            try:
                context.load_cert_chain(self.tls.cert_file, self.tls.key_file)
            except OSError as error:
                raise ConfigError(
                    f"sink mqtt: tls.cert_file = {str(self.tls.cert_file)!r} with its key cannot be used: {error}"
                ) from error
        return context


class _ClosedOnRefusal(ssl.SSLSocket):
    """A socket that is closed when the handshake fails; paho forgets it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        """Shake hands, or be closed."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _require_private(path: Path, *, key: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"sink mqtt: {key} = {str(path)!r} cannot be read: {error.strerror}") from error
    if mode & PRIVATE:
        raise ConfigError(
            f"sink mqtt: {key} = {str(path)!r} has mode {mode & 0o777:04o}: others may read it; chmod 600 it"
        )


def _first_line(path: Path, *, key: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"sink mqtt: {key}: {str(path)!r} cannot be read as text") from error
    if not lines or not lines[0]:
        raise ConfigError(f"sink mqtt: {key}: {str(path)!r} is empty; its first line is the password")
    return lines[0]
