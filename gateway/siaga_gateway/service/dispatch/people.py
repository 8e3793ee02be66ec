"""Officers and patrols on the lists of a ladder, as duty knows them now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.places import Point
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.reachable import Reachable
from siaga_gateway.service.dispatch.recipients import Recipient

# Whoever leads a station has one of these among his skills.
CHIEF: Final = frozenset({"chief", "pimpinan"})
# Of those nearby: more than that tell each other to stay at home.
_NEAREST: Final = 20


class DutyPeople:
    """Implements recipients.People."""

    def __init__(self, duty: Duty, radius_m: int) -> None:
        self._duty = duty
        self._radius_m = radius_m

    def near(self, place: Point | None, now_ms: int) -> Sequence[Recipient]:
        """Whose quiet hours it is is called on a later rung. Without a place the stations are called alone."""
        if place is None:
            return ()
        found = self._duty.near(place, now_ms, self._radius_m)
        return [_recipient(each) for each in found if not each.quiet][:_NEAREST]

    def chiefs(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        return [
            _recipient(each)
            for each in self._of(stations, now_ms)
            if not CHIEF.isdisjoint(skill.casefold() for skill in each.skills)
        ]

    def everyone(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        return [_recipient(each) for each in self._of(stations, now_ms)]

    def person(self, key: str) -> Recipient | None:
        responder = self._duty.responder(key)
        if responder is None or not responder.contacts:
            return None
        return Recipient(f"{RESPONDER}{key}", tuple(contact.way for contact in responder.contacts))

    def _of(self, stations: Collection[str], now_ms: int) -> Iterable[Reachable]:
        return (each for each in self._duty.everyone(now_ms) if each.station in stations)


def _recipient(each: Reachable) -> Recipient:
    return Recipient(f"{RESPONDER}{each.key}", tuple(contact.way for contact in each.ways), each.metres)
