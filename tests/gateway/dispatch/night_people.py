"""The officers and the patrol of the busy night: what they do with what they are told, each on a way of his own.

Played are the people alone: how they are called, and what becomes of their words, is the gateway's. All are invented.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.dispatch.listed_places import at
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.domain.notification import RESPONDER, Notification, whose
from siaga_gateway.domain.places import Contact, ContactWay, Point
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.shifts import DutyState, SelfDeclared, Shift
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.responder_links import PATH
from siaga_gateway.service.dispatch.responder_positions import Outcome, PositionIntake, PositionReport
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.inbound import InboundText, TextOutcome
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.incidents.text_answers import TextAnswers
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import ResponderRefused

MINUTE_MS: Final = 60_000
NTFY, CHAT, SMS, PHONE = ContactWay.NTFY, ContactWay.TELEGRAM, ContactWay.SMS, ContactWay.PHONE
WRITTEN: Final = (CHAT, SMS)
CHATTER: Final = "rapat sampai jam 1"
PATROL_ENDS_MS: Final = 50 * MINUTE_MS
HOME_ENDS_MS: Final = 40 * MINUTE_MS
OFFICER, ON_DUTY = ResponderKind.OFFICER, DutyState.ON_DUTY
_DIGITS: Final = {"accepted": "1", "arrived": "3", "alive": "3", "withdrew": "4", "declined": "4", "backup": "2"}
_NEXT: Final = {"accepted": ("arrived", "arrived", "arrived", "withdrew", ""), "arrived": ("finished", "backup", "")}


def _person(key: str, station: str | None, way: ContactWay, address: str, **more: object) -> Responder:
    proven = NOW_MS - 1 if more.pop("proven", True) else None
    return Responder(
        key,
        more.pop("kind", OFFICER),  # type: ignore[arg-type]
        f"Contoh {key.title()}",
        station=station,
        ways=(ProvenWay(Contact(way, address), proven),),
        **more,  # type: ignore[arg-type]
    )


PEOPLE: Final = (
    _person("ani", "polsek-se", NTFY, "https://ntfy.example/ani"),  # by the link in her message
    _person("budi", "polsek-sw", CHAT, "100000001"),  # by the buttons under it
    _person("dewi", "polsek-nw", SMS, "+6281200000001"),
    _person("eko", "polsek-ne", PHONE, "+6281200000002"),
    _person("patroli", None, NTFY, "https://ntfy.example/patroli", kind=ResponderKind.PATROL),
    _person("fajar", "polsek-se", CHAT, "100000002", home=at(1.2, 0.8)),  # at home
    _person("gita", "polsek-sw", SMS, "+6281200000003"),  # off duty
    _person("hadi", "polsek-sw", SMS, "+6281200000004", proven=False),
    _person("citra", "polres", NTFY, "https://ntfy.example/citra", skills=("Pimpinan",)),
)
_BY_KEY: Final = {each.key: each for each in PEOPLE}
_ANSWER: Final = frozenset({"ani", "budi", "dewi", "patroli", "fajar", "gita"})


@dataclass
class Said:
    """What somebody said of an incident, and what came of it."""

    incident_id: int
    who: str
    word: str
    at_ms: int
    was_open: bool
    unassigned: bool  # no desk has sent anybody
    taken: bool = True
    stage: int | None = None  # the button was told at once


def patrol_at(ms: int) -> Point:
    """From west to east."""
    return at(0.2 + 1.6 * ms / (60 * MINUTE_MS), 1.0)


class NightPeople:
    """Call `start` at each start of the gateway, and `read` for whatever arrives."""

    def __init__(self, store: SqlStore, clock: ManualClock, at_ms: Callable[[int, Callable[[], None]], None]) -> None:
        """at_ms: do something at a time of the night."""
        self.store = store
        self.clock = clock
        self._at = at_ms
        self.said: list[Said] = []
        self.refused: list[tuple[int, str]] = []
        self.chatter: list[TextOutcome] = []
        self.replies: list[tuple[Hashable, str]] = []
        self.positions: dict[int, Outcome] = {}  # by time
        self.meant: dict[str, Notification] = {}  # by key: of what was composed
        self._asked: set[tuple[int, str, int]] = set()
        self._last: defaultdict[tuple[int, str], str] = defaultdict(str)
        with store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders(PEOPLE)
            for each in PEOPLE:
                if each.key not in ("gita", "fajar", "patroli"):
                    transaction.set_shifts(each.key, [Shift(each.key, ON_DUTY, ())])
            transaction.declare(SelfDeclared("patroli", ON_DUTY, NOW_MS, NOW_MS + PATROL_ENDS_MS))
            transaction.declare(SelfDeclared("fajar", DutyState.AVAILABLE, NOW_MS, NOW_MS + HOME_ENDS_MS))
        for minute in range(60):
            self._at(minute * MINUTE_MS, self._moves)

    def start(self, duty: Duty, steps: ResponderSteps, sent: SentAnswers) -> None:
        self.steps, self.sent = steps, sent
        questions = WayQuestions(self.store, self.clock, duty)
        self.numbers = {way: TextNumbers(self.store, way) for way in WRITTEN}
        self.texts: Mapping[ContactWay, TextAnswers] = {
            way: TextAnswers(
                self.store, numbers, steps, questions, self, self.clock, IN_UTC, ReplyBudget(100, 1_000), way
            )
            for way, numbers in self.numbers.items()
        }
        self.intake = PositionIntake(self.store, self.clock, JournalNotifier(), duty)

    def said_of(self, incident_id: int) -> list[Said]:
        return [each for each in self.said if each.incident_id == incident_id]

    def reply(self, origin: Hashable, text: str) -> None:
        """Implements service.incidents.text_answers.TextReplies."""
        self.replies.append((origin, text))

    def _moves(self) -> None:
        """The patrol's phone tells where it is, also after its duty."""
        now_ms = self.clock.at_ms
        place = patrol_at(now_ms - NOW_MS)
        report = PositionReport("patroli", *place, 10, now_ms, now_ms, False, now_ms)
        (self.positions[now_ms],) = self.intake.take([report])

    def read(self, address: str, message: PersonalMessage, key: str) -> None:
        """A message has arrived; its reader does something about it, or nothing."""
        each = self.meant.get(key)
        who = "" if each is None else whose(each.recipient).removeprefix(RESPONDER)
        if each is None or who not in _ANSWER:
            return
        draw = random.Random(f"{each.incident_id} {who} {each.number}")
        last = self._last[each.incident_id, who]
        if each.kind is ContactKind.ASK:  # once: the same message may come twice
            asked = (each.incident_id, who, each.number)
            word = "alive" if asked not in self._asked and last in ("arrived", "alive") and draw.random() < 0.8 else ""
            self._asked.add(asked)
        elif each.kind is ContactKind.CALL and last in ("", "declined"):
            word = draw.choice(("accepted", "", "", "" if last else "declined", CHATTER))
        else:
            word = ""
        if word:
            self._at(
                self.clock.at_ms - NOW_MS + draw.randrange(4_000, 50_000),
                lambda: self._say(each.incident_id, who, word, address, message, draw),
            )

    def _say(
        self, incident_id: int, who: str, word: str, address: str, message: PersonalMessage, draw: random.Random
    ) -> None:
        way = _BY_KEY[who].ways[0].contact.way
        if word == CHATTER:
            if way is SMS:
                self.chatter.append(self._write(way, address, CHATTER))
            return
        incident = self.store.incident(incident_id)
        assert incident is not None
        last = self._last[incident_id, who]
        if (last == word and word != "alive") or (word in ("accepted", "declined") and last not in ("", "declined")):
            return  # he has thought of it meanwhile
        state, before = incident.state, len(self.sent.of(incident.device_id))
        said = Said(
            incident_id,
            who,
            word,
            self.clock.at_ms,
            was_open=state is not IncidentState.CLOSED,
            unassigned=state in (IncidentState.OPEN, IncidentState.SEEN),
        )
        if way in WRITTEN:
            code = next((each.text.partition(" ")[2] for each in message.replies), "")
            if not code or word == "finished":
                return  # a folded message, by which nobody can answer; or what is not said in writing
            said.taken = self._write(way, address, f"{_DIGITS[word]} {code}") is TextOutcome.TAKEN
        else:
            assert message.url is not None
            token = message.url.rpartition(PATH)[2]
            try:
                self.steps.enter(token, f"browser-of-{who}-{'x' * 22}")
                minutes = 7 if word == "accepted" else None
                self.steps.say(token, f"browser-of-{who}-{'x' * 22}", word, minutes)
            except ResponderRefused:
                said.taken = False
        if not said.taken:
            self.refused.append((incident_id, who))
            return
        self._last[incident_id, who] = word
        for frame in self.sent.of(incident.device_id)[before:]:
            said.stage = frame[18]
        self.said.append(said)
        if word in _NEXT and (then := draw.choice(_NEXT[word])):
            self._at(
                self.clock.at_ms - NOW_MS + draw.randrange(60_000, 420_000),
                lambda: self._say(incident_id, who, then, address, message, draw),
            )

    def _write(self, way: ContactWay, number: str, text: str) -> TextOutcome:
        return self.texts[way].read(InboundText(number, text, self.clock.at_ms, number))
