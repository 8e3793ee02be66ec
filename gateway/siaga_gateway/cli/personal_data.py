"""For the data controller: a person's copy, erasure, retention, the encryption key."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.erasure_list import ErasureList, policy_of
from siaga_gateway.adapters.sql import SqlStore, key_file
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, tell, to_the_letter
from siaga_gateway.cli.registry import known_owner, note_read, owner
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.retention import Retention
from siaga_gateway.service.registry.subject_access import held_about

_SETTLE_S = 1.0  # what a gateway unaware of the new key may still encrypt under the old one


@owner.command(name="export")
@config_option
@click.argument("owner_id", type=int)
@click.option("--out", type=click.Path(path_type=Path))
@by_option
@told_plainly
def export_owner(config: Path, owner_id: int, out: Path | None, actor: str) -> None:
    with opened(config) as (settings, store):
        person = known_owner(store, owner_id)
        note_read(store, actor, "export", owner_id)
        text = json.dumps(held_about(store, person, settings.local), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        to_the_letter(text.rstrip("\n"))
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError("person.unmade", out=out, why=error) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@owner.command(name="erase")
@config_option
@click.argument("owner_id", type=int)
@click.option("--reason", required=True)
@click.option("--suspend", is_flag=True)
@by_option
@told_plainly
def erase_owner(config: Path, owner_id: int, reason: str, suspend: bool, actor: str) -> None:
    with opened(config) as (settings, store):
        incidents = _retention(settings, store).erase(owner_id, reason, actor, suspend=suspend)
    tell("personal.erased", owner=owner_id, incidents=incidents)


@click.group(cls=LocalizedGroup)
def retention() -> None:
    pass


@retention.command(name="run")
@config_option
@click.option("--dry-run", is_flag=True)
@by_option
@told_plainly
def run_retention(config: Path, dry_run: bool, actor: str) -> None:
    with opened(config) as (settings, store):
        done = _retention(settings, store).run(actor, dry=dry_run)
    for what, count in (
        ("statuses", done.statuses),
        ("positions" if not dry_run else "positions_or_notes", done.incidents),
        *([] if dry_run else [("notes", done.notes)]),
        ("owners", done.owners),
        ("strangers", done.strangers),
        ("cases", done.cases),
    ):
        named = Localized(f"commands.retention.{what}")
        tell("retention.would_go" if dry_run else "retention.gone", count=count, what=named)


def _retention(settings: Settings, store: SqlStore) -> Retention:
    return Retention(store, WallClock(), policy_of(settings), ErasureList(settings.data_dir).add)


@click.group(name="personal-key", cls=LocalizedGroup)
def personal_key() -> None:
    pass


@personal_key.command()
@config_option
@by_option
@told_plainly
def rotate(config: Path, actor: str) -> None:
    with opened(config) as (settings, store):
        if store.key_fault is not None:
            raise PersonalKeyError("passed_on", why=store.key_fault)
        file = key_file(settings)
        before = file.keys().current
        after = file.add().id
        store.sealing.has(after)  # reads its file again
        store.sealed_by(after)
        owners, notes = store.reseal()
        time.sleep(_SETTLE_S)
        late = store.reseal()
        file.retire()
        with store.transaction() as transaction:
            facts = {"before": before, "after": after, "owners": owners + late[0], "notes": notes + late[1]}
            transaction.note(journal.PERSONAL_KEY_CHANGED, WallClock().now_ms(), facts, actor=actor)
        store.scrub()
    tell("personal.rotated", named=after, owners=owners + late[0], notes=notes + late[1])
    tell("personal.keep", file=file.path)
