"""The store's engine on SQLite."""

from siaga_gateway.adapters.sql.sqlite.engine import Sqlite

__all__ = ["Sqlite"]
