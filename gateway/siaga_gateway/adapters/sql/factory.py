"""Opens the store that the settings name."""

from __future__ import annotations

from typing import Final

from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.store import SqlStore, store_path
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.store import StoreSettings

TIMELINE: Final = "store-timeline"  # beside the keys: which server was promoted last


def open_store(settings: Settings, now_ms: int, *, make: bool = False) -> SqlStore:
    """Open the store, migrated to this program's schema if needed. make: create it if missing. Raises:
    StoreUnusable."""
    keys = key_file(settings)
    if not settings.store.shared:
        return SqlStore(Sqlite(store_path(settings.data_dir), make), now_ms, keys)
    from siaga_gateway.adapters.sql.postgres import Postgres

    kept = settings.data_dir / TIMELINE
    place = Postgres(
        conninfo_of(settings.store), settings.store.connections, standby=settings.store.standby, timeline=kept
    )
    return SqlStore(place, now_ms, keys)


def key_file(settings: Settings) -> KeyFile:
    """Return the file of keys for personal data."""
    return KeyFile(settings.personal_key or settings.data_dir / FILE_NAME)


def store_is_there(settings: Settings) -> bool:
    """False if `siaga gateway init` has not created SQLite's file yet."""
    return settings.store.shared or store_path(settings.data_dir).exists()


def conninfo_of(store: StoreSettings) -> str:
    """Return the connection string for PostgreSQL's libpq."""
    if store.url is not None:
        return store.url.get_secret_value()
    from psycopg.conninfo import make_conninfo

    return make_conninfo(
        host=store.host,
        port=store.port,
        dbname=store.dbname,
        user=store.user,
        password=None if store.password is None else store.password.get_secret_value(),
        sslmode="verify-full" if store.tls else "prefer",
        sslrootcert=None if not store.tls else "system" if store.ca is None else str(store.ca),
    )
