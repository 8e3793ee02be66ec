"""Who was told of an incident, on which way, and what came of it: never more than is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.escalation_state import ContactKind, Escalation, Phase
from siaga_gateway.domain.notification import RESPONDER, Notification, NotificationState, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.call_directory import Listed, key_alone
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.console.incident_views import distance, spoken_phone
from siaga_gateway.web.console.ladder_views import rung_text

MOST: Final = 60  # who were told, shown in the detail; the others are counted
_NUMBERS: Final = (ContactWay.PHONE, ContactWay.SMS, ContactWay.WHATSAPP)  # a person can dial them
_DIALLED: Final = re.compile(r"\+[0-9]{6,15}")
_ALIVE: Final = frozenset({NotificationState.PENDING, NotificationState.HANDED_OVER})
_TONES: Final = {
    NotificationState.HANDED_OVER: "done",
    NotificationState.FAILED: "alarm",
    NotificationState.EXPIRED: "alarm",
    NotificationState.BY_HAND: "warning",
}


@dataclass(frozen=True, slots=True)
class NumberView:
    """A number to dial, or a call sign."""

    shown: str
    link: str | None  # tel:...


@dataclass(frozen=True, slots=True)
class WayView:
    """What came of telling somebody on one way, the last time."""

    way: str
    outcome: str
    tone: str  # plain | done | warning | alarm
    at_ms: int | None  # when it came to that, if known
    times: int  # how often he was told on this way


@dataclass(frozen=True, slots=True)
class ToldView:
    """Somebody who was told, or is to be."""

    name: str
    away: str | None  # how far it is from there
    rung: str
    ways: tuple[WayView, ...]
    numbers: tuple[NumberView, ...]
    opened_ms: int | None = None  # when his link was opened in a browser


@dataclass(frozen=True, slots=True)
class UnreachedView:
    """A rung on which nobody was reached."""

    rung: str
    numbers: tuple[tuple[str, NumberView], ...]  # name, number: the nearest first; those of earlier rungs left out
    above: bool  # there are none but those


@dataclass(frozen=True, slots=True)
class CallsView:
    told: tuple[ToldView, ...] = ()
    more: int = 0
    unreached: tuple[UnreachedView, ...] = ()
    known: bool = False  # there is something to say
    waiting: bool = False  # something is on its way: its outcome comes without an entry in the journal


Find = Callable[[str], Listed | None]


def calls_view(
    notifications: Sequence[Notification],
    opened: Mapping[str, int],
    entries: Iterable[JournalEntry],
    known: Escalation | None,
    find: Find,
    language: str,
    *,
    exercise: bool = False,
) -> CallsView:
    """Return it, worded. exercise: of a drill, which leaves rungs out on purpose: nobody is missed there.

    notifications: of the incident, oldest first. opened: when links were opened, by responder. entries: of its journal.
    find: who a recipient is.
    """
    waiting = any(each.state is NotificationState.PENDING for each in notifications)
    notifications = [each for each in notifications if each.kind is not ContactKind.MESSAGE]  # see messages_view.py
    of_whom: dict[str, list[Notification]] = {}
    for each in notifications:
        of_whom.setdefault(whose(each.recipient), []).append(each)
    links = {f"{RESPONDER}{responder}": at_ms for responder, at_ms in opened.items()}
    told = [_told(key, rows, find(key), links.get(key), language) for key, rows in list(of_whom.items())[:MOST]]
    running = known is not None and known.phase is not Phase.CLOSED
    return CallsView(
        told=tuple(told),
        more=max(0, len(of_whom) - MOST),
        unreached=tuple(_unreached(notifications, entries, known, find, language, exercise=exercise)),
        known=known is not None or bool(of_whom),
        waiting=waiting or any(running and _may_open(each, links) for each in notifications),
    )


def _may_open(each: Notification, links: Mapping[str, int]) -> bool:
    """Whether somebody has a message with a link that he has not opened."""
    handed_over = each.state is NotificationState.HANDED_OVER and each.kind is not ContactKind.NOT_NEEDED
    return handed_over and each.is_responder and whose(each.recipient) not in links


def _told(
    key: str, rows: Sequence[Notification], found: Listed | None, opened_ms: int | None, language: str
) -> ToldView:
    ways: dict[str, list[Notification]] = {}
    for each in rows:
        ways.setdefault(f"{each.recipient}.{each.way}", []).append(each)
    metres = next((each.metres for each in rows if each.metres is not None), None)
    rung = next((each.rung for each in rows if each.rung), "")
    return ToldView(
        name=_name(key, found),
        away=None if metres is None else distance(metres, language),
        rung=rung_text(rung, language) if rung else "",
        ways=tuple(way_view(each, language) for each in ways.values()),
        numbers=_numbers(found),
        opened_ms=opened_ms,
    )


def way_view(rows: Sequence[Notification], language: str) -> WayView:
    """Return what came of telling somebody on one way: the last of these counts."""
    last = rows[-1]
    key = "tried" if last.state is NotificationState.PENDING and last.attempts else str(last.state)
    if last.kind is ContactKind.MESSAGE and last.state is NotificationState.BY_HAND:
        key = "tell"  # it need not be a call
    outcome = text(f"console.told.{key}", language, detail=last.detail or "", n=last.attempts).strip(" :")
    if last.kind not in (ContactKind.CALL, ContactKind.MESSAGE):
        outcome = f"{text(f'console.told.kind_{last.kind}', language)}: {outcome}"
    if last.delivered_ms is not None:
        outcome = f"{outcome}, {text('console.told.delivered', language)}"
    at_ms = last.delivered_ms or (last.attempted_ms if last.attempts else None)
    return WayView(
        way=text(f"console.contact_way.{last.way}", language),
        outcome=outcome,
        tone=_TONES.get(last.state, "plain"),
        at_ms=last.made_at_ms if at_ms is None else at_ms,
        times=len(rows),
    )


def _name(key: str, found: Listed | None) -> str:
    return key_alone(key) if found is None else found.name


def _numbers(found: Listed | None) -> tuple[NumberView, ...]:
    if found is None:
        return ()
    dialled = dict.fromkeys(each.address for each in found.contacts if each.way in _NUMBERS)
    links = [
        NumberView(spoken_phone(number), f"tel:{number}" if _DIALLED.fullmatch(number) else None) for number in dialled
    ]
    radio = [NumberView(each.address, None) for each in found.contacts if each.way is ContactWay.RADIO]
    return (*links, *radio)


def _unreached(
    notifications: Sequence[Notification],
    entries: Iterable[JournalEntry],
    known: Escalation | None,
    find: Find,
    language: str,
    *,
    exercise: bool,
) -> Iterable[UnreachedView]:
    """While nobody has answered: the rungs of this wave that have reached nobody, as they were last called."""
    if known is None or known.phase not in (Phase.CALLING, Phase.HELD):
        return
    calls = [each for each in notifications if each.kind is ContactKind.CALL and each.wave == known.wave]
    reached = {whose(each.recipient) for each in calls if each.state in _ALIVE}
    last = {each.rung: each.number for each in calls}
    empty = {
        str(entry.facts.get("rung")): not (entry.facts.get("recipients") or entry.facts.get("by_hand"))
        for entry in entries
        if entry.kind == journal.CALLED and entry.facts.get("wave") == known.wave
    }
    told: set[NumberView] = set()
    for rung, is_empty in empty.items():
        rows = [each for each in calls if each.number == last.get(rung)]
        if exercise and is_empty:
            continue
        if known.phase is Phase.HELD or (not rows and not is_empty) or any(whose(r.recipient) in reached for r in rows):
            continue  # operators and supervisors are rung by the console
        nearest = sorted(rows, key=lambda each: each.metres if each.metres is not None else 10**9)
        people = dict.fromkeys(whose(each.recipient) for each in ([] if is_empty else nearest))
        found = [(key, find(key)) for key in people]
        numbers = [(_name(key, each), number) for key, each in found for number in _numbers(each)]
        new = [(name, number) for name, number in numbers if number not in told]
        told.update(number for _, number in new)
        yield UnreachedView(rung_text(rung, language), tuple(new), above=bool(numbers) and not new)
