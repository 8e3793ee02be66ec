"""Which rungs of whose ladder would reach nobody now: to be known before the first press, not by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from siaga_gateway.domain.escalation_settings import CallList, Ladder, Rung
from siaga_gateway.domain.places import POLICE, ContactWay, Finding, FindingKind, Station, StationKind, in_order, ladder
from siaga_gateway.domain.responders import Responder
from siaga_gateway.service.dispatch.duty import DutyStore
from siaga_gateway.service.dispatch.people import CHIEF

# The console rings for these.
_BY_CONSOLE = frozenset({CallList.OPERATOR, CallList.SUPERVISOR})


def check_ladders(
    store: DutyStore, usual: Ladder, own: Mapping[str, Ladder], ways: Collection[ContactWay]
) -> list[Finding]:
    """Return what is wrong, the worst first; nothing where there are no stations. With no ways that alone.

    own: ladders of single stations, by their keys. ways: on which messages can be sent. Whoever can only be called by
    hand is nobody here: the ladder does not wait for a person to call. Raises: StoreFailing.
    """
    stations = {station.key: station for station in store.stations()}
    if not stations:
        return []
    if not ways:
        return [Finding(FindingKind.NO_WAY)]
    people = store.responders()
    found: list[Finding] = []
    for key in _desks(stations):
        climbed = own.get(key) or next((own[each] for each in ladder(stations, key) if each in own), usual)
        found += _of_desk(key, climbed, stations, people, frozenset(ways))
    return in_order(found)


def _desks(stations: Mapping[str, Station]) -> Sequence[str]:
    """Return each Polres; where a ladder has none, who is highest on it."""
    police = [station for station in stations.values() if station.kind in POLICE]
    found = {station.key for station in police if station.kind is StationKind.POLRES}
    for station in police:
        climbed = ladder(stations, station.key)
        if found.isdisjoint(climbed) and station.kind is not StationKind.POLDA:
            found.add(climbed[-1])
    return sorted(found)


def _of_desk(
    desk: str,
    climbed: Ladder,
    stations: Mapping[str, Station],
    people: Sequence[Responder],
    ways: frozenset[ContactWay],
) -> Iterator[Finding]:
    above = ladder(stations, desk)
    below = [key for key in stations if desk in ladder(stations, key)]

    def told(key: str) -> bool:
        return any(contact.way in ways and contact.for_programs for contact in stations[key].contacts)

    def able(each: Responder) -> bool:
        return any(contact.way in ways and contact.for_programs for contact in each.contacts)

    mine = [each for each in people if able(each) and each.station in {*above, *below}]
    skills = {skill.casefold() for each in mine if each.station == desk for skill in each.skills}
    reached = {
        CallList.STATIONS: any(map(told, below)),
        CallList.DESK: told(desk),
        CallList.CHIEF: not CHIEF.isdisjoint(skills) or told(desk),
        CallList.REGION: told(above[-1]),
        CallList.RESPONDERS: any(map(able, people)),
        CallList.EVERYONE: bool(mine) or any(map(told, {*above, *below})),
    }

    def is_manned(rung: Rung) -> bool:
        return any(each in _BY_CONSOLE or reached[each] for each in rung.lists)

    for rung in climbed.rungs:
        if not is_manned(rung):
            last = rung is climbed.rungs[-1]
            yield Finding(FindingKind.LADDER_NOBODY if last else FindingKind.RUNG_UNMANNED, (desk, rung.name))
