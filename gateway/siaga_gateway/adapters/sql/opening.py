"""Which store the settings name, and whether it is there."""

from __future__ import annotations

from siaga_gateway.adapters.key_file import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql.store import SqlStore, store_path
from siaga_gateway.config import Settings
from siaga_gateway.config_store import StoreSettings


def open_store(settings: Settings, now_ms: int) -> SqlStore:
    """Open the store, made or brought to this program's shape where needed. Raises StoreUnusable."""
    keys = key_file(settings)
    if not settings.store.shared:
        return SqlStore(store_path(settings.data_dir), now_ms, keys)
    from siaga_gateway.adapters.sql.postgres import Postgres

    return SqlStore(Postgres(conninfo_of(settings.store), settings.store.connections), now_ms, keys)


def key_file(settings: Settings) -> KeyFile:
    """Where the keys for personal data are."""
    return KeyFile(settings.personal_key or settings.data_dir / FILE_NAME)


def store_is_there(settings: Settings) -> bool:
    """False where `siaga gateway init` has not made SQLite's file yet."""
    return settings.store.shared or store_path(settings.data_dir).exists()


def conninfo_of(store: StoreSettings) -> str:
    """Where PostgreSQL is, as libpq reads it."""
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
