"""Codes are sent slowly, once, again where the service had a bad moment, and not while somebody calls for help."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import NOW_MS, chat
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.keyed_answer import Question, Said, Standing
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.way_proof import VALID_MS, ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.way_codes import WayCodes
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.way_traffic import WayTraffic
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, Talk
from siaga_gateway.service.ports import NotDelivered

WIB = ZoneInfo("Asia/Jakarta")


class Chats:
    """A way that keeps what it was given, and answers what it is told to."""

    name = "chats"
    kind = ContactWay.TELEGRAM
    at_once = 1
    repeats_recognised = False

    def __init__(self, interval_ms: int = 40, burst: int = 1) -> None:
        self.budget = Budget(interval_ms, burst)
        self.sent: list[tuple[str, PersonalMessage, str]] = []
        self.answers: list[HandedOver | NotDelivered] = []

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        self.sent.append((address, message, key))
        return self.answers.pop(0) if self.answers else HandedOver("taken")

    def close(self) -> None: ...


class Codes:
    def __init__(self, store: SqlStore, way: Chats) -> None:
        self.clock = ManualClock(NOW_MS)
        self.way = way
        self.busy = False
        self.questions = WayQuestions(store, self.clock, Duty(store, WIB), code=lambda: "012345")
        self.work = WayCodes(self.questions, [way], self.clock, LocalTime(WIB), lambda: self.busy).work


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    sms = ProvenWay(Contact(ContactWay.SMS, "+6281200000001"))
    with made.transaction() as transaction:
        transaction.put_responders(
            [
                Responder(
                    f"p{number}", ResponderKind.OFFICER, "Contoh", language="en", ways=(ProvenWay(chat(number)), sms)
                )
                for number in range(7)
            ]
        )
    yield made
    made.close()


def test_a_code_goes_by_its_own_way_once_and_its_answer_proves_it(store: SqlStore) -> None:
    codes = Codes(store, Chats())
    codes.work()
    address, message, key = codes.way.sent[0]
    assert (address, key) == (chat(0).address, f"code.p0.telegram.{NOW_MS}")
    assert "012345" in message.title and "00:20:00 WIB" in message.text and "012345" in message.text
    assert (message.url, message.urgent, message.language, message.expires_ms) == (None, False, "en", NOW_MS + VALID_MS)
    assert len(codes.way.sent) == 5, "slowly"
    for _ in range(3):
        codes.work()
    assert [each[0] for each in codes.way.sent] == [chat(number).address for number in range(7)]
    assert codes.questions.answer("p0", "012345") == (ContactWay.TELEGRAM,)


def test_a_code_goes_by_the_worker_that_sends_on_its_way(store: SqlStore) -> None:
    clock, mine, way = ManualClock(NOW_MS), [False], Chats()
    questions = WayQuestions(store, clock, Duty(store, WIB), code=lambda: "012345")
    codes = WayCodes(questions, [way], clock, LocalTime(WIB), mine=lambda kind: mine[0])
    codes.work()
    assert way.sent == []
    mine[0] = True
    codes.work()
    assert way.sent, "none is asked by who cannot send it"


def test_a_code_by_text_message_says_whether_it_may_be_written_back(store: SqlStore) -> None:
    told = []
    for day, read_back in enumerate(((), (ContactWay.TELEGRAM,))):
        way, clock = Chats(), ManualClock(NOW_MS + day * VALID_MS)
        questions = WayQuestions(store, clock, Duty(store, WIB), code=lambda: "012345")
        WayCodes(questions, [way], clock, LocalTime(WIB), read_back=read_back).work()
        told.append(way.sent[0][1].text)
    assert "command centre" in told[0] and "Reply to this message" in told[1]
    assert all("012345" in each for each in told)


def test_codes_and_calls_share_what_a_service_takes(store: SqlStore) -> None:
    way, clock = Chats(interval_ms=5_000, burst=60), ManualClock(NOW_MS)
    traffic = WayTraffic(way.budget)
    questions = WayQuestions(store, clock, Duty(store, WIB))
    codes = WayCodes(questions, [way], clock, LocalTime(WIB), traffic={way.name: traffic})
    now_ms = round(time.monotonic() * 1000)
    for number in range(60):
        traffic.begun(f"station:{number}", now_ms)
    codes.work()
    assert way.sent == [], "calls for help have used it up"


def test_no_code_is_tried_on_a_modem_that_is_known_to_be_broken(store: SqlStore) -> None:
    """It took one of two tries, or both."""
    first, second, clock = Chats(), Chats(), ManualClock(NOW_MS)
    second.name = "others"
    broken = {"chats"}
    traffic = {way.name: WayTraffic(way.budget, stops=lambda name=way.name: name in broken) for way in (first, second)}  # type: ignore[misc]
    questions = WayQuestions(store, clock, Duty(store, WIB), code=lambda: "012345")
    codes = WayCodes(questions, [first, second], clock, LocalTime(WIB), traffic=traffic)
    codes.work()
    assert (len(first.sent), len(second.sent)) == (0, 5)
    broken.add("others")
    for _ in range(10):
        codes.work()
    assert (len(first.sent), len(second.sent)) == (0, 5), "what is left waits"
    broken.clear()
    codes.work()
    assert (len(first.sent), len(second.sent)) == (2, 5)


def test_half_of_what_a_service_takes_is_left(store: SqlStore) -> None:
    codes = Codes(store, Chats(interval_ms=5_000))
    codes.work()
    assert len(codes.way.sent) == 1


def test_a_bad_moment_is_waited_out_and_a_dead_address_is_told(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    codes = Codes(store, Chats())
    codes.way.answers = [NotDelivered("no answer"), NotDelivered("blocked", permanent=True)]
    codes.work()
    codes.work()
    assert [each[0] for each in codes.way.sent[5:]] == [chat(5).address, chat(6).address], "not at once"
    assert "p1" in caplog.text and "blocked" in caplog.text
    codes.clock.at_ms += 60_000
    codes.work()
    assert [each[0] for each in codes.way.sent[7:]] == [chat(0).address] and codes.way.sent[7][2] == codes.way.sent[0][
        2
    ]


def test_nothing_goes_while_somebody_calls_for_help_nor_what_is_void(store: SqlStore) -> None:
    codes = Codes(store, Chats())
    codes.busy = True
    codes.work()
    assert not codes.way.sent
    codes.busy = False
    codes.work()
    codes.clock.at_ms += VALID_MS
    codes.work()
    fresh = {each[2] for each in codes.way.sent[5:]}
    assert not [key for key in fresh if key.endswith(str(NOW_MS))], "a code that is void is asked anew"


def test_a_service_that_never_takes_it_is_given_up(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    codes = Codes(store, Chats())
    codes.way.answers = [NotDelivered("down")] * 100
    for _ in range(60):
        codes.work()
        codes.clock.at_ms += 30_000
    assert len(codes.way.sent) == 7 * 5 and caplog.text.count("down") == 7


class Telephone(Chats):
    """A way of people who answer: implements service.dispatch.ways.TalkingWay."""

    name, kind = "telephone", ContactWay.PHONE
    presses = True

    def call(self, address: str, message: PersonalMessage, key: str, talk: Talk) -> HandedOver | NotDelivered:
        self.sent.append((address, message, key))
        if not self.presses:
            return NotDelivered("rang")
        assert message.spoken.question is Question.PROOF and talk.standing() is Standing.WANTED
        return HandedOver(str(talk.take(Said.YES)))

    def hang_up(self) -> None: ...


def test_a_key_in_a_call_by_day_proves_that_number_and_nobody_is_rung_at_night_for_it(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    phones = tuple(ProvenWay(Contact(ContactWay.PHONE, f"+628120000000{number}")) for number in (1, 2))
    with store.transaction() as transaction:
        transaction.put_responders([Responder("p0", ResponderKind.OFFICER, "Contoh", ways=phones)])
    line = Telephone()
    codes = Codes(store, line)
    codes.work()
    assert line.sent == [], "it is 00:20"
    codes.clock.at_ms += 8 * 3_600_000
    line.presses = False
    for _ in range(6):
        codes.work()
        codes.clock.at_ms += 61_000
    assert len(line.sent) == 4, "twice each"
    codes.clock.at_ms += 24 * 3_600_000
    line.presses = True
    for _ in range(3):
        codes.work()
    (proven,) = store.responders()
    assert [way.proven_ms is not None for way in proven.ways] == [True, True]
    assert len(line.sent) == 6
    store.close()
