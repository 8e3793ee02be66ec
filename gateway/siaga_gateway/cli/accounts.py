"""For the administrator: accounts at the console, their roles, and who is signed in."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Final

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.cli.common import by_option, config_option, opened, print_rows, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, tell
from siaga_gateway.cli.typed_password import typed_password
from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.accounts.account_changes import AccountError

# All but the password.
_ACCOUNT_JSON: Final = ("name", "role", "jurisdiction", "created_ms", "created_by", "changed_ms", "disabled_ms")
_name = click.argument("name")
_json = click.option("--json", "as_json", is_flag=True)
_role = click.option("--role", type=click.Choice([str(each) for each in Role]), default=None)
_station = click.option("--station", "jurisdiction", default=None)


@click.group(cls=LocalizedGroup)
def account() -> None:
    pass


@account.command(name="add")
@config_option
@_name
@_role
@click.option("--administrator", is_flag=True)
@_station
@by_option
@told_plainly
def add(config: Path, name: str, role: str | None, administrator: bool, jurisdiction: str | None, actor: str) -> None:
    from siaga_gateway.web.session.auth import hash_password

    if administrator is (role is not None):
        raise AccountError("account.one_role", known=", ".join(Role))
    with opened(config) as (_, store):
        wanted = role or str(Role.ADMINISTRATOR)
        book = AccountBook(store, WallClock())
        added = book.add(name, wanted, hash_password(typed_password()), jurisdiction, actor)
    tell("account.added", name=added, role=_role_name(wanted))


@account.command(name="list")
@config_option
@_json
@told_plainly
def list_accounts(config: Path, as_json: bool) -> None:
    with opened(config) as (settings, store):
        accounts, signed_in = store.accounts(), [each.name for each in store.sessions()]
    as_text = partial(_tell_account, signed_in=signed_in, local=settings.local)
    print_rows(accounts, partial(_account_json, signed_in=signed_in) if as_json else None, as_text, "account.none")


@account.command(name="role")
@config_option
@_name
@click.argument("role", type=click.Choice([str(each) for each in Role]))
@_station
@by_option
@told_plainly
def change_role(config: Path, name: str, role: str, jurisdiction: str | None, actor: str) -> None:
    with opened(config) as (_, store):
        AccountBook(store, WallClock()).set_role(name, role, jurisdiction, actor)
    tell("account.role", name=name, role=_role_name(role))


@account.command(name="password")
@config_option
@_name
@by_option
@told_plainly
def change_password(config: Path, name: str, actor: str) -> None:
    from siaga_gateway.web.session.auth import hash_password

    with opened(config) as (_, store):
        AccountBook(store, WallClock()).set_password(name, hash_password(typed_password()), actor)
    tell("account.password", name=name)


@account.command(name="disable")
@config_option
@_name
@by_option
@told_plainly
def disable(config: Path, name: str, actor: str) -> None:
    with opened(config) as (_, store):
        AccountBook(store, WallClock()).disable(name, actor)
    tell("account.disabled", name=name)


@account.command(name="enable")
@config_option
@_name
@by_option
@told_plainly
def enable(config: Path, name: str, actor: str) -> None:
    with opened(config) as (_, store):
        AccountBook(store, WallClock()).enable(name, actor)
    tell("account.enabled", name=name)


@account.command(name="sessions")
@config_option
@_json
@told_plainly
def sessions(config: Path, as_json: bool) -> None:
    now_ms = WallClock().now_ms()
    with opened(config) as (settings, store):
        found = [each for each in store.sessions() if each.left_ms(now_ms) > 0]
    as_text = partial(_tell_session, local=settings.local)
    print_rows(found, _session_json if as_json else None, as_text, "account.no_session")


@account.command(name="sign-out")
@config_option
@_name
@by_option
@told_plainly
def sign_out(config: Path, name: str, actor: str) -> None:
    with opened(config) as (_, store):
        ended = AccountBook(store, WallClock()).sign_out(name, actor)
    tell("account.signed_out", name=name, count=ended)


def _role_name(role: str) -> str:
    return text(f"console.role.{role}", reader_language(os.environ))


def _tell_account(each: Account, signed_in: list[str], local: LocalTime) -> None:
    role = _role_name(each.role) + (f" ({each.jurisdiction})" if each.jurisdiction else "")
    if each.disabled_ms is not None:
        tell("account.line_disabled", name=each.name, role=role, time=local.moment(each.disabled_ms))
    else:
        tell("account.line", name=each.name, role=role, sessions=signed_in.count(each.name))


def _account_json(each: Account, signed_in: list[str]) -> dict[str, object]:
    return {name: getattr(each, name) for name in _ACCOUNT_JSON} | {"sessions": signed_in.count(each.name)}


def _tell_session(each: ConsoleSession, local: LocalTime) -> None:
    tell("account.session", name=each.name, time=local.moment(each.begun_ms), address=each.address or "-")


def _session_json(each: ConsoleSession) -> dict[str, object]:
    return {
        "name": each.name,
        "begun_ms": each.begun_ms,
        "address": each.address,
        "locked": each.locked_ms is not None,
    }
