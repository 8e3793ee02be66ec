"""What responders answer in writing: to calls, and with the codes that prove their numbers and chats.

A number is no identity, as a sender can be forged; what can be done here is bounded by that. An answer is a responder's
and never a desk's: an acceptance stops the climb for a minute, desks ring on, and the timeline says that it came by
text. Strangers are not answered at all, others within budgets. Each answer is confirmed after its commit.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Protocol

from siaga_gateway.catalogue import text as worded
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import ContactKind, FactKind, Progress
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER, whose
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.response import Response, ResponseState, written
from siaga_gateway.domain.text_answer import KEPT_MS, TextAnswer, WayCode, parsed
from siaga_gateway.service.dispatch.moved_chats import former_chat
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.text_numbers import Texter, TextNumbers
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.ports import Clock, ResponderRefused, StepResult
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.text_codes import CodedCall

log = logging.getLogger(__name__)

HELPS_A_DAY: Final = 5  # of a kind, to one number
_A_DAY: Final = frozenset({"unclear", "wrong_proof"})  # each
_DAY_MS: Final = 86_400_000
_REMEMBERED: Final = 5_000
_CONFIRMED: Final = {FactKind.WITHDREW: "declined"}  # by the words of
# A call that was closed lately may be the one that an answer without a code means.
_LATELY_MS: Final = 3_600_000


class AnswerTaking(Protocol):
    """What is needed of ResponderSteps."""

    def answer(
        self,
        incident_id: int,
        responder: str,
        said: FactKind,
        minutes: int | None = None,
        *,
        way: ContactWay | None,
        said_ms: int | None,
        exercise: bool,
    ) -> StepResult: ...
    def unclear(self, incident_id: int, responder: str, *, way: ContactWay) -> None: ...


class CodeTaking(Protocol):
    """What is needed of WayQuestions."""

    def answer(
        self, key: str, answer: str, actor: str | None = None, *, only: Contact | None = None
    ) -> tuple[ContactWay, ...]: ...


class TextReplies(Protocol):
    """Sends an answer to a text back where it came from."""

    def reply(self, origin: Hashable, text: str) -> None:
        """Queue it; never blocks or raises."""
        ...


class TextAnswers:
    """Implements service.inbound.TextReader."""

    def __init__(
        self,
        store: Store,
        numbers: TextNumbers,
        steps: AnswerTaking,
        questions: CodeTaking,
        replies: TextReplies,
        clock: Clock,
        local: LocalTime,
        budget: ReplyBudget,
        way: ContactWay = ContactWay.SMS,
        received: Callable[[str, int], None] = lambda number, at_ms: None,
    ) -> None:
        """received: told that a number has received a message, and when. way: on which they write. budget: of
        confirmations, for each number."""
        self._store = store
        self._numbers = numbers
        self._steps = steps
        self._questions = questions
        self._replies = replies
        self._clock = clock
        self._local = local
        self._budget = budget
        self._way = way
        self._received = received
        self._helps = _Helps()

    def read(self, text: InboundText) -> TextOutcome:
        if text.delivered:
            self._received(text.number, text.received_ms)
            return TextOutcome.TAKEN
        people = self._numbers.whose(text.number)
        said = parsed(text.text)
        if isinstance(said, WayCode) and people and not text.chat:
            return self._prove(text, said, people)
        proven = [each for each in people if each.proven]
        if not proven:
            return TextOutcome.STRANGER
        if not isinstance(said, TextAnswer):
            self._ring_for(proven)
            return self._help(text, proven[0], "unclear")
        told = [each for each in self._in_chat(text.chat) if each.proven] if text.chat else proven
        calls = self._store.coded_calls({each.responder for each in told}, self._clock.now_ms() - KEPT_MS)
        meant = _meant(calls, said, text.received_ms)
        if isinstance(meant, str):
            if said.said is FactKind.DECLINED:  # of who is on the scene it is a call for help
                self._ring_for(proven)
            return self._help(text, proven[0], meant)
        if said.code is not None and meant.code.code != said.code:
            self._ring_for(proven)
            self._confirm(text, ResponderRefused("responder.made_real").say(proven[0].language))
            return TextOutcome.UNCLEAR
        # In a chat of several it is whoever tapped, of two who share a number whose code it is.
        who = next((each for each in proven if each.responder == meant.code.responder), proven[0])
        return self._answer(text, who, meant, said)

    def _in_chat(self, chat: str) -> Sequence[Texter]:
        return self._numbers.whose(chat) or self._numbers.whose(former_chat(self._store, chat))

    def _answer(self, text: InboundText, who: Texter, call: CodedCall, answer: TextAnswer) -> TextOutcome:
        code = call.code
        # Before the answer is taken: what cannot be looked up comes again, and has done nothing.
        incident = self._store.incident(code.incident_id)
        mine = next(
            (each for each in self._store.responses_of(code.incident_id) if each.responder == who.responder),
            Response(code.incident_id, who.responder),
        )
        said = written(mine, answer.said, asked=self._asked(mine))
        if text.late and said is not FactKind.BACKUP:
            self._confirm(text, worded("calls.help.late", who.language, code=code.code))
            return TextOutcome.UNCLEAR
        try:
            result = self._steps.answer(
                code.incident_id,
                who.responder,
                said,
                way=self._way,
                said_ms=text.received_ms,
                exercise=answer.exercise,
            )
        except ResponderRefused as refused:
            self._ring_for([who])
            self._confirm(text, refused.say(who.language))
            return TextOutcome.UNCLEAR
        key = "over" if result is StepResult.OVER else _CONFIRMED.get(said, str(said))
        if result is StepResult.ALREADY and said is FactKind.ACCEPTED and mine.state is ResponseState.ARRIVED:
            key = "arrived"
        at = self._local.clock(text.received_ms, text.received_ms)
        told = worded(f"calls.taken.{key}", who.language, code=code.code, at=at)
        if incident is not None and incident.mode is Mode.EXERCISE:
            told = worded("calls.title.exercise", who.language, title=told)
        self._confirm(text, told)
        return TextOutcome.TAKEN

    def _asked(self, mine: Response) -> bool:
        """Whether he was asked if he is well, and has not answered. A desk that takes note of his silence ends the
        asking, not the question."""
        if mine.state is not ResponseState.ARRIVED:
            return False
        who = f"{RESPONDER}{mine.responder}"
        state = self._store.escalation_of(mine.incident_id)
        known = None if state is None else state.assignment(who)
        if known is not None and known.asked:
            return True
        last_ms = max(mine.since_ms, mine.signal_ms)
        return any(
            each.kind is ContactKind.ASK and whose(each.recipient) == who and each.made_at_ms > last_ms
            for each in self._store.notifications_of(mine.incident_id)
        )

    def _ring_for(self, people: Sequence[Texter]) -> None:
        """Whoever was sent may have written for help: a desk looks."""
        keys = {f"{RESPONDER}{each.responder}" for each in people}
        for state in self._store.open_escalations():
            for each in state.assignments:
                if each.who in keys and each.progress is not Progress.FINISHED:
                    self._steps.unclear(state.incident_id, each.who.removeprefix(RESPONDER), way=self._way)

    def _prove(self, text: InboundText, said: WayCode, people: Sequence[Texter]) -> TextOutcome:
        """Only the number that it came from is proven by it."""
        for each in people:
            try:
                self._questions.answer(each.responder, said.digits, only=each.contact)
            except ResponderError:
                continue
            except PersonalKeyError as error:
                log.error(Localized("log.sms.unproven", responder=each.responder, why=error))
                continue
            self._confirm(text, worded("calls.taken.proven", each.language))
            return TextOutcome.TAKEN
        return self._help(text, people[0], "wrong_proof")

    def _confirm(self, text: InboundText, said: str) -> None:
        if self._budget.take((text.number,), self._clock.now_ms()):
            self._replies.reply(text.origin, said)

    def _help(self, text: InboundText, who: Texter, why: str) -> TextOutcome:
        """Chatter is told so a few times a day, and so are wrong codes; an answer that was not taken, within a budget
        of its own: who forges such answers uses up no confirmations."""
        now_ms = self._clock.now_ms()
        if why in _A_DAY:
            tells = self._helps.take(f"{why} {text.number}", now_ms)
        else:
            tells = self._budget.take((("not_taken", text.number),), now_ms)
        if tells:
            self._replies.reply(text.origin, worded(f"calls.help.{why}", who.language))
        return TextOutcome.UNCLEAR


class _Helps:
    """Counts what each number was told of a kind today. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[str, deque[int]] = OrderedDict()

    def take(self, whom: str, now_ms: int) -> bool:
        with self._lock:
            told = self._told.setdefault(whom, deque())
            self._told.move_to_end(whom)
            while told and not 0 <= now_ms - told[0] < _DAY_MS:  # a clock that was set back must not block anybody
                told.popleft()
            while len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            if len(told) >= HELPS_A_DAY:
                return False
            told.append(now_ms)
            return True


def _meant(calls: Sequence[CodedCall], said: TextAnswer, received_ms: int) -> CodedCall | str:
    """Return the call that an answer means; or why there is none: a key in the catalogue."""
    if said.code is not None:
        named = [each for each in calls if each.code.code == said.code]
        still = [each for each in named if each.closed_at_ms is None]
        if len(still) > 1:  # none is drawn twice; what an older version drew may be
            return "several"
        if named:
            return (still or named)[-1]
        return next((each for each in calls if each.code.former == said.code), "unknown_code")
    lately = [each for each in calls if each.closed_at_ms is None or received_ms - each.closed_at_ms < _LATELY_MS]
    if not lately:
        return "no_call"
    # What he has been told of since then, or is about to be, is not what he answers to.
    sure = len(lately) == 1 and lately[0].code.code != "" and lately[0].code.made_at_ms <= received_ms
    return lately[0] if sure else "several"
