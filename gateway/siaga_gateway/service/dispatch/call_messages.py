"""What is sent for a notification, as things are at the moment of sending."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Incident, Mode, Position
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER, Notification, whose
from siaga_gateway.domain.triage import CALL
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.call_texts import CallFacts, call_text
from siaga_gateway.service.dispatch.notification_sender import Addressee
from siaga_gateway.service.dispatch.routing import PressOrigin, Router
from siaga_gateway.service.dispatch.ways import Answer, PersonalMessage
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_KNOWN_S: Final = 2.0
_MOST_KNOWN: Final = 5_000


@record
class _Known:
    area: str | None
    level: int
    at: float  # monotonic


Link = Callable[[int, str], str | None]  # of an incident and a responder's key
# What can be answered by a button under a message: the end of the page's address, and the page's own words.
_ANSWERS: Final = {ContactKind.CALL: ("accept", "decline"), ContactKind.ASK: ("alive", "backup")}


def no_link(incident_id: int, responder: str) -> str | None:
    """There is no page."""
    return None


class CallMessages:
    """Composes messages, for one thread. What cannot be looked up is left out: a message with less is a call all the
    same."""

    def __init__(
        self,
        store: Store,
        router: Router,
        origin: Callable[[Incident], PressOrigin],
        local: LocalTime,
        clock: Clock,
        link: Link = no_link,
    ) -> None:
        """link: makes the link of a responder's page; None: there is none."""
        self._store = store
        self._router = router
        self._origin = origin
        self._local = local
        self._clock = clock
        self._link = link
        self._known: OrderedDict[tuple[int, Position | None], _Known] = OrderedDict()

    def message(self, incident: Incident, notification: Notification, to: Addressee) -> PersonalMessage:
        """Return what to send. Never raises."""
        now_ms = self._clock.now_ms()
        position = incident.position
        known = self._looked_up(incident, now_ms)
        facts = CallFacts(
            kind=notification.kind,
            why=notification.why,
            pressed_ms=incident.pressed_at_ms or incident.opened_at_ms,
            area=known.area,
            place=None if position is None else (position.latitude, position.longitude),
            place_age_s=None if position is None else _age_s(position, now_ms),
            metres=notification.metres,
            level=known.level,
            round=notification.round,
            identifier=incident.identifier,
            exercise=incident.mode is Mode.EXERCISE,
            repeated=notification.attempts > 0,
        )
        told = call_text(facts, to.language, self._local, now_ms)
        url = self._url(incident, notification)
        return PersonalMessage(
            title=told.title,
            text=told.text,
            url=url,
            urgent=notification.kind is not ContactKind.NOT_NEEDED,
            expires_ms=notification.expires_at_ms,
            withdraws=self._taken_back(notification),
            language=to.language,
            answers=() if url is None else _answers(url, notification.kind, to.language),
        )

    def _taken_back(self, notification: Notification) -> str | None:
        """Return the service's number of the alarm that a note of thanks takes back."""
        if notification.kind is not ContactKind.NOT_NEEDED:
            return None
        with suppress(StoreFailing):
            for each in reversed(self._store.notifications_of(notification.incident_id)):
                same = (each.recipient, each.way) == (notification.recipient, notification.way)
                if same and each.kind is ContactKind.CALL and each.reference is not None:
                    return each.reference
        return None

    def _looked_up(self, incident: Incident, now_ms: int) -> _Known:
        """Return what is the same for all who are told of an incident in one moment."""
        key, now = (incident.id, incident.position), time.monotonic()
        known = self._known.get(key)
        if known is None or now - known.at > _KNOWN_S:
            known = self._known[key] = _Known(self._area(incident, now_ms), self._level(incident), now)
            self._known.move_to_end(key)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known

    def _area(self, incident: Incident, now_ms: int) -> str | None:
        with suppress(StoreFailing):
            for each in self._router.route(self._origin(incident), now_ms).responsible:
                return each.station.name
        return None

    def _level(self, incident: Incident) -> int:
        with suppress(StoreFailing):
            if (alarm := self._store.alarms([incident.id]).get(incident.id)) is not None:
                return alarm.level
        return CALL

    def _url(self, incident: Incident, notification: Notification) -> str | None:
        key = whose(notification.recipient)
        if not key.startswith(RESPONDER) or notification.kind is ContactKind.NOT_NEEDED:
            return None
        try:
            return self._link(incident.id, key.removeprefix(RESPONDER))
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            return None


def _answers(url: str, kind: ContactKind, language: str) -> tuple[Answer, ...]:
    return tuple(Answer(text(f"responder.step.{step}", language), f"{url}/{step}") for step in _ANSWERS.get(kind, ()))


def _age_s(position: Position, now_ms: int) -> int:
    """Where a button is mounted does not age."""
    if position.source == "installed":
        return 0
    return max(0, now_ms - position.at_ms) // 1000 + (position.fix_age_s or 0)
