"""The store on SQLite, behind `service.store.Store`."""

from siaga_gateway.adapters.sql.engine import StoreUnusable
from siaga_gateway.adapters.sql.store import SqlStore, store_path

__all__ = ["SqlStore", "StoreUnusable", "store_path"]
