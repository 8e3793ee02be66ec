"""What is sent for a notification, as things are at the moment of sending."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Incident, Mode, Position
from siaga_gateway.domain.keyed_answer import Question
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER, Notification, whose
from siaga_gateway.domain.operator_message import HOLDER
from siaga_gateway.domain.personal_message import Reply, Spoken
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.text_answer import OF_EXERCISE
from siaga_gateway.domain.triage import CALL, Alarm
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.call_texts import CallFacts, call_text, spoken_sentences
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


Code = Callable[[int, str, bool], str | None]  # of an incident and a responder's key; whether it is an exercise
# What can be answered by a button under a message: the end of the page's address, and the page's own words.
_ANSWERS: Final = {ContactKind.CALL: ("accept", "decline"), ContactKind.ASK: ("alive", "backup")}

# The same by writing back: see domain/text_answer.py.
_REPLIES: Final = {
    # A button keeps its words: on scene 2 would call help.
    ContactKind.CALL: (("1", "accept"), ("4", "decline"), ("3", "arrived")),
    ContactKind.ASK: (("3", "alive"), ("2", "backup")),
}


class Links(Protocol):
    """Makes the links of responders' pages: of an incident and a responder's key. Raises: StoreFailing."""

    def prepare(self, wanted: Collection[tuple[int, str]]) -> None:
        """Make these, in one go."""
        ...

    def url(self, incident_id: int, responder: str) -> str: ...


def no_code(incident_id: int, responder: str, exercise: bool) -> str | None:
    """Nobody reads what is written back."""
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
        links: Links | None = None,
        code: Code = no_code,
    ) -> None:
        """links: None: there is no page for responders. code: by which a responder answers in writing."""
        self._store = store
        self._router = router
        self._origin = origin
        self._local = local
        self._clock = clock
        self._links = links
        self._code = code
        self._alarms: Mapping[int, Alarm] = {}  # of what is composed next
        self._known: OrderedDict[tuple[int, Position | None], _Known] = OrderedDict()

    def expect(self, ready: Sequence[Notification]) -> None:
        """Make the links of messages that are composed next, and look up their levels. Never raises."""
        self._alarms = {}
        with suppress(StoreFailing):  # each is looked up by itself, or its message goes without
            self._alarms = self._store.alarms({each.incident_id for each in ready})
        if self._links is None:
            return
        try:
            self._links.prepare([(each.incident_id, key) for each in ready if (key := _linked(each)) is not None])
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
        except Exception:  # each is made when it is needed, or its message goes without
            log.exception(Localized("log.dispatch.links"))

    def message(self, incident: Incident, notification: Notification, to: Addressee) -> PersonalMessage:
        """Return what to send. Never raises."""
        now_ms = self._clock.now_ms()
        if notification.kind is ContactKind.MESSAGE:
            return self._desk_message(incident, notification, to)
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
        exercise = is_exercise(incident)
        code = self._of_responder(lambda call, who: self._code(call, who, exercise), incident, notification)
        return PersonalMessage(
            title=told.title,
            text=told.text,
            url=url,
            urgent=notification.kind is not ContactKind.NOT_NEEDED,
            expires_ms=notification.expires_at_ms,
            withdraws=self._taken_back(notification),
            language=to.language,
            answers=() if url is None else _answers(url, notification.kind, to.language, exercise=facts.exercise),
            reply=None if code is None else text(f"calls.reply.{notification.kind}", to.language, code=code),
            replies=() if code is None else _replies(code, notification.kind, to.language, exercise=facts.exercise),
            spoken=Spoken(
                _question(notification, to), self._sentences(facts, notification, to, now_ms), facts.exercise
            ),
        )

    def _desk_message(self, incident: Incident, notification: Notification, to: Addressee) -> PersonalMessage:
        """Return what a desk wrote. The holder gets the words alone: no number, nothing to open."""
        for_holder = notification.recipient.startswith(HOLDER)
        title = text(f"calls.title.{'message_to_holder' if for_holder else 'message'}", to.language)
        if incident.mode is Mode.EXERCISE:
            title = text("calls.title.exercise", to.language, title=title)
        return PersonalMessage(
            title=title if for_holder else f"{title} {incident.identifier}",
            text=self._written(notification, to.language) or text("calls.text.message_unreadable", to.language),
            url=None if for_holder else self._url(incident, notification),
            urgent=not for_holder,
            expires_ms=notification.expires_at_ms,
            language=to.language,
            whole=True,
        )

    def _written(self, notification: Notification, language: str) -> str:
        with suppress(StoreFailing):
            for each in self._store.desk_messages_of(notification.incident_id):
                if each.number == notification.number:
                    return each.text(language)
        return ""

    def _sentences(self, facts: CallFacts, notification: Notification, to: Addressee, now_ms: int) -> tuple[str, ...]:
        """Return what a voice says; nothing where no voice will."""
        if notification.way is not ContactWay.PHONE:
            return ()
        return spoken_sentences(facts, to.language, self._local, now_ms)

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
            known = self._alarms if incident.id in self._alarms else self._store.alarms([incident.id])
            if (alarm := known.get(incident.id)) is not None:
                return alarm.level
        return CALL

    def _url(self, incident: Incident, notification: Notification) -> str | None:
        return None if self._links is None else self._of_responder(self._links.url, incident, notification)

    def _of_responder(
        self, made: Callable[[int, str], str | None], incident: Incident, notification: Notification
    ) -> str | None:
        if (key := _linked(notification)) is None:
            return None
        try:
            return made(incident.id, key)
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            return None


def _linked(notification: Notification) -> str | None:
    """Return the key of the responder whose link the message has; None: it has none."""
    if not notification.is_responder or notification.kind is ContactKind.NOT_NEEDED:
        return None
    return whose(notification.recipient).removeprefix(RESPONDER)


def _answers(url: str, kind: ContactKind, language: str, *, exercise: bool) -> tuple[Answer, ...]:
    """An answer to an exercise is none to the call in earnest that it may have become."""
    mark = "?exercise=1" if exercise else ""
    steps = _ANSWERS.get(kind, ())
    return tuple(Answer(text(f"responder.step.{step}", language), f"{url}/{step}{mark}") for step in steps)


def _question(notification: Notification, to: Addressee) -> Question:
    if notification.kind is ContactKind.ASK:
        return Question.WELL
    if notification.kind is ContactKind.NOT_NEEDED:
        return Question.HEARD
    return Question.RESPONDER if notification.is_responder and not to.leads else Question.DESK


def _replies(code: str, kind: ContactKind, language: str, *, exercise: bool) -> tuple[Reply, ...]:
    mark = OF_EXERCISE if exercise else ""
    return tuple(
        Reply(text(f"responder.step.{step}", language), f"{digit} {code}{mark}") for digit, step in _REPLIES[kind]
    )


def _age_s(position: Position, now_ms: int) -> int:
    """Where a button is mounted does not age."""
    if position.source == "installed":
        return 0
    return max(0, now_ms - position.at_ms) // 1000 + (position.fix_age_s or 0)
