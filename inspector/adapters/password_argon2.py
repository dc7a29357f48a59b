"""Secrets of people, hashed with Argon2id."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Secrets:
    """Fulfils ``Secrets``. One hash takes a fifth of a second and 64 MiB, so only one is computed at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(parallelism=1)
        self._one = threading.Lock()
        self._nobodys = self.hashed("")

    def hashed(self, secret: str) -> str:
        """What is kept of a secret: the PHC string, its salt and costs included."""
        with self._one:
            return self._hasher.hash(secret)

    def fits(self, secret: str, secret_hash: str) -> bool:
        """Whether this is the secret. Where there is no hash, as much time is spent, and the answer is no."""
        with self._one:
            try:
                self._hasher.verify(secret_hash or self._nobodys, secret)
            except (VerificationError, InvalidHashError):
                return False
            return bool(secret_hash)
