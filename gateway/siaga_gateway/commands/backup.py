"""For the administrator: a copy of the store while the gateway runs, and a store from a copy."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, key_file, open_store, store_path
from siaga_gateway.adapters.sql.backups import (
    check_sqlite,
    copy_sqlite,
    dump_postgres,
    load_postgres,
    new_file,
    settle,
)
from siaga_gateway.adapters.sql.opening import conninfo_of
from siaga_gateway.catalogue import WIB
from siaga_gateway.commands.audit import BROKEN
from siaga_gateway.commands.shared import by_option, config_option, opened, told_plainly
from siaga_gateway.config import Settings, SettingsError, load
from siaga_gateway.domain.audit import FIRST, Link
from siaga_gateway.erasures import Erasures, policy_of
from siaga_gateway.keyfile import key_path
from siaga_gateway.premises import StartError, check_folder, lock_folder
from siaga_gateway.service import journal
from siaga_gateway.service.audit import AuditBroken, verify
from siaga_gateway.service.restored import go_on
from siaga_gateway.service.retention import Retention
from siaga_gateway.service.store import StoreFailing


@click.command()
@config_option
@click.argument("dest", type=click.Path(path_type=Path))
@by_option
@told_plainly
def backup(config: Path, dest: Path, actor: str) -> None:
    """Copy the store to DEST (a folder, or a new file), also while the gateway runs. The copy is checked as a whole."""
    with opened(config) as (settings, store):
        name = _named(dest, store, settings)
        if name.exists():
            raise SettingsError(f"{name}: is there already; a backup overwrites nothing")
        draft = name.with_name(f".{name.name}.draft")
        try:
            draft.unlink(missing_ok=True)
            head = _copy(settings, store, draft)
            digest, size = _digest(draft), draft.stat().st_size
            settle(draft, name)
        except OSError as error:
            raise StoreFailing(f"{name}: {error.strerror}") from None
        except AuditBroken as broken:
            _broken(broken)
        finally:
            draft.unlink(missing_ok=True)
        with store.transaction() as transaction:
            facts = {"file": name.name, "size": size, "sha256": digest, "head": head.id}
            transaction.note(journal.BACKUP_MADE, WallClock().now_ms(), facts, actor=actor)
    click.echo(f"{name}: {size} bytes, audit head {head.id} {head.hash.hex()}")
    click.echo(
        f"Not in it, and needed beside it: {key_path(settings.data_dir)}, the settings, "
        f"{settings.data_dir / 'erasures.jsonl'} where there is one, and in another place {key_file(settings).path}."
    )


def _named(dest: Path, store: SqlStore, settings: Settings) -> Path:
    if not dest.is_dir():
        return dest
    now = datetime.now(WIB).strftime("%Y%m%d-%H%M%S")
    return dest / f"siaga-{store.name}-{now}.{'dump' if settings.store.shared else 'db'}"


def _copy(settings: Settings, store: SqlStore, draft: Path) -> Link:
    """Returns the head of the chain that is in the copy, or with PostgreSQL was before it was made."""
    if settings.store.shared:
        head = store.chain_head()
        dump_postgres(conninfo_of(settings.store), draft)
        return head
    copy_sqlite(store_path(settings.data_dir), draft)
    found = check_sqlite(draft)
    return FIRST if found is None else found.head


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(broken: AuditBroken) -> None:
    click.echo(f"siaga: audit: {broken}", err=True)
    sys.exit(BROKEN)


@click.command()
@config_option
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Where there is a store: put it aside, beside the new one.")
@by_option
@told_plainly
def restore(config: Path, source: Path, replace: bool, actor: str) -> None:
    """Make the store from a backup. Not while the gateway runs; nothing changes unless the backup is whole."""
    settings = load(config)
    try:
        check_folder(settings.data_dir)
        with lock_folder(settings.data_dir):
            aside = (_into_database if settings.store.shared else _into_file)(settings, source, replace, actor)
    except StartError as error:
        raise StoreUnusable(str(error)) from None
    except AuditBroken as broken:
        _broken(broken)
    if aside is not None:
        click.echo(f"The store that was there is {aside}.")
    click.echo(
        "The store is restored. What happened since the backup is not in it: repeat enrolments and suspensions, look "
        "for `counter_gap` in the journal, and have operators load the console anew. See gateway/RECORDS.md."
    )


def _into_file(settings: Settings, source: Path, replace: bool, actor: str) -> Path | None:
    target = store_path(settings.data_dir)
    if target.exists() and not replace:
        raise StoreUnusable(f"{target}: is there already; --replace puts it aside")
    draft = target.with_name("restoring.db")
    _remove(draft)
    try:
        with source.open("rb") as copied, new_file(draft) as file:
            shutil.copyfileobj(copied, file, 1 << 20)
        found = check_sqlite(draft)
        store = SqlStore(draft, WallClock().now_ms(), key_file(settings))
        try:
            _go_on(settings, store, source, FIRST if found is None else found.head, actor)
        finally:
            store.close()
        settle(draft)
        aside = _put_aside(target)
        draft.rename(target)
        settle(target)
    except OSError as error:
        raise StoreFailing(f"{source}: cannot be restored: {error.strerror}") from None
    finally:
        _remove(draft)
    return aside


def _into_database(settings: Settings, source: Path, replace: bool, actor: str) -> Path | None:
    if replace:
        raise StoreUnusable("with PostgreSQL nothing is replaced: name a new, empty database in [store]")
    conninfo = conninfo_of(settings.store)
    if _tables(conninfo):
        raise StoreUnusable("the database is not empty: make a new one by `createdb`, and name it in [store]")
    load_postgres(conninfo, source)
    store = open_store(settings, WallClock().now_ms())
    try:
        head = store.chain_head()
        _go_on(settings, store, source, head, actor)
    except AuditBroken as broken:
        raise AuditBroken(f"{broken}. Do not use this database: drop it") from None
    finally:
        store.close()
    return None


def _tables(conninfo: str) -> int:
    import psycopg

    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchone()
    except psycopg.Error as error:
        raise StoreUnusable(f"the database cannot be used: {' '.join(str(error).split())}") from None
    return 0 if found is None else int(found[0])


def _go_on(settings: Settings, store: SqlStore, source: Path, head: Link, actor: str) -> None:
    verify(store)
    retention = Retention(store, WallClock(), policy_of(settings))
    erasures = list(Erasures(settings.data_dir))
    go_on(store, WallClock(), retention, erasures, file=source.name, head=head.id, actor=actor)
    if store.key_fault is not None:
        click.echo(f"siaga: {store.key_fault}; until then owners cannot be read", err=True)


def _put_aside(target: Path) -> Path | None:
    """The store with its log under another name."""
    if not target.exists():
        return None
    now = datetime.now(WIB).strftime("%Y%m%d-%H%M%S")
    aside = target.with_name(f"{target.name}.before-{now}")
    for end in ("-wal", "-shm", ""):
        part = Path(f"{target}{end}")
        if part.exists():
            os.rename(part, f"{aside}{end}")  # noqa: PTH104 - the log's name is the store's and its ending
    return aside


def _remove(draft: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{draft}{end}").unlink(missing_ok=True)
