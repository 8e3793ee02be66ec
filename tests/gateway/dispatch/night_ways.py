"""The services of the busy night, which keep what they took; the telephone is a simulated modem's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS
from gateway.ways.modem_place import Telephone, presses_yes
from gateway.ways.spoken_calls import said
from siaga_gateway.domain.keyed_answer import Question, Said, Standing, Taken
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, PersonalMessage, Talk
from siaga_gateway.service.ports import NotDelivered
from siaga_tools.silicon.modem_voice import FarEnd

DEAD = "polsek-ne"  # its Telegram chat has blocked the gateway
CALL_MS = 120_000  # that a telephone call takes


@dataclass
class NightWay:
    """A service that keeps what it took, by key."""

    kind: ContactWay
    clock: ManualClock
    down_ms: tuple[int, int] = (0, 0)
    unknown_every: int = 0  # so often it takes a message and the answer is lost
    read: Callable[[str, PersonalMessage, str], None] = lambda address, message, key: None
    budget: Budget = Budget()  # noqa: RUF009 - a value
    at_once: int = 4
    repeats_recognised: bool = True
    taken: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)  # keys whose answer was lost
    titles: dict[str, str] = field(default_factory=dict)  # by key
    tries: int = 0
    free_ms: int = 0  # when it takes the next one

    @property
    def name(self) -> str:
        return str(self.kind)

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        self.tries += 1
        if self.down_ms[0] <= self.clock.at_ms - NOW_MS < self.down_ms[1]:
            return NotDelivered("503")
        if self.kind is ContactWay.TELEGRAM and DEAD in address:
            return NotDelivered("403", permanent=True)
        self.took(address, message, key)
        if self.unknown_every and self.tries % self.unknown_every == 0:
            self.lost.add(key)
            return NotDelivered("timeout", unknown=True)
        return HandedOver("200", str(self.tries))

    def took(self, address: str, message: PersonalMessage, key: str) -> None:
        self.taken[key] += 1
        self.titles[key] = message.title
        self.read(address, message, key)

    def close(self) -> None: ...


@dataclass
class Overheard:
    """Implements service.dispatch.ways.Talk: a call's own, and what was answered in it."""

    talk: Talk
    taken: list[tuple[Said, Taken]] = field(default_factory=list)

    def standing(self) -> Standing:
        return self.talk.standing()

    def take(self, answer: Said) -> Taken:
        self.taken.append((answer, self.talk.take(answer)))
        return self.taken[-1][1]


@dataclass(frozen=True)
class Call:
    key: str
    question: Question
    at_ms: int
    answers: list[tuple[Said, Taken]]


class NightTelephone(NightWay):
    """Calls through the simulated modem. Whoever is called presses yes, or no, or is on the phone already."""

    def __init__(self, clock: ManualClock, line: Telephone) -> None:
        super().__init__(ContactWay.PHONE, clock, at_once=1, repeats_recognised=False)
        self.line = line
        self.calls: list[Call] = []

    def call(self, address: str, message: PersonalMessage, key: str, talk: Talk) -> HandedOver | NotDelivered:
        self.tries += 1
        self.free_ms = self.clock.at_ms + CALL_MS
        does, modem = self.tries % 4, self.line.modem
        modem.voice.far_end = FarEnd.BUSY if does == 3 else FarEnd.ANSWERS
        modem.speech.hears = _says_no if does == 2 else presses_yes
        overheard = Overheard(talk)
        outcome = self.line.way.call(address, message, key, overheard)
        self.calls.append(Call(key, message.spoken.question, self.clock.at_ms, overheard.taken))
        if isinstance(outcome, HandedOver):
            self.took(address, message, key)
        return outcome

    def hang_up(self) -> None: ...


def _says_no(heard: str) -> str:
    return "2" if heard in {said("no_responder"), said("no_desk")} else ""
