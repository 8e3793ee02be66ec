"""For the administrator: from SQLite to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, open_store, store_path
from siaga_gateway.adapters.sql.copy_store import move
from siaga_gateway.adapters.sql.factory import key_file
from siaga_gateway.bootstrap.preflight import StartError, lock_folder
from siaga_gateway.cli.common import config_option, told_plainly
from siaga_gateway.cli.localized_commands import tell
from siaga_gateway.config.loading import SettingsError, load


@click.command(name="move-store")
@config_option
@told_plainly
def move_store(config: Path) -> None:
    settings = load(config)
    path = store_path(settings.data_dir)
    if not settings.store.shared:
        raise SettingsError("moving.no_database", config=config)
    if not path.exists():
        raise StoreUnusable("moving.no_store", path=path)
    try:
        lock = lock_folder(settings.data_dir)
    except StartError as error:
        raise StoreUnusable("passed_on", why=error) from None
    with lock:
        now_ms = WallClock().now_ms()
        SqlStore(path, now_ms, key_file(settings)).close()  # migrated to the current schema
        target = open_store(settings, now_ms)
        try:
            moved = move(path, target)
        finally:
            target.close()
    for table, rows in moved.items():
        if rows:
            click.echo(f"{rows:>10}  {table}")
    tell("moving.moved", path=path)
