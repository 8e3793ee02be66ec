"""A press that is cancelled: it looks the same forced or free, and what comes after is shown and kept."""

from __future__ import annotations

import pytest
from alarm_life import NO_ACK_MS, Life

from siaga.core import alarm, frame
from siaga.core.alarm import (
    BETTER_FIX,
    CANCELLED,
    NEW_FIX,
    UNSTORED,
)


def cancelled_lives() -> list[Life]:
    """One that is cancelled freely, one by force; the press is seen, the cancel acknowledged."""
    lives = [Life(), Life()]
    for forced, life in enumerate(lives):
        press = life.press()
        life.ack(press, 1).ack(press, 2)
        life.step(CANCELLED, bool(forced))
        life.ack(life.counter, 1)
    return lives


@pytest.mark.parametrize("restarted", [False, True])
def test_a_cancel_looks_the_same_forced_or_free_and_the_incident_goes_on(restarted):
    """A hold in panic is a cancel too: who goes on to the holder needs to know where that is."""
    looks, kinds = [], []
    for life in cancelled_lives():
        press = life.state.opening
        shown = []
        if restarted:
            life.restart()
        for _ in range(20):
            life.wait(1000, NEW_FIX)
            shown.append((life.name, life.signal))
        for stage in (3, 4, 7, 5):
            life.ack(press, stage)
            shown.append((life.name, life.signal))
        looks.append(shown)
        sent = len(life.sent)
        life.wait(60_000, BETTER_FIX)
        assert len(life.sent) == sent, "it is closed"
        kinds.append([(kind, counter, opening) for kind, counter, _, opening in life.sent])
        updates = [flags for kind, _, flags, _ in life.sent if kind == frame.UPDATE]
        assert updates and set(updates) == {frame.FLAG_DURESS if len(kinds) == 2 else 0}
    assert looks[0] == looks[1] and kinds[0] == kinds[1]
    assert looks[0][-1] == ("armed", "armed")


def test_an_older_press_that_waits_after_a_restart_hides_nothing_of_the_newest():
    life = Life()
    first = life.press()
    life.ack(first, 1)
    second, third = life.press(), life.press()
    life.ack(third, 1).ack(third, 3)
    assert second in life.outbox and (life.name, life.signal) == ("assigned", "assigned")
    assert (life.restart().name, life.signal) == ("assigned", "assigned")
    life.ack(second, 1).ack(third, 5)
    assert life.name == "closed"


def test_a_cancelled_incident_that_nobody_closes_ends_after_half_a_day():
    for life in cancelled_lives():
        life.now += alarm.INCIDENT_MS
        life.wait(250)
        assert life.state.opening == 0 and life.name == "armed"
        life.press()
        assert life.sent[-1][3] == 0


@pytest.mark.parametrize("restarted", [False, True])
def test_a_press_after_a_cancel_is_of_the_same_incident_and_shows_its_stages_anew(restarted):
    for life in cancelled_lives():
        first, forced = life.state.opening, life.state.duress
        life.ack(first, 4)
        life.now += 3 * 3600 * 1000
        if restarted:
            life.restart()
        press = life.press()
        assert life.sent[-1] == (frame.PRESS, press, frame.FLAG_DURESS if forced else 0, first)
        assert (life.name, life.signal) == ("sending", "sending"), "as a fresh alarm"
        life.wait(NO_ACK_MS)
        assert life.signal == "not_getting_through"
        for stage, name in [(1, "received"), (2, "seen"), (3, "assigned")]:
            life.ack(press, stage)
            assert (life.name, life.signal) == (name, name)
            assert life.restart().name == name
        life.wait(10_250, NEW_FIX)
        assert [sent[0] for sent in life.sent[-1:]] == [frame.UPDATE], "as often as for a fresh alarm"
        assert life.sent[-1][2:] == (frame.FLAG_DURESS if forced else 0, first)
        life.ack(press, 5)
        assert life.name == "closed"


@pytest.mark.parametrize("order", [(False, True), (True, False), (False, False), (True, True)])
def test_cancelled_pressed_and_cancelled_again(order):
    """Whoever was forced once is taken to be so until the incident ends, also after a restart."""
    life = Life()
    first = life.press()
    forced = False
    for one in order:
        life.step(CANCELLED, one)
        forced = forced or one
        flags = frame.FLAG_DURESS if forced else 0
        assert life.sent[-1][0] == frame.CANCEL and life.sent[-1][2:] == (flags, first)
        before = len(life.sent)
        life.step(CANCELLED, not one)
        assert len(life.sent) == before, "nothing is shown that could be cancelled"
        assert (life.restart().state.duress, life.name) == (forced, "armed")
        life.press()
        assert life.sent[-1][2:] == (flags, first) and life.name == "sending"


def test_a_press_after_a_cancel_that_cannot_be_kept_is_shown():
    for life in cancelled_lives():
        life.wait(11_000)
        life.step(UNSTORED, frame.PRESS)
        assert life.signal == "not_getting_through"


def test_a_cancel_that_is_closed_at_once_ends_it_without_a_sign():
    """Of an incident that the gateway knows by its CANCEL alone, the closing names that."""
    for forced in (False, True):
        for named in ("press", "cancel"):
            life = Life()
            press = life.press()
            life.step(CANCELLED, forced)
            life.ack(press if named == "press" else life.counter, 5)
            assert life.state.opening == 0 and life.name == "cancelled"
            assert life.restart().state.opening == 0 and life.name == "armed"


def test_a_power_cut_between_a_cancel_a_press_and_their_record_loses_neither():
    for forced in (False, True):
        life = Life()
        first = life.press()
        life.ack(first, 1)
        second = life.press()
        opened = life.saved
        life.step(CANCELLED, forced)
        cancelled, life.saved = life.saved, opened
        life.restart()
        assert (life.name, life.state.opening, life.state.duress) == ("armed", first, forced)
        life.saved = cancelled
        life.ack(life.counter, 1)
        assert second in life.outbox and life.restart().name == "armed", "pressed before the cancel"
        third = life.press()
        life.saved = cancelled
        life.restart()
        assert (life.name, life.signal, life.state.waiting) == ("sending", "sending", third)
        life.saved = life.state.saved()
        life.step(CANCELLED, forced)
        cancel = life.counter
        fourth = life.press()
        life.ack(fourth, 1)
        assert cancel in life.outbox and life.restart().name == "received", "the press took that cancel back"


def test_the_press_of_a_cancelled_incident_does_not_open_it_again():
    life = Life()
    press = life.press()
    life.step(CANCELLED, False)
    life.ack(life.counter, 1)
    assert press in life.outbox
    assert life.restart().name == "armed"
