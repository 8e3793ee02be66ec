"""For the administrator: copies the store while the gateway runs, and makes a store from a copy."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.erasure_list import ErasureList, policy_of
from siaga_gateway.adapters.files.gateway_key import key_path
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, key_file, open_store, store_path
from siaga_gateway.adapters.sql.backups import (
    check_sqlite,
    copy_sqlite,
    dump_postgres,
    load_postgres,
    new_file,
    settle,
)
from siaga_gateway.adapters.sql.factory import conninfo_of
from siaga_gateway.bootstrap.preflight import StartError, check_folder, lock_folder
from siaga_gateway.catalogue.localized import original
from siaga_gateway.cli.audit import BROKEN
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import complain, tell
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.audit_hashing import FIRST, Link
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import AuditBroken, verify
from siaga_gateway.service.registry.after_restore import go_on
from siaga_gateway.service.registry.retention import Retention, take_over_positions
from siaga_gateway.service.scheduling.gateway_health import ALIVE
from siaga_gateway.service.store import StoreFailing


@click.command()
@config_option
@click.argument("dest")
@by_option
@told_plainly
def backup(config: Path, dest: str, actor: str) -> None:
    with opened(config) as (settings, store):
        name = _named(dest, store, settings)
        if name.exists():
            raise SettingsError("backup.there", name=name)
        draft = name.with_name(f".{name.name}.draft")
        try:
            draft.unlink(missing_ok=True)
            head = _copy(settings, store, draft)
            digest, size = _digest(draft), draft.stat().st_size
            settle(draft, name)
        except OSError as error:
            raise StoreFailing("backup.at", name=name, why=error) from None
        except AuditBroken as broken:
            _broken(broken)
        finally:
            draft.unlink(missing_ok=True)
        with store.transaction() as transaction:
            facts = {"file": name.name, "size": size, "sha256": digest, "head": head.id}
            transaction.note(journal.BACKUP_MADE, WallClock().now_ms(), facts, actor=actor)
    tell("backup.made", name=name, size=size, head=head.id, hash=head.hash.hex())
    tell(
        "backup.beside",
        named=key_path(settings.data_dir),
        erasures=settings.data_dir / "erasures.jsonl",
        personal_key=key_file(settings).path,
    )


def _named(dest: str, store: SqlStore, settings: Settings) -> Path:
    """Return the copy's path. dest: as typed; a trailing slash means a folder. An unmounted disk must not become a
    file."""
    path, ending = Path(dest), ".dump" if settings.store.shared else ".db"
    if path.is_dir():
        now = settings.local.file_part(WallClock().now_ms())
        return path / f"siaga-{store.name}-{now}{ending}"
    if dest.endswith("/") or path.suffix != ending:
        raise SettingsError("install.no_folder", dest=dest, ending=ending)
    if not path.parent.is_dir():
        raise SettingsError("install.no_parent", dest=dest, folder=path.parent)
    return path


def _copy(settings: Settings, store: SqlStore, draft: Path) -> Link:
    """Copy. Returns the head of the chain in the copy, or for PostgreSQL as it was before."""
    if settings.store.shared:
        head = store.chain_head()
        take_over_positions(store)  # the dump leaves out their table alone
        dump_postgres(conninfo_of(settings.store), draft)
        return head
    copy_sqlite(store_path(settings.data_dir), draft)
    found = check_sqlite(draft)
    return FIRST if found is None else found.head


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(broken: AuditBroken) -> None:
    complain("audit.broken", why=broken)
    sys.exit(BROKEN)


@click.command()
@config_option
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True)
@by_option
@told_plainly
def restore(config: Path, source: Path, replace: bool, actor: str) -> None:
    settings = load(config)
    try:
        check_folder(settings.data_dir)
        with lock_folder(settings.data_dir):
            aside = (_into_database if settings.store.shared else _into_file)(settings, source, replace, actor)
    except StartError as error:
        raise StoreUnusable("passed_on", why=error) from None
    except AuditBroken as broken:
        _broken(broken)
    if aside is not None:
        tell("backup.aside", aside=aside)
    tell("backup.restored")


def _into_file(settings: Settings, source: Path, replace: bool, actor: str) -> Path | None:
    target = store_path(settings.data_dir)
    if target.exists() and not replace:
        raise StoreUnusable("backup.target_there", target=target)
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
        aside = _put_aside(target, settings.local)
        draft.rename(target)
        settle(target)
    except OSError as error:
        raise StoreFailing("backup.unrestored", source=source, why=error) from None
    finally:
        _remove(draft)
    return aside


def _into_database(settings: Settings, source: Path, replace: bool, actor: str) -> Path | None:
    if replace:
        raise StoreUnusable("backup.no_replace")
    conninfo = conninfo_of(settings.store)
    if _tables(conninfo):
        raise StoreUnusable("backup.not_empty")
    load_postgres(conninfo, source)
    store = open_store(settings, WallClock().now_ms())
    try:
        head = store.chain_head()
        _go_on(settings, store, source, head, actor)
    except AuditBroken as broken:
        raise AuditBroken("backup.drop", why=broken) from None
    finally:
        store.close()
    return None


def _tables(conninfo: str) -> int:
    import psycopg

    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchone()
    except psycopg.Error as error:
        raise StoreUnusable("backup.unusable", why=original(error)) from None
    return 0 if found is None else int(found[0])


def _go_on(settings: Settings, store: SqlStore, source: Path, head: Link, actor: str) -> None:
    verify(store)
    retention = Retention(store, WallClock(), policy_of(settings))
    # A copy for a second machine has its list beside it: that machine has erased nobody itself.
    lists = [ErasureList(settings.data_dir), ErasureList(source.parent)]
    alive_ms = store.remembered(ALIVE)
    if alive_ms is not None:
        ago_s = max(0, WallClock().now_ms() - int(alive_ms)) // 1000
        tell("backup.as_of", at=settings.local.moment(int(alive_ms)), seconds=ago_s)
    go_on(
        store,
        WallClock(),
        retention,
        [each for erased in lists for each in erased],
        file=source.name,
        head=head.id,
        actor=actor,
        responders=[each for erased in lists for each in erased.responders()],
    )
    if store.key_fault is not None:
        complain("backup.no_owners", why=store.key_fault)


def _put_aside(target: Path, local: LocalTime) -> Path | None:
    """Rename the store and its log."""
    if not target.exists():
        return None
    now = local.file_part(WallClock().now_ms())
    aside = target.with_name(f"{target.name}.before-{now}")
    for end in ("-wal", "-shm", ""):
        part = Path(f"{target}{end}")
        if part.exists():
            os.rename(part, f"{aside}{end}")  # noqa: PTH104 - the log's name is the store's and its ending
    return aside


def _remove(draft: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{draft}{end}").unlink(missing_ok=True)
