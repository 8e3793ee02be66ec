"""For auditors: are the data as they were written?"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.catalogue.language import reader_language
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, say, tell, to_the_letter
from siaga_gateway.domain.audit_hashing import HASH_BYTES, Link, exported
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import AuditBroken, verify
from siaga_gateway.service.journal.audit_events import chain
from siaga_gateway.service.journal.audit_gaps import spans

BROKEN = 3  # the exit code
_TELL_S = 2.0


@click.group(cls=LocalizedGroup)
def audit() -> None:
    pass


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
            self.fail(say("audit.no_hash", written=value, digits=2 * HASH_BYTES), param, ctx)
        return hash_


@audit.command(name="verify")
@config_option
@click.option("--head", "hash_", type=Hash())
@click.option("--id", "number", type=click.IntRange(0))
@told_plainly
def verify_chain(config: Path, hash_: bytes | None, number: int | None) -> None:
    if (hash_ is None) != (number is None):
        raise click.UsageError(say("audit.together"))
    kept = None if hash_ is None or number is None else Link(number, hash_)
    with opened(config) as (_, store):
        try:
            found = verify(store, kept, _Progress())
        except AuditBroken as broken:
            complain("audit.broken", why=broken)
            sys.exit(BROKEN)
    head, hash_hex = found.head.id, found.head.hash.hex()
    tell("audit.whole", entries=head, events=found.events, batches=found.batches, head=head, hash=hash_hex)
    if found.removed:
        tell("audit.removed", removed=found.removed)
    if found.frames_removed:
        tell("audit.frames_removed", removed=found.frames_removed)
    if found.losses:
        losses = found.losses
        said = Localized(
            "rescue.noted",
            rescues=", ".join(map(str, found.rescues)),
            entries=spans([*losses.gone, *losses.changed]) or "-",
            batches=spans(losses.batches) or "-",
        )
        click.echo(said.say(reader_language(os.environ)), err=True)


class _Progress:
    """Prints a line to stderr now and then: a big store takes minutes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TELL_S

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_S
            complain(f"audit.progress_{what}", done=done, of=of)


@audit.command()
@config_option
@told_plainly
def head(config: Path) -> None:
    with opened(config) as (_, store):
        found = store.chain_head()
    click.echo(f"{found.id} {found.hash.hex()}")


@audit.command()
@config_option
@click.option("--after", type=click.IntRange(0), default=0, show_default=True)
@by_option
@told_plainly
def export(config: Path, after: int, actor: str) -> None:
    with opened(config) as (_, store):
        end = store.chain_head()
        link = Link(after, b"")
        while page := chain(store, link, end.id):
            for entry in page:
                to_the_letter(exported(entry.text, entry.hash))
            link = Link(page[-1].id, page[-1].hash)
        with store.transaction() as transaction:
            facts = {"after": after, "head": end.id}
            transaction.note(journal.AUDIT_EXPORTED, WallClock().now_ms(), facts, actor=actor)
