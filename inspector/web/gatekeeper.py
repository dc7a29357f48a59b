"""Lets people in and out: secrets, lock-out, sessions, signatures."""

import hashlib
import secrets
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from inspector.domain.account import Account, Session
from inspector.domain.chain import Content
from inspector.domain.errors import JournalError
from inspector.domain.lockout import Lock, place_of
from inspector.web.station import Station

log = structlog.get_logger(__name__)

MOST_WAITING = 8
"""Secrets that are checked or wait for it; more are answered 503."""
BEGAN, ENDED, LOCKED_OUT = "session.began", "session.ended", "session.locked_out"
STATION = "inspector web"
"""Who locks somebody out, in the audit chain: nobody that is known."""
_TOKEN_BYTES = 32
_SHORT = 12
_TOUCH_EVERY = timedelta(seconds=20)
"""A session's last use is written down so often at most."""


class RefusedError(Exception):
    """Not let in. ``lock``: what is locked, ``left``: for how long yet; None: the secret or the name is wrong."""

    def __init__(self, lock: Lock | None, now: datetime) -> None:
        super().__init__(f"locked: {lock.scope.value}" if lock else "wrong name or secret")
        self.lock = lock
        self.left = lock.until - now if lock else None

    @property
    def until(self) -> datetime | None:
        """When the lock-out ends; None for a wrong secret."""
        return self.lock.until if self.lock else None


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

    def enter(self, name_or_badge: str, secret: str, *, address: str) -> tuple[str, Session]:
        """Begin a session: the token for the browser's cookie, and what is kept of it. It stands in the audit chain.

        ``address``: whose connection it is.

        Raises:
            RefusedError: wrong name, wrong secret, or locked.
            BusyError: too many ask at this moment.
            JournalError: it could not be noted; nobody was let in.
        """
        given = name_or_badge.strip()
        account = self._checked(given, secret, address)
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
            raise RefusedError(None, now)
        way = "name" if given == account.name else "badge"
        content = {"role": account.role.value, "address": address, "by": way, "session": _short(session)}
        try:
            self._note(BEGAN, who=account.name, subject=account.name, content=content)
        except JournalError:
            self._station.sessions.end(session.token_hash)
            raise
        log.info("web.signed_in", account=account.name, role=account.role.value, address=address)
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

    def leave(self, session: Session, *, address: str) -> None:
        """End a session at once, wherever its cookie still is; then it is noted.

        Raises:
            JournalError: it could not be noted; the session has ended all the same.
        """
        self._station.sessions.end(session.token_hash)
        log.info("web.signed_out", account=session.account)
        content = {"address": address, "session": _short(session)}
        self._note(ENDED, who=session.account, subject=session.account, content=content)

    def sign(self, account: Account, secret: str, *, address: str) -> None:
        """Check the secret anew, as a signature.

        Raises:
            UnsignedError: none was given.
            RefusedError: it is wrong, or the account is locked by now.
            BusyError: too many ask at this moment.
        """
        if not secret:
            raise UnsignedError
        self._checked(account.name, secret, address)

    def _checked(self, name_or_badge: str, secret: str, address: str) -> Account:
        """Look at one secret. A try counts as wrong until it was right, so tries at the same time are counted too."""
        if not self._room.acquire(blocking=False):
            raise BusyError
        try:
            return self._one(name_or_badge, secret, address)
        finally:
            self._room.release()

    def _one(self, name_or_badge: str, secret: str, address: str) -> Account:
        station, now, place = self._station, self._station.now(), place_of(address)
        account = station.accounts.find(name_or_badge) if name_or_badge else None
        name = account.name if account else _unknown(name_or_badge)
        tried = station.failures.attempt(name, place, now)
        if tried.refused:
            raise RefusedError(max(tried.refused, key=lambda lock: lock.until), now)
        known = account is not None and account.active
        if not station.secrets.fits(secret, account.secret_hash if account and known else "") or account is None:
            log.warning("web.refused", account=account.name if account else "", address=address)
            for lock in tried.begins:
                self._note_lock(lock, account, address)
            raise RefusedError(None, now)
        station.failures.forget(name, place)
        return account

    def _note_lock(self, lock: Lock, account: Account | None, address: str) -> None:
        """A lock-out, with how many wrong secrets led to it; what was typed for a name nobody has may be a secret."""
        log.warning("web.locked_out", scope=lock.scope.value, account=account.name if account else "", address=address)
        content: Content = {
            "locked": lock.scope.value,
            "wrongSecrets": lock.scope.most,
            "address": address,
            "until": lock.until.isoformat(timespec="seconds"),
        }
        self._note(LOCKED_OUT, who=STATION, subject=account.name if account else "", content=content)

    def _note(self, action: str, *, who: str, subject: str, content: Content) -> None:
        self._station.audit.record(who=who, action=action, subject=subject, content=content, at_utc=self._station.now())


def _unknown(typed: str) -> str:
    """What is kept of a name that no account has: somebody may have typed a secret in its place."""
    return f"?{_hashed(typed)[:_SHORT]}"


def _short(session: Session) -> str:
    """What ties the rows of one session together and opens nothing."""
    return session.token_hash[:_SHORT]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
