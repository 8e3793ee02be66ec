"""What desks wrote to those who were sent, and to holders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.operator_message import DeskMessage


class DeskMessageWriting(Protocol):
    """Of an incident whose button is locked."""

    def add_desk_message(self, message: DeskMessage) -> None:
        """Keep a message, sealed. Raises: PersonalKeyError."""
        ...

    def desk_messages(self, incident_id: int) -> Sequence[DeskMessage]:
        """Return an incident's, as this transaction sees them, oldest first."""
        ...


class DeskMessageReading(Protocol):
    def desk_messages_of(self, incident_id: int) -> Sequence[DeskMessage]:
        """Return an incident's, oldest first."""
        ...
