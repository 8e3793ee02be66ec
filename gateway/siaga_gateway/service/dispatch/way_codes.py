"""Sends people the codes that prove their ways; slowly, since calls for help go by the same services."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.personal_message import PersonalMessage, Spoken
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record
from siaga_gateway.domain.way_proof import VALID_MS
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.way_questions import Question as WayQuestion
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, by_turn, outcome_of, traffic_of
from siaga_gateway.service.dispatch.ways import TalkingWay, Way
from siaga_gateway.service.ports import Clock, NotDelivered

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
_AT_MOST: Final = 5  # by one way in a turn
_TRIES: Final = 5
_CALLS: Final = 2  # by telephone
_DAYTIME: Final = range(8, 20)
_PAUSE_MS: Final = 60_000
_SHORT_MS: Final = 250  # a budget that is there again so soon is waited for


@record
class _Waiting:
    question: WayQuestion
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
        read_back: Collection[ContactWay] = (),
        traffic: Mapping[str, WayTraffic] | None = None,
        mine: Callable[[ContactWay], bool] = lambda kind: True,
    ) -> None:
        """read_back: ways on which a code may be written back. busy: whether calls for help wait for these services;
        it may raise StoreFailing. traffic: of each way by name, shared with the calls for help: codes count too.
        mine: whether this worker is the one that sends on a kind of way now."""
        self._questions = questions
        self._ways: dict[ContactWay, list[Way]] = {}
        for way in ways:
            self._ways.setdefault(way.kind, []).append(way)
        self._clock = clock
        self._local = local
        self._busy = busy
        self._read_back = frozenset(read_back)
        self._mine = mine
        self._traffic = traffic or {way.name: traffic_of(way) for way in ways}
        self._waiting: dict[ContactWay, deque[_Waiting]] = {kind: deque() for kind in self._ways}

    def work(self) -> None:
        """Ask what is due, and send some of it. Raises: StoreFailing, PersonalKeyError."""
        if not self._ways or self._busy():
            return
        now_ms = self._clock.now_ms()
        idle = frozenset(kind for kind, waiting in self._waiting.items() if not waiting and self._may(kind, now_ms))
        if idle:
            for question in self._questions.ask(idle):
                self._waiting[question.contact.way].append(_Waiting(question, now_ms))
        for kind, waiting in self._waiting.items():
            self._send_some(kind, waiting)

    def _may(self, kind: ContactWay, now_ms: int) -> bool:
        """Nobody is rung at night to prove that he can be rung."""
        day = kind is not ContactWay.PHONE or self._local.at(now_ms).hour in _DAYTIME
        return day and self._mine(kind)

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
            mono_ms = round(time.monotonic() * 1000)
            way = next(iter(by_turn(ways, self._traffic, each.tries, mono_ms)), ways[0])
            traffic, person = self._traffic[way.name], f"{RESPONDER}{each.question.responder}"
            wait_ms = traffic.wait_ms(person, mono_ms, first=False)
            if not traffic.takes(mono_ms) or wait_ms > _SHORT_MS:
                waiting.append(each)
                continue
            time.sleep(wait_ms / 1000)
            traffic.begun(person, mono_ms + wait_ms)
            self._send(way, each, waiting, now_ms)

    def _send(self, way: Way, each: _Waiting, waiting: deque[_Waiting], now_ms: int) -> None:
        question = each.question
        key = f"code.{question.responder}.{question.contact.way.value}.{each.asked_ms}"
        message = self._message(question, each.asked_ms)
        if isinstance(way, TalkingWay):
            outcome = way.call(question.contact.address, message, key, _ProofTalk(self._questions, question))
        else:
            outcome = way.send(question.contact.address, message, key)
        ended = outcome_of(outcome)
        self._traffic[way.name].ended(f"{RESPONDER}{question.responder}", round(time.monotonic() * 1000), ended)
        if not isinstance(outcome, NotDelivered):
            return
        most = _CALLS if question.contact.way is ContactWay.PHONE else _TRIES
        if outcome.permanent or each.tries + 1 >= most:
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

    def _message(self, question: WayQuestion, asked_ms: int) -> PersonalMessage:
        language = question.language
        at = self._local.clock(asked_ms, asked_ms)
        how = "reply" if question.contact.way in self._read_back else "text"
        return PersonalMessage(
            title=text("dispatch.code.title", language, code=question.code),
            text=text(f"dispatch.code.{how}", language, code=question.code, at=at),
            url=None,
            urgent=False,
            expires_ms=asked_ms + VALID_MS,
            language=language,
            spoken=Spoken(Question.PROOF, (text("dispatch.code.spoken", language, at=at),)),
        )


class _ProofTalk:
    """Implements service.dispatch.ways.Talk: whoever presses the key in a call has answered its code."""

    def __init__(self, questions: WayQuestions, question: WayQuestion) -> None:
        self._questions = questions
        self._question = question

    def standing(self) -> Standing:
        return Standing.WANTED

    def take(self, said: Said) -> Taken:
        try:
            self._questions.answer(self._question.responder, self._question.code, only=self._question.contact)
        except ResponderError:
            return Taken.OVER  # he has left, or was asked anew
        except Exception:
            log.exception(Localized("log.fault.output", output=self._question.contact.way))
            return Taken.UNSTORED
        return Taken.TAKEN
