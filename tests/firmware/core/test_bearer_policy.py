"""What goes next, when again, and in which form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.core import bearer_policy, frame
from siaga.core.bearer_policy import (
    BESIDE_MS,
    COSTLY_APART_MS,
    Link,
    Waiting,
    back_off_ms,
    choose,
    form,
    is_evidence,
    renewed,
    sent,
    taken,
    wait_ms,
)

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
    sent(press, 0, links[0], 0, 0)
    due = press.due_ms[0]
    assert 1500 <= due <= 3000
    assert choose([press], links, due - 1) is None and wait_ms([press], links, due - 1, 60_000) == 1
    assert choose([press], links, due) is not None
    renewed([press], 0, links[0], 100)
    assert choose([press], links, 100) is not None


@given(st.sampled_from(KINDS), st.integers(0, 200))
def test_no_wait_between_two_tries_grows_beyond_five_minutes_and_a_press_s_beyond_twelve_seconds(kind, tries):
    waiting, now = entry(kind, 1), 0
    for _ in range(min(tries, 30)):
        sent(waiting, 0, Link(), now, 65535)
        assert 0 < waiting.due_ms[0] - now <= (12_000 if kind == frame.PRESS else 300_000)
        now = waiting.due_ms[0]


def test_nothing_goes_while_no_bearer_is_up():
    assert choose([entry(frame.PRESS, 1)], [Link(False)], 10**9) is None
    assert choose([entry(frame.PRESS, 1)], [], 10**9) is None
    assert wait_ms([entry(frame.PRESS, 1)], [Link(False)], 0, 777) == 777


def test_the_next_bearer_starts_beside_the_first_for_what_cannot_wait():
    press, check_in = entry(frame.PRESS, 1, links=3), entry(frame.CHECKIN, 2, links=3)
    links = [Link(False), Link(True), Link(True)]
    assert choose([press, check_in], links, 0) == (press, 1), "the first that is up takes it at once"
    sent(press, 1, links[1], 0, 65535)
    sent(check_in, 1, links[1], 0, 65535)
    assert choose([press, check_in], links, BESIDE_MS - 1) in (None, (press, 1))
    press.due_ms[1] = check_in.due_ms[1] = 10**9
    assert choose([press, check_in], links, BESIDE_MS - 1) is None
    assert wait_ms([press, check_in], links, BESIDE_MS - 1, 60_000) == 1
    assert choose([press, check_in], links, BESIDE_MS) == (press, 2)
    assert choose([check_in], links, 10**8) is None, "a check-in has time"


CARRIED = (frame.PRESS, frame.CANCEL, frame.TAMPER, frame.UPDATE)  # by a costly bearer
LINKS = st.builds(
    Link, st.booleans(), st.sampled_from([11, 43, 51, 99, 107, 65535]), st.booleans(), st.sampled_from([0, 9000])
)


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5000)), max_size=8),
    st.lists(LINKS, max_size=4),
    st.lists(st.integers(0, 31), max_size=6),
    st.integers(0, 20_000),
)
def test_waiting_as_long_as_told_is_neither_too_short_nor_too_long(frames, links, gone, now):
    entries = [entry(kind, counter, since, len(links)) for counter, (kind, since) in enumerate(frames, 1)]
    for place in gone:  # some of it went out before
        if entries and links:
            index = place % len(links)
            if not (links[index].costly and entries[place % len(entries)].kind not in CARRIED):
                sent(entries[place % len(entries)], index, links[index], max(0, now - 500 * place), place)
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


@pytest.mark.parametrize(("limit", "expected"), [(65535, 29), (51, 29), (50, 21), (43, 21), (42, None)])
def test_where_a_mac_is_enough_the_short_form_goes_with_its_status(limit, expected):
    found = form(frame.CHECKIN, 29, limit, True)
    assert found == (None if expected is None else (frame.HS256_64, expected))


def test_every_kind_has_a_priority_and_a_wait():
    for kind in KINDS:
        assert bearer_policy.priority(kind) >= 0
        sent(entry(kind, 1), 0, Link(), 0, 0)


def report(kind: int, counter: int, opening: int, accuracy: int | None, since_ms: int = 0, links: int = 1) -> Waiting:
    """accuracy: None = no position."""
    place = frame.NO_POSITION if accuracy is None else 1
    offset = counter - opening
    body = frame.encode_report(0, place, place, accuracy or 0, 0, 50, frame.SOURCE_GNSS, offset)
    return Waiting(kind, counter, body, since_ms, links)


def test_what_cannot_be_sent_somewhere_does_not_hold_up_the_next_bearer():
    """A LoRaWAN data rate that carries no press is no first bearer for it, nor is a text message for a check-in."""
    links = [Link(True, 11), Link(True, 107, costly=True), Link(True)]
    assert choose([entry(frame.PRESS, 1, links=3)], links, 0)[1] == 1
    assert choose([entry(frame.CHECKIN, 1, links=3)], links, 0)[1] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_costly_bearer_carries_what_an_incident_needs_and_nothing_else(kind):
    waiting = report(kind, 9, 4, 12) if kind in REPORTS else entry(kind, 9)
    chosen = choose([waiting], [Link(True, 142, costly=True)], 10**6)
    assert (chosen is not None) == (kind in CARRIED)


def test_a_text_message_that_was_taken_is_not_paid_for_again_when_the_network_comes_and_goes():
    sms, press = Link(True, 107, costly=True), entry(frame.PRESS, 1)
    sent(press, 0, sms, 0, 65535)
    renewed([press], 0, sms, 1000)
    assert choose([press], [sms], 1000) is not None, "it failed: nothing was paid"
    sent(press, 0, sms, 1000, 65535)
    taken(press, 0)
    renewed([press], 0, sms, 2000)
    assert choose([press], [sms], 20_000) is None
    assert choose([press], [sms], 70_000) is not None, "but a press goes on"


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=60))
def test_a_press_costs_at_most_fourteen_text_messages_in_the_first_half_hour_and_never_rests_beyond_five_minutes(luck):
    sms, press, now, messages = Link(True, 107, costly=True), entry(frame.PRESS, 1), 0, 0
    for chance in luck:
        sent(press, 0, sms, now, chance)
        taken(press, 0)
        messages += now < 1_800_000
        assert 15_000 <= press.due_ms[0] - now <= 300_000
        now = press.due_ms[0]
    assert messages <= 15


def test_by_text_message_the_first_position_goes_then_one_that_says_much_more_then_one_in_five_minutes():
    sms, now = Link(True, 107, costly=True), 1000
    press = report(frame.PRESS, 5, 5, None)
    sent(press, 0, sms, now, 0)

    def goes(counter: int, accuracy: int, at: int) -> bool:
        update = report(frame.UPDATE, counter, 5, accuracy, at - BESIDE_MS)
        chosen = choose([update], [sms], at)
        if chosen is not None:
            sent(update, 0, sms, at, 0)
        return chosen is not None

    assert goes(6, 800, 20_000), "the first"
    assert not goes(7, 300, 40_000) and goes(8, 200, 60_000), "a quarter as uncertain"
    assert not goes(9, 190, 60_000 + COSTLY_APART_MS - 1) and goes(10, 190, 60_000 + COSTLY_APART_MS)
    assert not goes(9, 1, 10**8), "an older place is worth nothing any more"
    sent(report(frame.PRESS, 20, 20, None), 0, sms, 400_000, 0)
    update = report(frame.UPDATE, 21, 20, 190, 400_000)
    assert choose([update], [sms], 400_000 + BESIDE_MS) is not None, "a new incident begins anew"


def test_a_position_by_text_message_waits_whether_another_bearer_is_quicker():
    update = report(frame.UPDATE, 6, 5, 10, 0, 2)
    links = [Link(False), Link(True, 107, costly=True)]
    assert choose([update], links, BESIDE_MS - 1) is None and choose([update], links, BESIDE_MS) == (update, 1)


def test_an_update_goes_beside_a_bearer_that_keeps_silent_although_there_is_always_a_newer_one():
    links, updates = [Link(True), Link(True, 53, least_ms=9000)], []
    gone = []
    for now in range(0, 60_000, 1000):
        if now % 10_000 == 0:
            updates.append(report(frame.UPDATE, 6 + now // 10_000, 5, 10, now, 2))
        while (chosen := choose(updates, links, now)) is not None:
            sent(chosen[0], chosen[1], links[chosen[1]], now, 65535)
            if chosen[1] == 1:
                gone.append((now, chosen[0].counter))
    assert gone[0] == (BESIDE_MS, 6) and len(gone) >= 5
    assert [counter for _, counter in gone] == sorted(counter for _, counter in gone), "never back to an older place"


@given(st.sampled_from([frame.PRESS, frame.CANCEL, frame.UPDATE]), st.integers(0, 9), st.integers(0, 1 << 30))
def test_a_repetition_waits_for_the_answer_where_that_takes_long_and_two_that_met_do_not_meet_again(
    kind, tries, chance
):
    waiting, link = entry(kind, 3), Link(True, 53, least_ms=9000)
    for _ in range(tries):
        sent(waiting, 0, link, 0, 0)
    other = entry(kind, 3)
    other.attempts = list(waiting.attempts)
    sent(waiting, 0, link, 0, chance)
    assert waiting.due_ms[0] >= 9000
    if kind == frame.PRESS:
        assert waiting.due_ms[0] <= 12_000
    sent(other, 0, link, 0, chance + 700)
    assert waiting.due_ms[0] != other.due_ms[0]


def test_a_nearly_empty_battery_makes_a_press_sparse_not_silent():
    press, now, times = entry(frame.PRESS, 1), 0, []
    for _ in range(12):
        sent(press, 0, Link(), now, 65535, sparse=True)
        now = press.due_ms[0]
        times.append(now)
    assert times[0] <= 3000 and 60_000 <= times[-1] - times[-2] <= 120_000


def test_a_busy_bearer_is_left_alone_and_keeps_its_place():
    press = entry(frame.PRESS, 1, links=2)
    links = [Link(True), Link(True)]
    links[0].busy = True
    assert choose([press], links, BESIDE_MS - 1) is None
    assert wait_ms([press], links, 0, 60_000) == BESIDE_MS
    assert choose([press], links, BESIDE_MS) == (press, 1)


@given(st.lists(LINKS, min_size=1, max_size=4), st.lists(st.integers(0, 60_000), min_size=4, max_size=4), st.data())
def test_what_went_out_elsewhere_changes_nothing_for_a_bearer(links, dues, data):
    """The model check watches one bearer and takes this for granted."""
    index = data.draw(st.integers(0, len(links) - 1))
    now = data.draw(st.integers(0, 60_000))

    def soonest(others: list[int]) -> int:
        press = entry(frame.PRESS, 1, links=len(links))
        press.due_ms = [dues[place] if place == index else others[place] for place in range(len(links))]
        for place, link in enumerate(links):
            link.busy = place != index
        return wait_ms([press], links, now, 60_000)

    assert soonest([0] * 4) == soonest(data.draw(st.lists(st.integers(0, 60_000), min_size=4, max_size=4)))
    ahead = sum(link.up and link.limit >= 43 for link in links[:index])
    if links[index].up and links[index].limit >= 43:
        assert soonest([0] * 4) == min(max(dues[index], min(ahead * BESIDE_MS, 12_000)) - now, 60_000) or now >= min(
            dues[index], ahead * BESIDE_MS
        )


def owed(counter: int, links: int) -> Waiting:
    waiting = report(frame.PRESS, counter, counter, 10, 0, links)
    waiting.owe(1000, 5000)
    return waiting


def test_evidence_goes_by_a_wide_bearer_only_in_its_long_form_and_in_its_time():
    waiting = owed(4, 2)
    narrow, wide = Link(True, 53), Link(True)
    assert choose([waiting], [narrow, Link(False)], 10**9) is None
    assert choose([waiting], [narrow, wide], 4999) is None
    assert choose([waiting], [narrow, wide], 5000) == (waiting, 1)
    sent(waiting, 1, wide, 5000, 0)
    assert 30_000 <= waiting.due_ms[1] - 5000 <= 60_000, "nobody waits for it"
    renewed([waiting], 1, wide, 6000)
    assert choose([waiting], [narrow, wide], 6000) == (waiting, 1)


def test_evidence_is_worth_one_text_message():
    waiting, sms = owed(4, 1), Link(True, 107, costly=True)
    assert choose([waiting], [sms], 5000) == (waiting, 0)
    sent(waiting, 0, sms, 5000, 0)
    renewed([waiting], 0, sms, 6000)
    assert choose([waiting], [sms], 10**9) is None and wait_ms([waiting], [sms], 10**9, 777) == 777


def test_evidence_is_that_of_a_press_or_a_cancel_in_earnest():
    body = frame.encode_report(0, 1, 1, 1, 0, 50, frame.FLAG_TEST, 0)
    assert not is_evidence(Waiting(frame.PRESS, 1, body, 0, 1))
    assert [kind for kind in KINDS if is_evidence(entry(kind, 1))] == [frame.PRESS, frame.CANCEL]
