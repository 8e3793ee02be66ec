"""For whoever answers for the data: a person's copy, erasing it, what expires, the key that it is sealed by."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, key_file
from siaga_gateway.commands.registry import known_owner, note_read, owner
from siaga_gateway.commands.shared import by_option, config_option, opened, told_plainly
from siaga_gateway.config import Settings, SettingsError
from siaga_gateway.domain.personal import PersonalKeyError
from siaga_gateway.erasures import Erasures, policy_of
from siaga_gateway.service import journal
from siaga_gateway.service.person import held_about
from siaga_gateway.service.retention import Retention

_SETTLE_S = 1.0  # what a gateway that has not seen the new key yet may still seal under the old one


@owner.command(name="export")
@config_option
@click.argument("owner_id", type=int)
@click.option("--out", type=click.Path(path_type=Path), help="A new file, for its owner's eyes only; else printed.")
@by_option
@told_plainly
def export_owner(config: Path, owner_id: int, out: Path | None, actor: str) -> None:
    """All that is held about one person, as JSON: for them. It is noted who asked."""
    with opened(config) as (_, store):
        person = known_owner(store, owner_id)
        note_read(store, actor, "export", owner_id)
        text = json.dumps(held_about(store, person), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"{out}: cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@owner.command(name="erase")
@config_option
@click.argument("owner_id", type=int)
@click.option("--reason", required=True, help="Why; it stays in the journal, so write no name in it.")
@click.option("--suspend", is_flag=True, help="Suspend their buttons first, where that was not done yet.")
@by_option
@told_plainly
def erase_owner(config: Path, owner_id: int, reason: str, suspend: bool, actor: str) -> None:
    """Erase a person's data for good. The evidence stays: frames, signatures, the journal."""
    with opened(config) as (settings, store):
        incidents = _retention(settings, store).erase(owner_id, reason, actor, suspend=suspend)
    click.echo(
        f"owner {owner_id} is erased, with the places, notes and labels of {incidents} incidents. "
        "Older backups still hold them: see gateway/RECORDS.md"
    )


@click.group()
def retention() -> None:
    """What is no longer needed goes, by the settings of [retention]."""


@retention.command(name="run")
@config_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@by_option
@told_plainly
def run_retention(config: Path, dry_run: bool, actor: str) -> None:
    """Remove what is too old now; the gateway does it once a day."""
    with opened(config) as (settings, store):
        done = _retention(settings, store).run(actor, dry=dry_run)
    for what, count in (
        ("last positions of buttons", done.statuses),
        ("incidents' positions" if not dry_run else "incidents' positions or notes", done.incidents),
        *([] if dry_run else [("incidents' notes", done.notes)]),
        ("owners", done.owners),
        ("unknown devices", done.strangers),
    ):
        click.echo(f"{count:>8}  {what}{' would go' if dry_run else ''}")


def _retention(settings: Settings, store: SqlStore) -> Retention:
    return Retention(store, WallClock(), policy_of(settings), Erasures(settings.data_dir).add)


@click.group(name="personal-key")
def personal_key() -> None:
    """The key that personal data is sealed by."""


@personal_key.command()
@config_option
@by_option
@told_plainly
def rotate(config: Path, actor: str) -> None:
    """Make a new key and seal everything anew, also while the gateway runs. The old key is kept in a file beside."""
    with opened(config) as (settings, store):
        if store.key_fault is not None:
            raise PersonalKeyError(store.key_fault)
        file = key_file(settings)
        before = file.keys().current
        after = file.add().id
        store.sealing.has(after)  # its file is looked at again
        store.sealed_by(after)
        owners, notes = store.reseal()
        time.sleep(_SETTLE_S)
        late = store.reseal()
        file.retire()
        with store.transaction() as transaction:
            facts = {"before": before, "after": after, "owners": owners + late[0], "notes": notes + late[1]}
            transaction.note(journal.PERSONAL_KEY_CHANGED, WallClock().now_ms(), facts, actor=actor)
        store.scrub()
    click.echo(f"sealed by {after} now: {owners + late[0]} owners, {notes + late[1]} notes")
    click.echo(
        f"Keep a copy of {file.path} away from the store's backups, and bring it to every host of the gateway. Backups "
        f"from before need {file.path}-retired; without it nobody can read the persons in them any more."
    )
