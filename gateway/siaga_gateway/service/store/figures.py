"""The records of calls that the figures are made from, and how long buttons were silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from siaga_gateway.domain.call_record import CallFacts, CallRecord


class Registered(NamedTuple):
    """The buttons of one station's owners."""

    station: str | None  # the key of the station in whose area their owners are registered
    buttons: int
    served_ms: int  # for how long they were registered within the period, all together


class Silence(NamedTuple):
    """One button did not check in."""

    station: str | None
    device_id: bytes
    from_ms: int
    to_ms: int | None  # None: it still does not


class FigureWriting(Protocol):
    """Writes records."""

    def put_call_records(self, records: Collection[CallRecord]) -> None:
        """Add these, or replace those of the same incidents."""
        ...

    def put_call_stations(self, stations: Mapping[int, str]) -> None:
        """Keep which station answered for these incidents, by its key, for a search; one that is known stays."""
        ...

    def forget_call_records(self, before_ms: int, limit: int) -> int:
        """Delete those of calls that were opened before then, at most `limit`; their stations stay. Returns how many;
        0: no more are left."""
        ...


class FigureReading(Protocol):
    """Reads them."""

    def call_facts(self, incident_ids: Collection[int]) -> Mapping[int, CallFacts]:
        """Return what these incidents say of themselves; no tests."""
        ...

    def call_records(self, incident_ids: Collection[int]) -> Mapping[int, CallRecord]: ...
    def calls_opened(self, from_ms: int, to_ms: int, after: tuple[int, int], limit: int) -> Sequence[CallRecord]:
        """Return calls with from_ms <= opened_at_ms < to_ms, by opening and incident, that follow `after`: opening and
        incident of the last of the page before, or (from_ms, 0)."""
        ...

    def expired_call_records(self, before_ms: int) -> int:
        """Return how many calls with a record were opened before then."""
        ...

    def registered_buttons(self, from_ms: int, to_ms: int) -> Sequence[Registered]:
        """Return for how long buttons were in service, by station, in the time from from_ms to to_ms."""
        ...

    def silences(self, from_ms: int, to_ms: int) -> Sequence[Silence]:
        """Return silences that supervision found, that touch this time, in no order."""
        ...
