"""The store on SQLite or PostgreSQL, behind `service.store.Store`."""

from siaga_gateway.adapters.sql.engine import StoreUnusable
from siaga_gateway.adapters.sql.factory import key_file, open_store, store_is_there
from siaga_gateway.adapters.sql.store import SqlStore, store_path

__all__ = ["SqlStore", "StoreUnusable", "key_file", "open_store", "store_is_there", "store_path"]
