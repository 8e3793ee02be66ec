"""What people say of themselves, the questions on their ways, and what is wrong with the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT
from gateway.dispatch.listed_responders import NOW_MS, chat
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import SERIOUS, Contact, ContactWay, Finding, FindingKind
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.shifts import USUAL_WORD_MS, DutyState, SelfDeclared, Shift
from siaga_gateway.domain.way_proof import MONTH_MS, OVERDUE_MS, VALID_MS, ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_words import declare
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.journal import kinds as journal

WIB = ZoneInfo("Asia/Jakarta")
SMS = Contact(ContactWay.SMS, "+6281200000001")
TELEGRAM = frozenset({ContactWay.TELEGRAM})
BUDI = Responder("budi", ResponderKind.OFFICER, "Contoh Budi", "polsek-ne", ways=(ProvenWay(chat(1)), ProvenWay(SMS)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    with made.transaction() as transaction:
        transaction.put_stations(DISTRICT)
        transaction.put_responders([BUDI])
    yield made
    made.close()


def told(store: SqlStore, kind: str) -> list[dict[str, object]]:
    return [dict(one.facts) for one in store.journal_after(0) if one.kind == kind]


def test_a_word_is_kept_until_its_end_and_can_be_taken_back(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    said = declare(store, clock, WIB, "budi", DutyState.AVAILABLE, until_ms=NOW_MS + 60_000)
    assert said == SelfDeclared("budi", DutyState.AVAILABLE, NOW_MS, NOW_MS + 60_000)
    assert store.declared() == {"budi": said}
    assert declare(store, clock, WIB, "budi", None, actor="Dewi") is None and not store.declared()
    assert told(store, journal.DUTY_DECLARED) == [
        {"responder": "budi", "duty": "available", "until_ms": NOW_MS + 60_000},
        {"responder": "budi", "duty": None, "until_ms": None},
    ]
    with pytest.raises(ResponderError, match="Did you mean budi"):
        declare(store, clock, WIB, "budy", DutyState.OFF)


def test_a_word_without_an_end_ends_with_the_shift(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)  # 00:20
    first = declare(store, clock, WIB, "budi", DutyState.ON_DUTY)
    assert first is not None and first.until_ms == NOW_MS + USUAL_WORD_MS
    with store.transaction() as transaction:
        transaction.set_shifts("budi", [Shift("budi", DutyState.ON_DUTY, parsed("00:00-02:00"))])
    second = declare(store, clock, WIB, "budi", DutyState.OFF)
    assert second is not None and second.until_ms == NOW_MS + 100 * 60_000


def questions(store: SqlStore, clock: ManualClock, *codes: str) -> WayQuestions:
    left = iter(codes)
    return WayQuestions(store, clock, Duty(store, WIB), code=lambda: next(left))


def test_what_is_due_is_asked_once_and_an_answer_proves_that_way(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    asks = questions(store, clock, "012345")
    (question,) = asks.ask(TELEGRAM)
    assert (question.responder, question.contact, question.code) == ("budi", chat(1), "012345")
    assert asks.ask(TELEGRAM) == [], "another worker asks too"
    assert not Duty(store, WIB).everyone(NOW_MS)
    with pytest.raises(ResponderError, match="not the code"):
        asks.answer("budi", "012346")
    assert asks.answer("budi", "012 345") == (ContactWay.TELEGRAM,)
    assert [each.ways for each in Duty(store, WIB).everyone(NOW_MS)] == [(chat(1),)]
    assert told(store, journal.WAY_PROVEN) == [{"responder": "budi", "way": "telegram"}]
    with pytest.raises(ResponderError, match="no code waits"):
        asks.answer("budi", "012345")
    with pytest.raises(ResponderError, match="no responder nobody"):
        asks.answer("nobody", "012345")


def test_a_shift_that_begins_asks_again(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    with store.transaction() as transaction:
        transaction.change_responders()
        transaction.set_shifts("budi", [Shift("budi", DutyState.ON_DUTY, parsed("08:00-16:00"))])
    asks = questions(store, clock, "1", "2", "3")
    asks.ask(TELEGRAM)
    asks.answer("budi", "1")
    clock.at_ms = begin = NOW_MS + (7 * 60 + 40) * 60_000
    assert len(asks.ask(TELEGRAM)) == 1
    asks.answer("budi", "2")
    clock.at_ms = begin + 7 * 3_600_000
    assert asks.ask(TELEGRAM) == []
    clock.at_ms = begin + VALID_MS
    assert len(asks.ask(TELEGRAM)) == 1


def test_somebody_can_be_asked_at_once_and_nobody_else_is(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    asks = questions(store, clock, "1", "2")
    assert [one.code for one in asks.ask(TELEGRAM, only="budi")] == ["1"]
    assert [one.code for one in asks.ask(TELEGRAM, only="budi")] == ["2"]
    with pytest.raises(ResponderError):
        asks.answer("budi", "1")
    with pytest.raises(ResponderError, match="no responder wati"):
        asks.ask(TELEGRAM, only="wati")
    assert asks.ask(frozenset({ContactWay.RADIO}), only="budi") == []


def test_a_drawn_code_has_six_digits_and_is_another_each_time(store: SqlStore) -> None:
    asks = WayQuestions(store, ManualClock(NOW_MS), Duty(store, WIB))
    codes = {one.code for _ in range(5) for one in asks.ask(TELEGRAM, only="budi")}
    assert len(codes) > 1 and all(len(code) == 6 and code.isdecimal() for code in codes)


def test_who_cannot_be_called_and_what_nobody_has_proven_is_found(store: SqlStore) -> None:
    late = NOW_MS + MONTH_MS + OVERDUE_MS
    proven = (ProvenWay(chat(1), NOW_MS), ProvenWay(SMS))
    with store.transaction() as transaction:
        transaction.put_responders(
            [
                Responder("wati", ResponderKind.OFFICER, "Contoh Wati", "polsek-xx", ways=proven),
                Responder("joko", ResponderKind.PATROL, "Patroli Contoh", ways=proven[:1]),
            ]
        )
        transaction.set_shifts("joko", [Shift("joko", DutyState.ON_DUTY, ())])
    assert check_responders(store, NOW_MS) == [
        Finding(FindingKind.UNREACHABLE, ("budi",)),
        Finding(FindingKind.UNKNOWN_HOME, ("wati", "polsek-xx")),
        Finding(FindingKind.NOWHERE, ("joko",)),
        Finding(FindingKind.NO_SHIFT, ("budi",)),
        Finding(FindingKind.NO_SHIFT, ("wati",)),
        Finding(FindingKind.UNPROVEN_WAY, ("wati", "sms")),
    ]
    assert {FindingKind.UNREACHABLE, FindingKind.UNKNOWN_HOME} <= SERIOUS
    assert not {FindingKind.NO_SHIFT, FindingKind.UNPROVEN_WAY, FindingKind.UNANSWERED_WAY} & SERIOUS
    overdue = [each for each in check_responders(store, late) if each.kind is FindingKind.UNANSWERED_WAY]
    assert [(each.keys, each.number) for each in overdue] == [(("joko", "telegram"), 33), (("wati", "telegram"), 33)]
