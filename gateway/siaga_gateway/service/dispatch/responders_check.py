"""What is wrong with the list of officers and patrols: who cannot be called, and which ways nobody has proven."""

from __future__ import annotations

from collections.abc import Iterator

from siaga_gateway.domain.places import Finding, FindingKind, in_order
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.way_proof import overdue_days
from siaga_gateway.service.dispatch.duty import DutyStore


def check_responders(store: DutyStore, now_ms: int) -> list[Finding]:
    """Return all that is wrong, the worst first; without responders nothing is. Raises: StoreFailing."""
    stations = {station.key for station in store.stations()}
    on_a_list = {shift.responder for shift in store.shifts()}
    return in_order(
        finding for each in store.responders() for finding in _of(each, stations, each.key in on_a_list, now_ms)
    )


def _of(each: Responder, stations: set[str], has_shift: bool, now_ms: int) -> Iterator[Finding]:
    if not each.contacts:
        yield Finding(FindingKind.UNREACHABLE, (each.key,))
    if each.station is not None and each.station not in stations:
        yield Finding(FindingKind.UNKNOWN_HOME, (each.key, each.station))
    if each.station is None and each.home is None:
        yield Finding(FindingKind.NOWHERE, (each.key,))
    if not has_shift:
        yield Finding(FindingKind.NO_SHIFT, (each.key,))
    for way in each.ways:
        if each.contacts and not way.proven:
            yield Finding(FindingKind.UNPROVEN_WAY, (each.key, way.contact.way.value))
        elif days := overdue_days(way, now_ms):
            yield Finding(FindingKind.UNANSWERED_WAY, (each.key, way.contact.way.value), days)
