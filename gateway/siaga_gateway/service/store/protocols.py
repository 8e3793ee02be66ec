"""Versions of protocols: what an operator goes through at a call of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.protocol import ProtocolVersion


class ProtocolWriting(Protocol):
    """Reads see this transaction's own writes."""

    def lock_protocols(self) -> None:
        """Keep other transactions from adding a version until this one ends. Call before reading any."""
        ...

    def protocols(self) -> Sequence[ProtocolVersion]: ...
    def add_protocol(self, version: ProtocolVersion) -> None:
        """Add it; one that is there stays as it is."""
        ...


class ProtocolReading(Protocol):
    def protocols(self) -> Sequence[ProtocolVersion]:
        """Return all versions, by kind, the oldest first."""
        ...
