"""The units that a desk has sent to one incident. Pure.

The holder and the outputs are told of one of them, `Incident.unit`: who is there, else who is to arrive soonest. A unit
that is stood down before it arrived is gone from the list; one that was there stays on it as having left.

`Incident.state` follows who is there now: on scene while somebody is, assigned while nobody is there and somebody
comes, also where a unit has left or is sent again. The last unit that leaves leaves it on scene: nobody comes, and a
desk has to decide. Where the last one that was still coming is stood down nobody comes, and it is as before any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.promise import promised
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress
from siaga_gateway.domain.value import copied

MOST: Final = 20  # of one incident
_MINUTE_MS: Final = 60_000
_NEVER_MS: Final = 2**62


def sent_units(incident: Incident) -> tuple[UnitOnCall, ...]:
    """Return the units, in the order in which they were sent. An older gateway keeps `unit` alone: what it says of that
    holds, also of one that is on the list and does not lead it."""
    if incident.state not in (IncidentState.ASSIGNED, IncidentState.ON_SCENE) or incident.unit is None:
        return ()
    there = incident.state is IncidentState.ON_SCENE
    units = incident.units
    if not units or incident.unit != _lead(units).name:
        since_ms = incident.promised_ms or incident.seen_at_ms or incident.opened_at_ms
        progress = UnitProgress.THERE if there else UnitProgress.COMING
        return (UnitOnCall(incident.unit, incident.eta_minutes, since_ms, progress),)
    if there and all(each.progress is UnitProgress.COMING for each in units):
        return _replaced(units, incident.unit, UnitProgress.THERE)
    return units


def under_way(incident: Incident) -> tuple[UnitOnCall, ...]:
    """Return those that are coming or there."""
    return tuple(each for each in sent_units(incident) if each.progress is not UnitProgress.LEFT)


def is_there(incident: Incident, name: str) -> bool:
    return any(each.name == name and each.progress is UnitProgress.THERE for each in sent_units(incident))


def with_unit(incident: Incident, name: str, eta_minutes: int | None, now_ms: int, *, beside: bool) -> Incident:
    """Return the incident with a unit that is sent, or whose estimate is new. beside: the others go on as they were;
    otherwise it takes their place."""
    before = sent_units(incident) if beside else ()
    known = next((each for each in before if each.name == name), None)
    if known is not None and known.progress is UnitProgress.THERE:
        return incident
    new = UnitOnCall(name, eta_minutes, now_ms)
    units = (*(each for each in before if each.name != name), new)
    return _led(copied(incident, state=_state_of(units), units=units), now_ms)


def arrived(incident: Incident, name: str, now_ms: int) -> Incident | None:
    """Return the incident with a unit on scene; None: it was not sent. One that took the call before a desk saw it is
    the incident's unit, and on no list yet."""
    units = sent_units(incident)
    if not units and name == incident.unit:
        units = (UnitOnCall(name, incident.eta_minutes, now_ms),)
    if name not in {each.name for each in units}:
        return None
    units = _replaced(units, name, UnitProgress.THERE)
    return _led(copied(incident, state=IncidentState.ON_SCENE, units=units), now_ms)


def stood_down(incident: Incident, name: str, now_ms: int) -> Incident | None:
    """Return the incident without a unit; None: it is not under way."""
    units = sent_units(incident)
    known = next((each for each in under_way(incident) if each.name == name), None)
    if known is None:
        return None
    if known.progress is UnitProgress.THERE:
        units = _replaced(units, name, UnitProgress.LEFT)
    else:
        units = tuple(each for each in units if each.name != name)
    if known.progress is UnitProgress.COMING and all(each.progress is UnitProgress.LEFT for each in units):
        return promised(copied(incident, state=IncidentState.SEEN, units=()), None, None, now_ms)
    return _led(copied(incident, state=_state_of(units), units=units), now_ms)


def _state_of(units: Iterable[UnitOnCall]) -> IncidentState:
    progress = {each.progress for each in units}
    coming_only = UnitProgress.COMING in progress and UnitProgress.THERE not in progress
    return IncidentState.ASSIGNED if coming_only else IncidentState.ON_SCENE


def _replaced(units: Iterable[UnitOnCall], name: str, progress: UnitProgress) -> tuple[UnitOnCall, ...]:
    return tuple(copied(each, progress=progress) if each.name == name else each for each in units)


def _led(incident: Incident, now_ms: int) -> Incident:
    """Return the incident with the unit of which the holder is told."""
    lead = _lead(incident.units)
    if lead.progress is not UnitProgress.COMING:
        return copied(incident, unit=lead.name, eta_minutes=lead.eta_minutes)
    promised_now = lead.name == incident.unit and lead.eta_minutes is not None and lead.since_ms != now_ms
    if promised_now and incident.promised_ms is not None:
        return incident  # as the holder was told
    return promised(incident, lead.name, _left_minutes(lead, now_ms), now_ms)


def _lead(units: Iterable[UnitOnCall]) -> UnitOnCall:
    return min(units, key=_order)


def _order(unit: UnitOnCall) -> tuple[int, int]:
    rank = (UnitProgress.THERE, UnitProgress.COMING, UnitProgress.LEFT).index(unit.progress)
    if unit.progress is not UnitProgress.COMING or unit.eta_minutes is None:
        return rank, _NEVER_MS if unit.progress is UnitProgress.COMING else 0
    return rank, unit.since_ms + unit.eta_minutes * _MINUTE_MS


def _left_minutes(unit: UnitOnCall, now_ms: int) -> int | None:
    if unit.eta_minutes is None:
        return None
    left_ms = unit.since_ms + unit.eta_minutes * _MINUTE_MS - now_ms
    return min(unit.eta_minutes, max(0, -(-left_ms // _MINUTE_MS)))
