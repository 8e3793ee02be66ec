"""What responders photograph on scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.value import record


@record
class Photograph:
    """One photograph of an incident, without its picture."""

    incident_id: int
    number: int  # from 1, within the incident
    responder: str  # whose; a key
    at_ms: int


class PhotographWriting(Protocol):
    """Writes photographs."""

    def photographs(self, incident_id: int) -> Sequence[Photograph]:
        """Return all of an incident, as this transaction sees them, by number."""
        ...

    def add_photograph(self, photograph: Photograph, jpeg: bytes) -> None:
        """Raises: PersonalKeyError without the key."""
        ...


class PhotographReading(Protocol):
    """Reads photographs."""

    def photographs_of(self, incident_id: int) -> Sequence[Photograph]:
        """Return all of an incident, by number."""
        ...

    def picture(self, incident_id: int, number: int) -> bytes | None:
        """Return a JPEG; None: there is none, it has been erased, or it cannot be decrypted now."""
        ...
