"""For the administrator: tokens for programs at the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.cli.common import by_option, config_option, opened, print_rows, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, say, tell
from siaga_gateway.domain.api_tokens import DAY_MS, LONGEST_DAYS, USUAL_DAYS, ApiToken, hash_of
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.accounts.token_book import TokenBook
from siaga_gateway.service.accounts.token_changes import new_token

_name = click.argument("name")


@click.group(cls=LocalizedGroup)
def token() -> None:
    pass


@token.command(name="make")
@config_option
@_name
@click.option("--scope", "scopes", multiple=True)
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=USUAL_DAYS, show_default=True)
@by_option
@told_plainly
def make(config: Path, name: str, scopes: Sequence[str], days: int, actor: str) -> None:
    made = new_token()
    expires_ms = WallClock().now_ms() + days * DAY_MS
    with opened(config) as (settings, store):
        kept = TokenBook(store, WallClock()).make(name, hash_of(made) or "", scopes, expires_ms, actor)
    told = ", ".join(sorted(scopes))
    complain("token.made", name=kept, time=settings.local.moment(expires_ms), scopes=told)
    complain("token.once")
    click.echo(made)


@token.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True)
@told_plainly
def list_tokens(config: Path, as_json: bool) -> None:
    now_ms = WallClock().now_ms()
    with opened(config) as (settings, store):
        found = store.tokens()
    as_text = partial(_tell_token, now_ms=now_ms, local=settings.local)
    print_rows(found, partial(_token_json, now_ms=now_ms) if as_json else None, as_text, "token.none")


@token.command(name="revoke")
@config_option
@_name
@by_option
@told_plainly
def revoke(config: Path, name: str, actor: str) -> None:
    with opened(config) as (_, store):
        TokenBook(store, WallClock()).revoke(name, actor)
    tell("token.revoked_now", name=name)


def _tell_token(each: ApiToken, now_ms: int, local: LocalTime) -> None:
    scopes = each.scopes.replace(" ", ", ")
    if each.revoked_ms is not None:
        tell("token.revoked", name=each.name, time=local.moment(each.revoked_ms), by=each.revoked_by, scopes=scopes)
    elif not each.serves(now_ms):
        tell("token.expired", name=each.name, time=local.moment(each.expires_ms), scopes=scopes)
    else:
        used = say("token.never") if each.used_ms is None else local.moment(each.used_ms)
        tell("token.line", name=each.name, time=local.moment(each.expires_ms), used=used, scopes=scopes)


def _token_json(each: ApiToken, now_ms: int) -> dict[str, object]:
    return {
        "name": each.name,
        "scopes": each.scopes.split(),
        "serves": each.serves(now_ms),
        "made_ms": each.made_ms,
        "made_by": each.made_by,
        "expires_ms": each.expires_ms,
        "revoked_ms": each.revoked_ms,
        "revoked_by": each.revoked_by,
        "used_ms": each.used_ms,
    }
