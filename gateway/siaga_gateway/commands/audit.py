"""For whoever audits: is what is there what was written?"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.commands.shared import by_option, config_option, opened, told_plainly
from siaga_gateway.domain.audit import HASH_BYTES, Link, exported
from siaga_gateway.service import journal
from siaga_gateway.service.audit import AuditBroken, chain, verify

BROKEN = 3  # the exit code
_TELL_S = 2.0


@click.group()
def audit() -> None:
    """The chain that shows every change of the journal and the stored events."""


class Hash(click.ParamType[bytes]):
    """32 bytes as 64 hex digits."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            hash_ = bytes.fromhex(value)
        except ValueError:
            hash_ = b""
        if len(hash_) != HASH_BYTES:
            self.fail(f"{value!r} is no hash: {2 * HASH_BYTES} hex digits, as `audit head` prints it", param, ctx)
        return hash_


@audit.command(name="verify")
@config_option
@click.option("--head", "hash_", type=Hash(), help="A head that was kept elsewhere: its hash ...")
@click.option("--id", "number", type=click.IntRange(0), help="... and its number.")
@told_plainly
def verify_chain(config: Path, hash_: bytes | None, number: int | None) -> None:
    """Recompute everything; also while the gateway runs. Says in one line what is wrong and where.

    Exit code 0: all is as it was written; 3: it is not; 1: it could not be checked.

    Whoever can write to the store can also rewrite the whole chain, or take its end away: only a head that was kept
    elsewhere shows that.
    """
    if (hash_ is None) != (number is None):
        raise click.UsageError("--head and --id belong together: `audit head` prints both")
    kept = None if hash_ is None or number is None else Link(number, hash_)
    with opened(config) as (_, store):
        try:
            found = verify(store, kept, _Progress())
        except AuditBroken as broken:
            click.echo(f"siaga: audit: {broken}", err=True)
            sys.exit(BROKEN)
    click.echo(
        f"whole: {found.head.id} entries, {found.events} events in {found.batches} batches; "
        f"head {found.head.id} {found.head.hash.hex()}"
    )


class _Progress:
    """Now and then a line to stderr: a big store takes minutes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TELL_S

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_S
            click.echo(f"{what}: {done} of {of}", err=True)


@audit.command()
@config_option
@told_plainly
def head(config: Path) -> None:
    """Print the number and the hash of the newest entry. Keep them where nobody who can write to the store can."""
    with opened(config) as (_, store):
        found = store.chain_head()
    click.echo(f"{found.id} {found.hash.hex()}")


@audit.command()
@config_option
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Begin behind this entry.")
@by_option
@told_plainly
def export(config: Path, after: int, actor: str) -> None:
    """Print the chain for an auditor, a JSON object a line. No personal data: of a frame only its SHA-256."""
    with opened(config) as (_, store):
        end = store.chain_head()
        link = Link(after, b"")
        while page := chain(store, link, end.id):
            for entry in page:
                click.echo(exported(entry.text, entry.hash))
            link = Link(page[-1].id, page[-1].hash)
        with store.transaction() as transaction:
            facts = {"after": after, "head": end.id}
            transaction.note(journal.AUDIT_EXPORTED, WallClock().now_ms(), facts, actor=actor)
