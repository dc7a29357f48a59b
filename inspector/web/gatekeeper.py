"""Lets people in and out: secrets, lock-out, sessions, signatures."""

import hashlib
import secrets
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from inspector.domain.account import FAILURES_WITHIN, MOST_FAILURES, Account, Session
from inspector.web.station import Station

log = structlog.get_logger(__name__)

MOST_WAITING = 8
"""Secrets that are checked or wait for it; more are answered 503."""
_TOKEN_BYTES = 32
_TOUCH_EVERY = timedelta(seconds=20)
"""A session's last use is written down so often at most."""


class RefusedError(Exception):
    """Not let in. ``until``: the account is locked until then; None: the secret or the name is wrong."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("locked" if until else "wrong name or secret")
        self.until = until


class UnsignedError(Exception):
    """It must be signed: the secret is to be given again with it."""


class BusyError(Exception):
    """Too many secrets are being checked at this moment; nothing was counted."""


class Gatekeeper:
    """Any thread may call; checking a secret takes a fifth of a second, and one is checked at a time.

    Only ``MOST_WAITING`` may wait for that: a flood of tries would else hold all threads that serve pages.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._room = threading.BoundedSemaphore(MOST_WAITING)

    def enter(self, name_or_badge: str, secret: str) -> tuple[str, Session]:
        """Begin a session: the token for the browser's cookie, and what is kept of it.

        Raises:
            RefusedError: wrong name, wrong secret, or locked.
            BusyError: too many ask at this moment.
        """
        account = self._checked(name_or_badge.strip(), secret)
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._station.now()
        session = Session(
            token_hash=_hashed(token),
            account=account.name,
            csrf=secrets.token_urlsafe(_TOKEN_BYTES),
            began=now,
            used=now,
        )
        self._station.sessions.keep(session)
        by_now = self._station.accounts.find(account.name)
        if by_now is None or not by_now.active or by_now.secret_hash != account.secret_hash:
            # it was changed while its secret was checked
            self._station.sessions.end(session.token_hash)
            raise RefusedError(None)
        log.info("web.signed_in", account=account.name, role=account.role.value)
        return token, session

    def who(self, token: str, *, used: bool) -> tuple[Account, Session] | None:
        """Whose session this cookie is; None for nobody's any more. ``used``: a person did something, not a clock."""
        if not token:
            return None
        session, now = self._station.sessions.session(_hashed(token)), self._station.now()
        if session is None:
            return None
        account = self._station.accounts.find(session.account)
        if not session.alive(now) or account is None or not account.active:
            self._station.sessions.end(session.token_hash)
            return None
        if used and now - session.used > _TOUCH_EVERY:
            session = replace(session, used=now)
            self._station.sessions.touch(session.token_hash, now)
        return account, session

    def leave(self, session: Session) -> None:
        """End a session at once, wherever its cookie still is."""
        self._station.sessions.end(session.token_hash)
        log.info("web.signed_out", account=session.account)

    def sign(self, account: Account, secret: str) -> None:
        """Check the secret anew, as a signature.

        Raises:
            UnsignedError: none was given.
            RefusedError: it is wrong, or the account is locked by now.
            BusyError: too many ask at this moment.
        """
        if not secret:
            raise UnsignedError
        self._checked(account.name, secret)

    def _checked(self, name_or_badge: str, secret: str) -> Account:
        """Look at one secret. A try counts as wrong until it was right, so tries at the same time are counted too."""
        if not self._room.acquire(blocking=False):
            raise BusyError
        try:
            return self._one(name_or_badge, secret)
        finally:
            self._room.release()

    def _one(self, name_or_badge: str, secret: str) -> Account:
        station, now = self._station, self._station.now()
        account = station.accounts.find(name_or_badge) if name_or_badge else None
        name = account.name if account else name_or_badge
        before = station.failures.attempt(name, now)
        if len(before) >= MOST_FAILURES:
            raise RefusedError(before[-MOST_FAILURES] + FAILURES_WITHIN)
        known = account is not None and account.active
        if not station.secrets.fits(secret, account.secret_hash if account and known else "") or account is None:
            log.warning("web.refused", account=name, failures=len(before) + 1)
            raise RefusedError(None)
        station.failures.forget(name)
        return account


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
