"""Where nobody may sign in yet, an admin is made, whose password is generated and shown once."""

import os
import secrets
from pathlib import Path

from inspector.app.web_accounts import Register
from inspector.domain.account import Account, Role

FIRST_ADMIN = "admin"
FIRST_PASSWORD_FILE = "first-admin-password.txt"  # noqa: S105 - the name of a file
_PASSWORD_BYTES = 12


def ensure_first_admin(register: Register, folder: Path) -> Path | None:
    """The file that holds the first admin's password, for its owner only; None where there are accounts already."""
    if register.accounts.listed():
        return None
    password, path = secrets.token_urlsafe(_PASSWORD_BYTES), folder / FIRST_PASSWORD_FILE
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(password + "\n")
    account = Account(name=FIRST_ADMIN, role=Role.ADMIN, secret_hash=register.hasher.hashed(password))
    register.add(account)
    draft.replace(path)
    return path
