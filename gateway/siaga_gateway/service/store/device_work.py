"""What people did on devices, from the journal: enrolments, SIM cards, places, commands, cases; never on a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from siaga_gateway.domain.value import record
from siaga_gateway.service.ports import JournalEntry


@record
class WantedWork:
    """Whose, or on what; None: it does not matter."""

    actor: str | None = None
    device_id: bytes | None = None
    before: tuple[int, int] | None = None  # at_ms and id of the last entry of the page before


@record
class WorkCount:
    """What one person, or a program under `API: ` and its name, did."""

    actor: str
    entries: int
    last_ms: int


class DeviceWorkReading(Protocol):
    """Reads by indexes of its own, whatever else the journal holds."""

    def work(self, wanted: WantedWork, limit: int) -> Sequence[JournalEntry]:
        """Return entries with a device, a person and no incident, newest first."""
        ...

    def workers(self, since_ms: int) -> Sequence[WorkCount]:
        """Return who has entries since then, by name."""
        ...
