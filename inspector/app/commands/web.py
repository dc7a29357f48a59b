"""`inspector web`: the operators' station, and its accounts."""

import getpass
import json
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from inspector.app import options, service
from inspector.app.exits import speaking_plainly
from inspector.app.parts import JOURNAL_FILE, check_parts
from inspector.app.settings import Loaded
from inspector.domain.account import Account, Role, check_new, check_secret
from inspector.domain.errors import ConfigError

if TYPE_CHECKING:
    from inspector.adapters.accounts_sqlite import SqliteAccounts
    from inspector.adapters.password_argon2 import Argon2Secrets
    from inspector.app.web_accounts import Register

app = typer.Typer(invoke_without_command=True, help="The operators' station: pages for people, REST for programs.")
user = typer.Typer(
    no_args_is_help=True,
    help="Who may sign in at the stations of this PC.\n\nExample: inspector web user add mara --role operator",
)
app.add_typer(user, name="user")

Name = Annotated[str, typer.Argument(help="Account name.")]
FromInput = Annotated[
    bool, typer.Option("--secret-from-stdin", help="Read the PIN or password from standard input instead of asking.")
]


@app.callback()
def web(context: typer.Context, config: options.Config = None, station: options.StationName = None) -> None:
    """Serve one station's pages and interface until SIGTERM. Where nobody may sign in yet, an admin is made.

    Example: inspector web --station left
    """
    if context.invoked_subcommand is not None:
        return
    service.configure_logs()
    with speaking_plainly():
        parts = check_parts(options.load(config, station))
        _require_extra()
        from inspector.app.web_station import serve  # noqa: PLC0415 - the extra "web" may not be installed

        with service.stop_on_signals():
            raise SystemExit(serve(parts))


@user.command("add")
def add(
    name: Name,
    *,
    role: Annotated[Role, typer.Option("--role", help="What the person is.")],
    badge: Annotated[str, typer.Option("--badge", help="What the badge reader types.")] = "",
    language: Annotated[str, typer.Option("--language", help="en, de or zh-Hans.")] = "",
    full_name: Annotated[str, typer.Option("--full-name", help="How people call the person.")] = "",
    from_stdin: FromInput = False,
    config: options.Config = None,
    station: options.StationName = None,
) -> None:
    """Let a person sign in. The PIN (operators) or password is asked for.

    Example: inspector web user add mara --role operator
    """
    with speaking_plainly(), _register(options.load(config, station)) as register:
        draft = Account(name=name, role=role, secret_hash="", badge=badge, language=language, full_name=full_name)
        check_new(draft, register.accounts.listed())  # before anybody types a secret
        secret = _asked(role, from_stdin=from_stdin)
        register.add(replace(draft, secret_hash=register.hasher.hashed(secret)))
        sys.stdout.write(f"{name} may sign in as {role.value}\n")


@user.command("list")
def list_(*, config: options.Config = None, station: options.StationName = None, as_json: options.Json = False) -> None:
    """Show all accounts.

    Example: inspector web user list
    """
    with speaking_plainly(), _accounts(options.load(config, station)) as (accounts, _hasher):
        for account in accounts.listed():
            row = {
                "name": account.name,
                "role": account.role.value,
                "active": account.active,
                "full_name": account.full_name,
            }
            text = (
                json.dumps(row)
                if as_json
                else f"{account.name:20} {account.role.value:10} {'' if account.active else 'inactive':8} "
                f"{account.full_name}"
            )
            sys.stdout.write(text.rstrip() + "\n")


@user.command("secret")
def secret(
    name: Name,
    *,
    from_stdin: FromInput = False,
    config: options.Config = None,
    station: options.StationName = None,
) -> None:
    """Give an account another PIN or password, lift its lock-out, and end its sessions.

    Example: inspector web user secret mara
    """
    with speaking_plainly(), _register(options.load(config, station)) as register:
        account = _known(register.accounts.find(name), name)
        hashed = register.hasher.hashed(_asked(account.role, from_stdin=from_stdin))
        register.change(account, replace(account, secret_hash=hashed))
        register.accounts.forget(account.name)
        sys.stdout.write(f"{account.name} has another secret\n")


@user.command("unlock")
def unlock(name: Name, *, config: options.Config = None, station: options.StationName = None) -> None:
    """Lift the lock-out after wrong secrets.

    Example: inspector web user unlock mara
    """
    with speaking_plainly(), _register(options.load(config, station)) as register:
        register.unlock(account := _known(register.accounts.find(name), name))
        sys.stdout.write(f"{account.name} may try again\n")


@user.command("off")
def off(name: Name, *, config: options.Config = None, station: options.StationName = None) -> None:
    """End an account: its sessions end at once; what it signed stays.

    Example: inspector web user off mara
    """
    _switch(name, config, station, active=False)


@user.command("on")
def on(name: Name, *, config: options.Config = None, station: options.StationName = None) -> None:
    """Let an account that was ended sign in again.

    Example: inspector web user on mara
    """
    _switch(name, config, station, active=True)


def _switch(name: str, config: options.Config, station: options.StationName, *, active: bool) -> None:
    with speaking_plainly(), _register(options.load(config, station)) as register:
        account = _known(register.accounts.find(name), name)
        register.change(account, replace(account, active=active))
        sys.stdout.write(f"{account.name} may {'' if active else 'not '}sign in\n")


def _known(account: Account | None, name: str) -> Account:
    if account is None:
        raise ConfigError(f"account {name!r} is not there; inspector web user list shows those that are")
    return account


def _asked(role: Role, *, from_stdin: bool) -> str:
    what = "PIN" if role is Role.OPERATOR else "password"
    given = sys.stdin.readline().rstrip("\n") if from_stdin else getpass.getpass(f"{what}: ")
    check_secret(given, role)
    if not from_stdin and getpass.getpass("again: ") != given:
        raise ConfigError(f"the two {what}s differ; nothing was changed")
    return given


def _accounts(loaded: Loaded) -> "AbstractContextManager[tuple[SqliteAccounts, Argon2Secrets]]":
    _require_extra()
    from inspector.app.web_accounts import open_them  # noqa: PLC0415 - the extra "web" may not be installed

    return open_them(loaded.path("data_dir"))


def _register(loaded: Loaded) -> "AbstractContextManager[Register]":
    _require_extra()
    from inspector.app.web_accounts import open_register  # noqa: PLC0415 - the extra "web" may not be installed

    data_dir = loaded.path("data_dir")
    return open_register(data_dir, data_dir / loaded.name / JOURNAL_FILE, station=loaded.name)


def _require_extra() -> None:
    missing = [name for name in ("argon2", "babel", "fastapi", "jinja2", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the station's packages are missing ({', '.join(missing)}); in the checkout: pip install '.[web]'"
        )
