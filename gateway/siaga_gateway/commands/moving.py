"""For the administrator: from SQLite to PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, open_store, store_path
from siaga_gateway.adapters.sql.moving import move
from siaga_gateway.adapters.sql.opening import key_file
from siaga_gateway.commands.shared import config_option, told_plainly
from siaga_gateway.config import SettingsError, load
from siaga_gateway.premises import StartError, lock_folder


@click.command(name="move-store")
@config_option
@told_plainly
def move_store(config: Path) -> None:
    """Copy the SQLite store in data_dir into the empty PostgreSQL database that [store] names.

    The gateway must be stopped. The file stays as it was, as a backup.
    """
    settings = load(config)
    path = store_path(settings.data_dir)
    if not settings.store.shared:
        raise SettingsError(f"{config}: [store] names no database to move to")
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no such store to move")
    try:
        lock = lock_folder(settings.data_dir)
    except StartError as error:
        raise StoreUnusable(str(error)) from None
    with lock:
        now_ms = WallClock().now_ms()
        SqlStore(path, now_ms, key_file(settings)).close()  # brought to today's shape
        target = open_store(settings, now_ms)
        try:
            moved = move(path, target)
        finally:
            target.close()
    for table, rows in moved.items():
        if rows:
            click.echo(f"{rows:>10}  {table}")
    click.echo(f"All is in the database now. {path} is left as it was; `siaga gateway audit verify` checks the copy.")
