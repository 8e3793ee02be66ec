"""What all subjects share for reading outside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Writing


class Reads:
    """The base of each subject's reading half; SqlStore provides `fetch`."""

    writing: Writing
    sealing: Sealing

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        raise NotImplementedError

    def _version(self, name: str) -> int:
        """Return how often what this name counts has changed."""
        version: int = self.fetch("SELECT CAST(value AS BIGINT) FROM meta WHERE name = ?", (name,))[0][0]
        return version
