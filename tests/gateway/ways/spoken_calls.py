"""What calls in tests say, and who talks in them."""

from __future__ import annotations

from collections.abc import Callable

from gateway.ways.sample_messages import alarm
from siaga_gateway.catalogue import text
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.personal_message import PersonalMessage, Spoken

AREA = "Panggilan darurat, Polsek A."


def call(question: Question = Question.RESPONDER, **changed: object) -> PersonalMessage:
    return alarm(spoken=Spoken(question, (AREA,), **changed))


def said(name: str, language: str = "id") -> str:
    return text(f"calls.voice.{name}", language)


class Talk:
    """Implements service.dispatch.ways.Talk; `become`: what becomes of the answers, in order."""

    def __init__(self, *become: Taken, when: Callable[[], object] = lambda: None) -> None:
        self.stands = Standing.WANTED
        self.asked = 0
        self.then = Standing.WANTED
        self.goes = 1_000_000  # with which time that it is asked its reason goes
        self.answers: list[Said] = []
        self._become = list(become)
        self._when = when

    def standing(self) -> Standing:
        self.asked += 1
        return self.stands if self.asked < self.goes else self.then

    def take(self, answer: Said) -> Taken:
        self.answers.append(answer)
        self._when()
        return self._become.pop(0) if self._become else Taken.TAKEN


def on(phrase: str, keys: str) -> Callable[[str], str]:
    return lambda heard: keys if heard == said(phrase) else ""


def once(phrase: str, keys: str) -> Callable[[str], str]:
    left = [keys]
    return lambda heard: left.pop() if left and heard == said(phrase) else ""
