"""Asks the owners of ways for a code, and takes their answers: only an answer proves that a way reaches somebody.

Whoever can send takes what is due from `ask` and sends it; what could not be sent is asked again with the next day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import copied, record
from siaga_gateway.domain.way_proof import CODE_DIGITS, ProvenWay, answered, asked, is_due
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.responder_lists import ResponderError, unknown
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

EVERY_S: Final = 60.0
_AT_ONCE: Final = 200  # people in a transaction


@record
class Question:
    """A code that somebody is to answer, on the way that is to be proven."""

    responder: str
    name: str
    language: str
    contact: Contact
    code: str


class WayQuestions:
    """duty: tells when a shift began."""

    def __init__(
        self, store: Store, clock: Clock, duty: Duty, *, code: Callable[[], str] = lambda: _drawn(CODE_DIGITS)
    ) -> None:
        self._store = store
        self._clock = clock
        self._duty = duty
        self._code = code

    def ask(self, ways: frozenset[ContactWay], only: str | None = None) -> Sequence[Question]:
        """Return what to ask now, of ways of these kinds; from then on it counts as asked. No code goes twice.

        only: this person, also where nothing is due. Raises: ResponderError, StoreFailing, PersonalKeyError.
        """
        now_ms = self._clock.now_ms()
        people = {each.key: each for each in self._store.responders()}
        if only is not None and only not in people:
            raise unknown(only, people)
        due = [
            key for key, each in people.items()
            if (only is None and self._due(each, ways, now_ms)) or key == only
        ]  # fmt: skip
        questions: list[Question] = []
        for at in range(0, len(due), _AT_ONCE):
            with self._store.transaction() as transaction:
                transaction.change_responders()
                there = [transaction.responder(key) for key in due[at : at + _AT_ONCE]]
                asked_now = [self._asked(each, ways, now_ms, only is not None) for each in there if each is not None]
                transaction.put_responders([each for each, _ in asked_now])
            questions += [question for _, mine in asked_now for question in mine]
        return questions

    def answer(
        self, key: str, answer: str, actor: str | None = None, *, only: Contact | None = None
    ) -> tuple[ContactWay, ...]:
        """Take somebody's answer, and return the ways that it proves. Durable when this returns.

        only: on which it came, and which alone it proves; None: he told it to somebody.

        Raises: ResponderError if it is none of the codes that he was sent in the last day; StoreFailing.
        """
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.change_responders()
            there = transaction.responder(key)
            if there is None:
                raise unknown(key, self._store.responder_keys())
            judged = [
                (way, False) if only is not None and way.contact != only else answered(way, answer, now_ms)
                for way in there.ways
            ]
            proven = tuple(way.contact.way for way, right in judged if right)
            if proven:  # what is right for one way is no wrong answer on another
                after = tuple(new if right else old for (new, right), old in zip(judged, there.ways, strict=True))
            else:
                after = tuple(new for new, _ in judged)
            transaction.put_responders([copied(there, ways=after)])
            for way in proven:
                transaction.note(journal.WAY_PROVEN, now_ms, {"responder": key, "way": way.value}, actor=actor)
        if not proven:
            waits = any(way.open_at(now_ms) for way in after)
            raise ResponderError("responders.wrong_code" if waits else "responders.no_code", responder=key)
        return proven

    def _due(self, responder: Responder, ways: frozenset[ContactWay], now_ms: int) -> bool:
        began_ms = self._began_ms(responder, now_ms)
        return any(way.contact.way in ways and is_due(way, now_ms, began_ms) for way in responder.ways)

    def _began_ms(self, responder: Responder, now_ms: int) -> int | None:
        standing = self._duty.standing(responder.key, now_ms)
        return standing.since_ms if standing is not None and standing.reachable else None

    def _asked(
        self, responder: Responder, ways: frozenset[ContactWay], now_ms: int, anyway: bool
    ) -> tuple[Responder, list[Question]]:
        began_ms = self._began_ms(responder, now_ms)
        after: list[ProvenWay] = []
        questions: list[Question] = []
        for way in responder.ways:
            if way.contact.way in ways and (anyway or is_due(way, now_ms, began_ms)):
                way = asked(way, self._code(), now_ms)
                questions.append(Question(responder.key, responder.name, responder.language, way.contact, way.code))
            after.append(way)
        return copied(responder, ways=tuple(after)), questions


def _drawn(digits: int) -> str:
    return f"{secrets.randbelow(10**digits):0{digits}d}"
