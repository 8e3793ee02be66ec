"""Who is on the lists of a rung now, and on which ways each of them is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import Drill, is_exercise
from siaga_gateway.domain.escalation_settings import CallList, Ladder, Rung
from siaga_gateway.domain.escalation_state import Assignment, Contact, ContactKind, Progress, Why
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import RESPONDER, STATION, Notification, whose
from siaga_gateway.domain.places import ContactWay, Point, Station, StationKind
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.routing import PressOrigin, Route, Router
from siaga_gateway.service.store import StoreDamaged, StoreFailing

log = logging.getLogger(__name__)

# A desk rings every 20 s: only on ways where that costs nothing and the phone shows one message.
RINGING: Final = frozenset({ContactWay.NTFY, ContactWay.TELEGRAM})
_STILL_NEEDED: Final = frozenset({Progress.COMING, Progress.LATE, Progress.ON_SCENE})


@record
class Recipient:
    """Somebody to be told."""

    key: str
    ways: tuple[ContactWay, ...]  # as he wants to be reached, the best first; twice: two addresses
    metres: int | None = None


@record
class Reach:
    """Whom a contact is for."""

    recipients: tuple[Recipient, ...]
    by_console: bool = False  # the console rings for it, whoever else is told
    station: str | None = None  # of a call: the key of the station that answers for it


class People(Protocol):
    """Who can be called, of those who are no station."""

    def near(self, place: Point | None, now_ms: int) -> Sequence[Recipient]:
        """Return those on duty or available near a place, the nearest first."""
        ...

    def chiefs(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        """Return who leads these stations."""
        ...

    def everyone(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        """Return all of these stations, on duty or not."""
        ...

    def person(self, key: str) -> Recipient | None: ...


class Recipients:
    """Looks up whom a contact is for, at the moment of the contact."""

    def __init__(
        self,
        router: Router,
        origin: Callable[[Incident], PressOrigin],
        people: People,
        drill: Callable[[int], Drill | None],
    ) -> None:
        """origin: where an incident is. drill: by its number. Both raise: StoreFailing."""
        self._router = router
        self._origin = origin
        self._people = people
        self._drill = drill

    def ready(self) -> None:
        """Read the lists, if they have changed. Raises: StoreFailing."""
        self._router.warm()

    def of(
        self,
        incident: Incident,
        contact: Contact,
        ladder: Ladder,
        assignments: Collection[Assignment],
        told: Callable[[], Sequence[Notification]],
        now_ms: int,
    ) -> Reach:
        """Return whom to tell. For an exercise nobody but those whom its drill names, whatever asks for somebody.

        assignments: of the incident's escalation. told: what has been told so far, read only if it is needed. Raises:
        StoreFailing.
        """
        reach = self._usual(incident, contact, ladder, assignments, told, now_ms)
        return self._within_drill(incident, contact, ladder, reach, now_ms) if is_exercise(incident) else reach

    def each_rung(self, incident: Incident, ladder: Ladder, now_ms: int) -> Iterator[tuple[Rung, Reach]]:
        """Yield whom each rung would call if nobody answered: a dry run, nobody is. Raises: StoreFailing."""
        for number, rung in enumerate(ladder.rungs, 1):
            contact = Contact(number, ContactKind.CALL, Why.OPENED, 1, rung.name, rung.after_s)
            yield rung, self.of(incident, contact, ladder, (), tuple, now_ms)

    def _within_drill(self, incident: Incident, contact: Contact, ladder: Ladder, reach: Reach, now_ms: int) -> Reach:
        """Each rung calls whom it would call, of those whom the drill names; the last one calls all of these. About
        one that is still open after its drill only the console is asked."""
        if contact.kind is ContactKind.RING_DESK and contact.why is Why.RESTORED:
            return Reach((), reach.by_console, reach.station)
        drill = None if incident.drill is None else self._drill(incident.drill)
        listed = () if drill is None else drill.contacts
        found = {each.key: each for each in reach.recipients if each.key in listed}
        if contact.kind is ContactKind.CALL and contact.rung == ladder.rungs[-1].name:
            place = self._router.route(self._origin(incident), now_ms).place
            for each in self._named(listed, place):
                if contact.responders or not each.key.startswith(RESPONDER):
                    found.setdefault(each.key, each)
        return Reach(tuple(found.values()), reach.by_console, reach.station)

    def _named(self, keys: Iterable[str], place: Point | None) -> Iterator[Recipient]:
        for key in keys:
            if key.startswith(RESPONDER):
                yield from self._one(key)
            elif (station := self._router.stations().get(key.removeprefix(STATION))) is not None:
                yield from _stations(place, [station])

    def _usual(
        self,
        incident: Incident,
        contact: Contact,
        ladder: Ladder,
        assignments: Collection[Assignment],
        told: Callable[[], Sequence[Notification]],
        now_ms: int,
    ) -> Reach:
        match contact.kind:
            case ContactKind.ASK:
                return Reach(tuple(self._one(contact.who)))
            case ContactKind.NOT_NEEDED:
                return Reach(tuple(self._not_needed(assignments, told())))
            case ContactKind.RING_DESK:
                at = self._router.route(self._origin(incident), now_ms)
                return Reach(_on(RINGING, _stations(at.place, _desks(at))), by_console=True)
        rungs = [*ladder.rungs, *ladder.held]
        lists = next((rung.lists for rung in rungs if rung.name == contact.rung), ladder.rungs[-1].lists)
        at = self._router.route(self._origin(incident), now_ms)
        found = [each for one in lists for each in self._on_list(one, at, contact, now_ms)]
        if contact.why is Why.MADE_REAL and contact.rung == ladder.rungs[0].name:
            # Whoever was told that it is an exercise is told that it is none.
            called = dict.fromkeys(whose(each.recipient) for each in told() if each.kind is ContactKind.CALL)
            found += self._named(called, at.place)
        # Where there is no station at all, the console is the only desk.
        console = CallList.OPERATOR in lists or (CallList.DESK in lists and not at.responsible)
        return Reach(tuple({each.key: each for each in reversed(found)}.values())[::-1], console, at.station)

    def _on_list(self, which: CallList, at: Route, contact: Contact, now_ms: int) -> Iterable[Recipient]:
        keys = [station.key for each in at.responsible for station in each.ladder]
        match which:
            case CallList.STATIONS:
                return _stations(at.place, _first(at))
            case CallList.DESK:
                return _stations(at.place, _desks(at))
            case CallList.CHIEF:
                desks = _desks(at)
                chiefs = _found(lambda: self._people.chiefs([desk.key for desk in desks], now_ms))
                return chiefs or _stations(at.place, desks)
            case CallList.REGION:
                return _stations(at.place, [each.ladder[-1] for each in at.responsible])
            case CallList.RESPONDERS:
                return _found(lambda: self._people.near(at.place, now_ms)) if contact.responders else ()
            case CallList.EVERYONE:
                above = [station for each in at.responsible for station in each.ladder]
                people = _found(lambda: self._people.everyone(keys, now_ms)) if contact.responders else ()
                return [*_stations(at.place, [*_first(at), *above]), *people]
        return ()  # operator and supervisor: the console rings

    def _one(self, who: str) -> Sequence[Recipient]:
        return _found(lambda: self._person(who.removeprefix(RESPONDER))) if who.startswith(RESPONDER) else ()

    def _person(self, key: str) -> Sequence[Recipient]:
        person = self._people.person(key)
        return () if person is None else (person,)

    def _not_needed(self, assignments: Collection[Assignment], told: Sequence[Notification]) -> Iterator[Recipient]:
        needed = {each.who for each in assignments if each.progress in _STILL_NEEDED}
        for who in dict.fromkeys(whose(each.recipient) for each in told if each.is_responder):
            if who not in needed:
                yield from self._one(who)


def _found(people: Callable[[], Sequence[Recipient]]) -> Sequence[Recipient]:
    """Return whom a look-up among people finds; where it fails, nobody: stations are called all the same.

    Raises: StoreFailing, of one that is not only damaged.
    """
    try:
        return people()
    except Exception as error:
        if isinstance(error, StoreFailing) and not isinstance(error, StoreDamaged):
            raise
        log.exception(Localized("log.dispatch.people"))
        return ()


def _first(at: Route) -> list[Station]:
    return [*(each.station for each in at.responsible), *(each.station for each in at.nearest)]


def _desks(at: Route) -> list[Station]:
    """Of each ladder the Polres; where it has none, who is highest."""
    return [
        next((each for each in one.ladder if each.kind is StationKind.POLRES), one.ladder[-1]) for one in at.responsible
    ]


def _stations(place: Point | None, stations: Iterable[Station]) -> list[Recipient]:
    """Return those of them that can be told."""
    found: dict[str, Recipient] = {}
    for station in stations:
        ways = tuple(contact.way for contact in station.contacts)
        if ways and station.key not in found:
            metres = None if place is None else round(distance_m(place, station.place))
            found[station.key] = Recipient(f"{STATION}{station.key}", ways, metres)
    return list(found.values())


def _on(ways: Collection[ContactWay], recipients: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Return them with these ways only, without those who have none."""
    kept = ((each, tuple(way for way in each.ways if way in ways)) for each in recipients)
    return tuple(Recipient(each.key, left, each.metres) for each, left in kept if left)
