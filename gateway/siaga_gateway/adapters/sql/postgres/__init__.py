"""The store's engine on PostgreSQL."""

from siaga_gateway.adapters.sql.postgres.engine import Postgres

__all__ = ["Postgres"]
