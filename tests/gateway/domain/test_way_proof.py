"""A way counts once its owner has answered a code on it; each shift and each month ask again."""

from __future__ import annotations

import pytest

from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import (
    DAY_MS,
    MONTH_MS,
    MOST_WRONG,
    OVERDUE_MS,
    VALID_MS,
    ProvenWay,
    answered,
    asked,
    is_due,
    kept_ways,
    overdue_days,
)

NOW = 1_800_000_000_000
CHAT = Contact(ContactWay.TELEGRAM, "100000001")
NEW = ProvenWay(CHAT)


def test_a_way_counts_once_its_code_is_answered() -> None:
    assert is_due(NEW, NOW, None) and not NEW.proven
    waits = asked(NEW, "012345", NOW)
    assert not waits.proven and not is_due(waits, NOW, None)
    after, right = answered(waits, " 012-345 ", NOW + VALID_MS - 1)
    assert right and after == ProvenWay(CHAT, NOW + VALID_MS - 1, NOW)
    assert answered(after, "012345", NOW + VALID_MS) == (after, False), "once"


@pytest.mark.parametrize("answer", ["", "12345", "0123456", "012346", "kode 012345"])
def test_a_wrong_answer_proves_nothing_and_some_of_them_end_the_code(answer: str) -> None:
    way = asked(NEW, "012345", NOW)
    for _ in range(MOST_WRONG):
        assert way.open_at(NOW)
        way, right = answered(way, answer, NOW)
        assert not right
    assert not way.open_at(NOW) and answered(way, "012345", NOW) == (way, False)
    assert not is_due(way, NOW, NOW), "nobody gets another five guesses for it at once"
    assert is_due(way, NOW + VALID_MS, None)


def test_no_empty_answer_fits_a_way_that_was_not_asked() -> None:
    assert answered(NEW, "", NOW) == (NEW, False)
    assert answered(copied(NEW, asked_ms=NOW), "", NOW) == (copied(NEW, asked_ms=NOW), False)


def test_a_code_is_good_for_a_day() -> None:
    way = asked(NEW, "012345", NOW)
    assert answered(way, "012345", NOW + VALID_MS) == (way, False)
    assert is_due(way, NOW + VALID_MS, None)


def test_each_shift_and_each_month_ask_again() -> None:
    way = ProvenWay(CHAT, NOW, NOW)
    assert not is_due(way, NOW + 1, None)
    assert not is_due(way, NOW + MONTH_MS - 1, None) and is_due(way, NOW + MONTH_MS, None)
    assert not is_due(way, NOW + 2 * DAY_MS, NOW - 1), "answered in this shift"
    assert is_due(way, NOW + 2 * DAY_MS, NOW + 1)
    assert not is_due(way, NOW + 2, NOW + 3), "a shift that has not begun"
    assert is_due(way, NOW + 8 * 3_600_000, NOW + 8 * 3_600_000), "the second shift of a day"
    waits = asked(way, "1", NOW + 2 * DAY_MS)
    assert not is_due(waits, NOW + 2 * DAY_MS + 1, NOW + 2 * DAY_MS + 1), "the last question is open"


def test_a_question_without_an_answer_takes_no_way_away_and_shows() -> None:
    way = asked(ProvenWay(CHAT, NOW, NOW), "1", NOW + MONTH_MS)
    late = NOW + MONTH_MS + OVERDUE_MS
    assert way.proven
    assert (overdue_days(way, late - 1), overdue_days(way, late)) == (0, 33)
    assert overdue_days(NEW, late) == 0, "that one is unproven"


def test_a_clock_that_is_set_back_asks_again() -> None:
    assert is_due(ProvenWay(CHAT, NOW + DAY_MS, NOW + DAY_MS), NOW, None)
    way = asked(NEW, "012345", NOW + DAY_MS)
    assert answered(way, "012345", NOW)[1], "a code that was handed out is still good"


def test_an_address_that_stays_keeps_its_proof_and_another_has_none() -> None:
    other = Contact(ContactWay.TELEGRAM, "100000002")
    before = (ProvenWay(CHAT, NOW),)
    assert kept_ways(before, (other, CHAT)) == (ProvenWay(other), ProvenWay(CHAT, NOW))
    assert kept_ways(before, ()) == ()
    browser = ProvenWay(Contact(ContactWay.PUSH, "{}"), NOW)
    assert kept_ways((*before, browser), (CHAT,)) == (browser, ProvenWay(CHAT, NOW)), "no list knows it"
    same_number = Contact(ContactWay.SMS, "100000001")
    assert not kept_ways(before, (same_number,))[0].proven
