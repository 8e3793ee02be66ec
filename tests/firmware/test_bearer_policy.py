"""What goes next, when again, and in which form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.core import bearers, frame
from siaga.core.bearers import BESIDE_MS, Link, Waiting, back_off_ms, choose, form, renewed, sent, wait_ms

REPORTS = [frame.PRESS, frame.UPDATE, frame.CANCEL, frame.CHECKIN, frame.TAMPER]
KINDS = [*REPORTS, frame.RECEIPT, frame.ENROL]
LENGTH = {**dict.fromkeys(REPORTS, 21), frame.RECEIPT: 5, frame.ENROL: 64}


def entry(kind: int, counter: int, since_ms: int = 0, links: int = 1) -> Waiting:
    return Waiting(kind, counter, bytes(LENGTH[kind]), since_ms, links)


def order(entries: list[Waiting]) -> list[tuple[int, int]]:
    """In which order everything leaves by one bearer."""
    left, gone = list(entries), []
    while left:
        chosen = choose(left, [Link(True)], 10_000)
        assert chosen is not None and chosen[1] == 0
        gone.append((chosen[0].kind, chosen[0].counter))
        left.remove(chosen[0])
    return gone


def test_a_press_goes_before_all_else_and_the_newest_position_first():
    kinds = [7, 4, 2, 6, 5, 1, 3, 2, 1]
    assert order([entry(kind, counter) for counter, kind in enumerate(kinds, 1)]) == [
        (1, 6), (1, 9), (5, 5), (3, 7), (2, 8), (2, 3), (4, 2), (7, 1), (6, 4),
    ]  # fmt: skip


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_every_frame_gets_its_turn_and_no_press_waits_for_another_kind(kinds):
    gone = order([entry(kind, counter) for counter, kind in enumerate(kinds, 1)])
    assert sorted(counter for _, counter in gone) == list(range(1, len(kinds) + 1))
    presses = [counter for kind, counter in gone if kind == frame.PRESS]
    assert [counter for _, counter in gone[: len(presses)]] == sorted(presses)


@given(st.integers(0, 40), st.integers(1, 60_000), st.integers(1, 600_000), st.integers(0, 1 << 20))
def test_the_back_off_doubles_within_its_bounds(attempt, first, longest, chance):
    wait = back_off_ms(attempt, first, longest, chance)
    step = min(first << attempt, longest)
    assert step // 2 <= wait <= step


@given(st.integers(0, 12), st.integers(0, 65535), st.integers(0, 65535))
def test_chance_spreads_two_buttons_that_failed_together(attempt, one, other):
    a, b = back_off_ms(attempt, 1000, 60000, one), back_off_ms(attempt, 1000, 60000, other)
    half = min(1000 << attempt, 60000) // 2
    assert (a == b) == (one % (half + 1) == other % (half + 1))


def test_a_frame_rests_after_it_went_out_and_is_due_at_once_on_a_new_link():
    press = entry(frame.PRESS, 1)
    links = [Link(True)]
    sent(press, 0, 0, 0)
    due = press.due_ms[0]
    assert 1500 <= due <= 3000
    assert choose([press], links, due - 1) is None and wait_ms([press], links, due - 1, 60_000) == 1
    assert choose([press], links, due) is not None
    renewed([press], 0, 100)
    assert choose([press], links, 100) is not None


@given(st.sampled_from(KINDS), st.integers(0, 200))
def test_no_wait_between_two_tries_grows_beyond_five_minutes_and_a_press_s_beyond_half_a_minute(kind, tries):
    waiting, now = entry(kind, 1), 0
    for _ in range(min(tries, 30)):
        sent(waiting, 0, now, 65535)
        assert 0 < waiting.due_ms[0] - now <= (30_000 if kind == frame.PRESS else 300_000)
        now = waiting.due_ms[0]


def test_nothing_goes_while_no_bearer_is_up():
    assert choose([entry(frame.PRESS, 1)], [Link(False)], 10**9) is None
    assert choose([entry(frame.PRESS, 1)], [], 10**9) is None
    assert wait_ms([entry(frame.PRESS, 1)], [Link(False)], 0, 777) == 777


def test_the_next_bearer_starts_beside_the_first_for_what_cannot_wait():
    press, check_in = entry(frame.PRESS, 1, links=3), entry(frame.CHECKIN, 2, links=3)
    links = [Link(False), Link(True), Link(True)]
    assert choose([press, check_in], links, 0) == (press, 1), "the first that is up takes it at once"
    sent(press, 1, 0, 65535)
    sent(check_in, 1, 0, 65535)
    assert choose([press, check_in], links, BESIDE_MS - 1) in (None, (press, 1))
    press.due_ms[1] = check_in.due_ms[1] = 10**9
    assert choose([press, check_in], links, BESIDE_MS - 1) is None
    assert wait_ms([press, check_in], links, BESIDE_MS - 1, 60_000) == 1
    assert choose([press, check_in], links, BESIDE_MS) == (press, 2)
    assert choose([check_in], links, 10**8) is None, "a check-in has time"


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5000)), max_size=8),
    st.lists(st.tuples(st.booleans(), st.sampled_from([11, 43, 51, 99, 107, 65535])), max_size=4),
    st.integers(0, 20_000),
)
def test_waiting_as_long_as_told_is_neither_too_short_nor_too_long(frames, ups, now):
    entries = [entry(kind, counter, since, len(ups)) for counter, (kind, since) in enumerate(frames, 1)]
    links = [Link(up, limit) for up, limit in ups]
    wait = wait_ms(entries, links, now, 60_000)
    assert (choose(entries, links, now) is not None) == (wait == 0)
    if 0 < wait < 60_000:
        assert choose(entries, links, now + wait) is not None
        assert choose(entries, links, now + wait - 1) is None


@pytest.mark.parametrize(
    ("kind", "length", "limit", "expected"),
    [
        (frame.PRESS, 21, 99, (frame.ES256, 21)),
        (frame.PRESS, 21, 98, (frame.HS256_64, 21)),
        (frame.PRESS, 21, 43, (frame.HS256_64, 21)),
        (frame.PRESS, 21, 42, None),
        (frame.CHECKIN, 29, 107, (frame.ES256, 29)),
        (frame.CHECKIN, 29, 106, (frame.ES256, 21)),
        (frame.CHECKIN, 29, 53, (frame.HS256_64, 29)),
        (frame.CHECKIN, 29, 50, (frame.HS256_64, 21)),
        (frame.ENROL, 64, 142, (frame.ES256, 64)),
        (frame.ENROL, 64, 141, None),
    ],
)
def test_the_form_of_a_frame_follows_the_bearer_s_limit(kind, length, limit, expected):
    assert form(kind, length, limit) == expected
    if expected is not None:
        suite, body = expected
        built = frame.unsigned(suite, kind, bytes(8), 1, bytes(body))
        assert len(built) + frame.tag_length(suite) <= limit


def test_every_kind_has_a_priority_and_a_wait():
    for kind in KINDS:
        assert bearers.priority(kind) >= 0
        sent(entry(kind, 1), 0, 0, 0)
