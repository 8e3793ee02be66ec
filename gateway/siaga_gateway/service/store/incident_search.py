"""Past incidents, as somebody looks for them; never by a person's name, which would stand in an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.incident import Disposition, Incident, Mode


@dataclass(frozen=True, slots=True)
class IncidentSearch:
    """Which incidents are wanted; None or empty: it does not matter."""

    from_ms: int | None = None  # opened from then
    to_ms: int | None = None  # and before then
    station: str | None = None  # the station_key in whose area it was
    disposition: Disposition | None = None
    mode: Mode | None = None
    text: str = ""  # part of the button's label, or the start of its device_id


class CutSearch(list[Incident]):
    """What was found before a search was cut, for it took too long; it goes on below `before`."""

    def __init__(self, found: Sequence[Incident], before: int) -> None:
        super().__init__(found)
        self.before = before


class IncidentSearching(Protocol):
    """Reads past incidents."""

    def found_incidents(self, wanted: IncidentSearch, before: int, limit: int) -> Sequence[Incident]:
        """Return incidents with id < before, the newest first."""
        ...
