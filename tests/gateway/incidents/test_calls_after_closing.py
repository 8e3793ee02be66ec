"""A call that comes after its incident was closed: part of that, or a new one. By real ingest, on a real store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_incident_rules_stored import RECEIVED, close, desk, named

from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import at, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.journal import kinds as journal

__all__ = ["desk"]


def test_a_late_update_joins_the_closed_incident_and_tells_the_button_of_the_closing(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    close(desk, desk.only())
    assert desk.stages(button.follow(Kind.UPDATE, NOW_S, **at())) == [(2, RECEIVED), (1, Stage.CLOSED)]
    assert not desk.store.open_incidents()
    (moved,) = desk.journal(journal.POSITION)
    assert (moved.incident_id, moved.facts["late"]) == (1, True)
    assert desk.told() == [(1, "opened")]


def test_a_press_after_the_closing_opens_a_new_incident(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    close(desk, desk.only())
    assert desk.stages(button.press(NOW_S)) == [(2, RECEIVED)]
    assert desk.only().id == 2


def test_a_button_that_has_not_heard_of_the_closing_opens_a_new_incident_under_the_old_name(
    desk: IngestHarness,
) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    close(desk, desk.only())
    again = button.press(NOW_S + 5, again=True)
    assert desk.stages(again) == [(1, Stage.CLOSED), (2, RECEIVED)], "closed is what came before the new call"
    incident = desk.only()
    assert (incident.id, incident.opening_counter, incident.presses) == (2, 2, 1)
    assert desk.journal(journal.INCIDENT_OPENED)[1].facts["after"] == 1
    assert named(desk, 2) == [2]
    desk.take(button.follow(Kind.UPDATE, NOW_S + 9, **at()))
    assert desk.only().position is not None
    assert desk.stages(again) == [(2, RECEIVED)]


def test_a_repeated_press_whose_name_a_newer_incident_took_over_hears_of_that_one(desk: IngestHarness) -> None:
    """Told CLOSED once more it would stand down while the call is open."""
    button = desk.button()
    first = button.press(NOW_S)
    desk.take(first)
    close(desk, desk.only())
    assert desk.stages(first) == [(1, RECEIVED), (1, Stage.CLOSED)]
    desk.take(button.press(NOW_S + 5, again=True))
    assert desk.stages(first) == [(1, RECEIVED)], "the call under its name is open"
    with desk.store.transaction() as transaction:
        transaction.put_incident(replace(desk.only(), state=IncidentState.ASSIGNED, unit="Patroli 12", eta_minutes=7))
    assert [(one.counter, one.stage, one.eta_minutes) for one in desk.take(first)] == [
        (1, RECEIVED, None),
        (1, Stage.ASSIGNED, 7),
    ]


def test_a_press_that_comes_after_the_closing_is_never_silent_however_old_it_says_it_is(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    desk.take(button.press(NOW_S - 3000))
    late = button.press(NOW_S - 2000, again=True)
    desk.take(button.follow(Kind.UPDATE, NOW_S - 1990))
    close(desk, desk.only(), NOW_MS - 1_000_000)
    assert desk.stages(late) == [(2, Stage.CLOSED), (3, RECEIVED)]
    incident = desk.only()
    assert incident.id == 2 and incident.delayed_s is not None, "and dispatched as what it is"
    assert desk.stages(late) == [(3, RECEIVED)]


@pytest.mark.parametrize("suite", list(Suite)[:2])
def test_nobody_ahead_of_counter_and_clock_makes_a_press_part_of_what_is_closed(
    desk: IngestHarness, suite: Suite
) -> None:
    """A copy of the key, or of the gateway's, is near enough ahead to be no jump, and its clock is right; the button's
    is not, because it hears nothing: neither the time nor the closing."""
    button, behind_s = desk.button(), 1_300
    for counter in range(900, 904):
        desk.now_ms += 60_000
        desk.take(button.frame(Kind.CHECKIN, counter, report_body(desk.now_ms // 1000), suite))
    desk.take(button.frame(Kind.PRESS, 11, report_body(desk.now_ms // 1000 - behind_s)))
    desk.now_ms += 60_000
    close(desk, desk.only(), desk.now_ms)
    desk.now_ms += 600_000
    again = button.frame(Kind.PRESS, 12, report_body(desk.now_ms // 1000 - behind_s, opening=1))
    assert desk.stages(again) == [(11, Stage.CLOSED), (12, RECEIVED)]
    assert (desk.only().id, desk.told()[-1]) == (2, (2, "opened"))


def test_a_fresh_press_made_just_before_the_closing_is_never_silent(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S - 60))
    close(desk, desk.only(), NOW_MS - 1_000)
    desk.take(button.press(NOW_S - 5, again=True))
    assert desk.only().id == 2


def test_late_duress_that_nobody_knew_of_opens_a_new_incident(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    close(desk, desk.only())
    desk.take(button.follow(Kind.CANCEL, NOW_S - 300, flags=Flags.DURESS))
    incident = desk.only()
    assert (incident.id, incident.duress, incident.cancelled_by_holder) == (2, True, True)


def test_late_frames_of_a_closed_incident_do_not_join_a_newer_one(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S - 1000))
    late = button.follow(Kind.CANCEL, NOW_S - 900)
    close(desk, desk.only())
    desk.take(button.press(NOW_S))
    assert desk.stages(late) == [(2, RECEIVED), (1, Stage.CLOSED)]
    assert not desk.only().cancelled_by_holder


def test_the_press_of_an_incident_that_its_update_opened_is_news_after_the_closing(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    press, update = button.press(NOW_S - 3000), button.follow(Kind.UPDATE, NOW_S - 2990)
    desk.take(update)
    close(desk, desk.only(), NOW_MS - 1_000_000)
    desk.take(press)
    assert (desk.only().id, desk.only().presses) == (2, 1)


@pytest.mark.parametrize("time", [0, NOW_S - 1])
def test_an_update_cannot_use_up_a_press_that_its_holder_has_yet_to_make(desk: IngestHarness, time: int) -> None:
    """Whoever has a copy of the key names a PRESS of the next counters; the incident is closed as unfounded."""
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    desk.take(button.frame(Kind.UPDATE, 5, report_body(NOW_S, opening=3)))
    close(desk, desk.only())
    desk.take(button.press(time))
    assert desk.only().id == 2


@pytest.mark.parametrize("behind_s", [0, 1_300, 40_000, 90_000])
@pytest.mark.parametrize("kind", [Kind.PRESS, Kind.CANCEL])
def test_a_call_after_the_closing_is_new_whatever_the_buttons_clock_says(
    desk: IngestHarness, behind_s: int, kind: Kind
) -> None:
    """The holder's button has not heard of the closing, and its clock is slow."""
    button = desk.button()
    forced = {"flags": Flags.DURESS} if kind is Kind.CANCEL else {}
    desk.take(button.press(NOW_S - behind_s, **forced))
    desk.now_ms += 600_000
    close(desk, desk.only(), desk.now_ms)
    desk.now_ms += 600_000
    time = desk.now_ms // 1000 - behind_s
    again = button.press(time, again=True) if kind is Kind.PRESS else button.follow(kind, time, **forced)
    former = [(1, Stage.CLOSED)] if kind is Kind.PRESS else []  # so that the button shows the new one's progress
    assert desk.stages(again) == [*former, (2, RECEIVED)]
    assert (desk.only().id, desk.told()[-1]) == (2, (2, "opened"))


def test_of_a_button_whose_counters_jumped_every_new_press_is_new(desk: IngestHarness) -> None:
    """A copy of the key was ahead when the incident was closed: nothing of the real button is above that any more."""
    button = desk.button()
    desk.take(button.press(NOW_S - 1300))
    desk.take(button.frame(Kind.CHECKIN, 50_000, report_body(NOW_S)))
    close(desk, desk.only())
    desk.take(button.press(NOW_S - 1250, again=True))
    assert desk.only().id == 2
    assert desk.told()[-1] == (2, "opened")
