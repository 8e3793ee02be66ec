"""Sends people the codes that prove their ways; slowly, since calls for help go by the same services."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.domain.way_proof import VALID_MS
from siaga_gateway.service.dispatch.way_questions import Question, WayQuestions
from siaga_gateway.service.dispatch.ways import Way
from siaga_gateway.service.ports import Clock, NotDelivered

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
_AT_MOST: Final = 5  # by one way in a turn
_TRIES: Final = 5
_PAUSE_MS: Final = 60_000


@record
class _Waiting:
    question: Question
    asked_ms: int
    tries: int = 0
    next_ms: int = 0


class WayCodes:
    """`work` is a periodic job, in a thread of its own: a service may take a minute to answer.

    What waits here when the gateway ends is asked again a day later.
    """

    def __init__(
        self,
        questions: WayQuestions,
        ways: Sequence[Way],
        clock: Clock,
        local: LocalTime,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """busy: whether calls for help wait for these services. It may raise StoreFailing."""
        self._questions = questions
        self._ways: dict[ContactWay, list[Way]] = {}
        for way in ways:
            self._ways.setdefault(way.kind, []).append(way)
        self._clock = clock
        self._local = local
        self._busy = busy
        self._waiting: dict[ContactWay, deque[_Waiting]] = {kind: deque() for kind in self._ways}

    def work(self) -> None:
        """Ask what is due, and send some of it. Raises: StoreFailing, PersonalKeyError."""
        if not self._ways or self._busy():
            return
        now_ms = self._clock.now_ms()
        idle = frozenset(kind for kind, waiting in self._waiting.items() if not waiting)
        if idle:
            for question in self._questions.ask(idle):
                self._waiting[question.contact.way].append(_Waiting(question, now_ms))
        for kind, waiting in self._waiting.items():
            self._send_some(kind, waiting)

    def _send_some(self, kind: ContactWay, waiting: deque[_Waiting]) -> None:
        ways = self._ways[kind]
        # Half of what the service takes is left for those who call for help.
        interval_ms = max(way.budget.interval_ms for way in ways)
        for _ in range(min(_AT_MOST, len(waiting), max(1, round(EVERY_S * 500) // max(1, interval_ms)))):
            each = waiting.popleft()
            now_ms = self._clock.now_ms()
            if not 0 <= now_ms - each.asked_ms < VALID_MS:
                continue  # it would not be taken any more
            if now_ms < each.next_ms:
                waiting.append(each)
                continue
            self._send(ways[each.tries % len(ways)], each, waiting, now_ms)

    def _send(self, way: Way, each: _Waiting, waiting: deque[_Waiting], now_ms: int) -> None:
        question = each.question
        key = f"code.{question.responder}.{question.contact.way.value}.{each.asked_ms}"
        outcome = way.send(question.contact.address, self._message(question, each.asked_ms), key)
        if not isinstance(outcome, NotDelivered):
            return
        if outcome.permanent or each.tries + 1 >= _TRIES:
            log.warning(
                Localized(
                    "log.responders.code_unsent",
                    responder=question.responder,
                    way=question.contact.way.value,
                    why=outcome.detail,
                )
            )
            return
        waiting.append(_Waiting(question, each.asked_ms, each.tries + 1, now_ms + _PAUSE_MS))

    def _message(self, question: Question, asked_ms: int) -> PersonalMessage:
        language = question.language
        at = self._local.clock(asked_ms, asked_ms)
        return PersonalMessage(
            title=text("dispatch.code.title", language, code=question.code),
            text=text("dispatch.code.text", language, code=question.code, at=at),
            url=None,
            urgent=False,
            expires_ms=asked_ms + VALID_MS,
            language=language,
        )
