"""When a notification is tried again, and when it is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.notification import (
    BY_HAND,
    EXPIRES_MS,
    NOBODY,
    Notification,
    NotificationState,
    Outcome,
    address_number,
    after_try,
    expired,
    key_of,
    made,
    on_address,
    whose,
    without_way,
)
from siaga_gateway.domain.places import ContactWay

NOW_MS = 1_790_000_000_000
STATE = NotificationState
FAILED = Outcome(False, "503")


def new(way: ContactWay = ContactWay.NTFY, *, by_hand: bool = False) -> Notification:
    contact = Contact(4, ContactKind.CALL, Why.OPENED, 2, "chief", 10, 1)
    return made(7, contact, "station:polres", way, 0, 900, NOW_MS, by_hand=by_hand)


def test_a_new_one_is_due_at_once_unless_a_person_has_to_call() -> None:
    note = new()
    assert (note.state, note.next_at_ms, note.expires_at_ms) == (STATE.PENDING, NOW_MS, NOW_MS + EXPIRES_MS)
    assert (note.number, note.why, note.wave, note.rung, note.round) == (4, Why.OPENED, 2, "chief", 1)
    for by_hand in (*map(new, BY_HAND), new(by_hand=True)):
        assert (by_hand.state, by_hand.next_at_ms) == (STATE.BY_HAND, None)


def test_its_key_is_the_same_at_each_try_and_no_others() -> None:
    note = new()
    tried = after_try(note, FAILED, NOW_MS, repeats_recognised=True)
    assert key_of("siaga-7.abc", note) == key_of("siaga-7.abc", tried) == "siaga-7.abc.4.station:polres.ntfy"
    assert key_of("siaga-7.abc", new(ContactWay.SMS)) != key_of("siaga-7.abc", note)


def test_where_repetitions_are_recognised_it_is_tried_every_1_to_5_s_else_3_times_a_minute() -> None:
    def pauses(repeats_recognised: bool) -> list[float]:
        note, now_ms, found = new(), NOW_MS, []
        while note.state is STATE.PENDING and len(found) < 8:
            note = after_try(note, FAILED, now_ms, repeats_recognised=repeats_recognised)
            assert note.next_at_ms is not None
            found.append((note.next_at_ms - now_ms) / 1000)
            now_ms = note.next_at_ms
        return found

    assert pauses(True) == [1, 2, 3, 5, 5, 5, 5, 5]
    assert pauses(False) == [20] * 8


@given(st.lists(st.integers(0, 600_000), max_size=30), st.booleans())
def test_it_is_never_tried_before_the_service_wants_it_nor_after_its_time(asked: list[int], recognised: bool) -> None:
    note, now_ms = new(), NOW_MS
    for after_ms in asked:
        if note.state is not STATE.PENDING:
            break
        note = after_try(note, Outcome(False, "429", retry_after_ms=after_ms), now_ms, repeats_recognised=recognised)
        if note.state is STATE.EXPIRED:
            assert note.next_at_ms is None
            break
        assert note.next_at_ms is not None and now_ms + after_ms <= note.next_at_ms < note.expires_at_ms
        assert note.next_at_ms > now_ms
        now_ms = note.next_at_ms


def test_what_was_handed_over_or_is_dead_is_tried_no_more() -> None:
    taken = after_try(new(), Outcome(True, "200", "m-1"), NOW_MS + 1, repeats_recognised=False)
    assert (taken.state, taken.reference, taken.attempts, taken.attempted_ms) == (
        STATE.HANDED_OVER,
        "m-1",
        1,
        NOW_MS + 1,
    )
    dead = after_try(new(), Outcome(False, "404", dead=True), NOW_MS, repeats_recognised=True)
    gone = without_way(new(), "left")
    assert {each.state for each in (dead, gone, expired(new()))} == {STATE.FAILED, STATE.EXPIRED} <= NOBODY
    assert {each.next_at_ms for each in (taken, dead, gone, expired(new()))} == {None}
    assert STATE.HANDED_OVER not in NOBODY and STATE.PENDING not in NOBODY


@pytest.mark.parametrize("number", [1, 2, 11])
def test_a_second_address_on_one_way_is_told_too(number: int) -> None:
    recipient = on_address("station:polres", number)
    assert (whose(recipient), address_number(recipient)) == ("station:polres", number)
