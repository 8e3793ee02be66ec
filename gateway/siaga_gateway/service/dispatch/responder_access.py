"""All data held about one responder, for that person (UU 27/2022: the right to know and to get a copy)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.opening_hours import written
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.responders import ResponderPosition
from siaga_gateway.domain.shifts import Shift
from siaga_gateway.service.dispatch.responder_lists import unknown
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store

_PAGE: Final = 1_000


def held_about_responder(store: Store, key: str, local: LocalTime = IN_UTC) -> dict[str, Any]:
    """Return as JSON the person, the ways, the shifts, where the phone was, and what the journal says of him.

    Times are ISO 8601 with the offset of `local`, positions in degrees. Raises: ResponderError, StoreFailing.
    """
    people = {each.key: each for each in store.responders()}
    if key not in people:
        raise unknown(key, people)
    each = people[key]

    def told_at(unix_ms: int | None) -> str | None:
        return None if unix_ms is None else local.iso(unix_ms, "milliseconds")

    said = store.declared().get(key)
    position = store.positions_of([key]).get(key)
    return {
        "key": key,
        "kind": each.kind.value,
        "name": each.name,
        "added_at": told_at(each.added_ms),
        "station": each.station,
        "language": each.language,
        "transport": each.transport.value,
        "skills": list(each.skills),
        "quiet_hours": written(each.quiet),
        "home": _place(each.home),
        "ways": [
            {
                "way": way.contact.way.value,
                "address": way.contact.address,
                "proven_at": told_at(way.proven_ms),
                "asked_at": told_at(way.asked_ms),
            }
            for way in each.ways
        ],
        "own_page": [
            {"link_made_at": told_at(link.made_at_ms), "used_at": told_at(link.used_at_ms)}
            for link in store.duty_links_of(key)
        ],
        "phone_may_send_positions": each.token_hash is not None,
        "shifts": [shift_told(shift) for shift in store.shifts() if shift.responder == key],
        "declared": None
        if said is None
        else {"duty": said.duty.value, "since": told_at(said.since_ms), "until": told_at(said.until_ms)},
        "position": None
        if position is None
        else _position(position, told_at(position.fix_ms), told_at(position.heard_ms)),
        "journal": [
            {"at": told_at(one.at_ms), "kind": one.kind, "by": one.actor, "facts": dict(one.facts)}
            for one in _journal(store)
            if one.facts.get("responder") == key or one.facts.get("who") == f"{RESPONDER}{key}"
        ],
    }


def shift_told(shift: Shift) -> dict[str, Any]:
    def day(number: int | None) -> str | None:
        return None if number is None else date.fromordinal(number).isoformat()

    return {
        "responder": shift.responder,
        "duty": shift.duty.value,
        "hours": written(shift.hours),
        "first_day": day(shift.first_day),
        "last_day": day(shift.last_day),
    }


def _position(position: ResponderPosition, fix_at: str | None, heard_at: str | None) -> dict[str, Any]:
    return {
        **(_place(position.place) or {}),
        "accuracy_m": position.accuracy_m,
        "at": fix_at,
        "at_is_known": position.fix_known,
        "heard_at": heard_at,
    }


def _place(place: Point | None) -> dict[str, float] | None:
    return None if place is None else {"latitude": place[0] / 10**7, "longitude": place[1] / 10**7}


def _journal(store: Store) -> Iterator[JournalEntry]:
    after = 0
    while page := store.journal_after(after, _PAGE):
        yield from page
        after = page[-1].id
