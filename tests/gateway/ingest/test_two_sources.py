"""Of two sources that are alike in most tests: which one counts. No two numbers are the same here: the button's clock
and the gateway's, counter, incident and the name that the button has for it, the press's place and the update's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import LAMPUNG, PressingButton, at, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage
from siaga_gateway.domain.incident import Position
from siaga_gateway.service.journal import kinds as journal

BEHIND_S = 41  # the button's clock, within what is believed
ARRIVED_MS = NOW_MS + 377


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    """It has had three incidents of others."""
    made = IngestHarness(tmp_path)
    made.take(*(made.button().press(NOW_S) for _ in range(3)))
    made.now_ms = ARRIVED_MS
    yield made
    made.close()


@pytest.fixture
def button(desk: IngestHarness) -> PressingButton:
    return desk.button()


def press(button: PressingButton, **report: int) -> bytes:
    """Counter 50, of an incident that the button opened under 47."""
    return button.frame(Kind.PRESS, 50, report_body(NOW_S - BEHIND_S, opening=3, **report))


def test_the_gateway_s_clock_says_when_it_came_and_the_button_s_when_it_was_pressed(
    desk: IngestHarness, button: PressingButton
) -> None:
    desk.take(press(button, **at(fix_age=7)))
    incident = desk.store.open_incidents()[-1]
    assert (incident.opened_at_ms, incident.pressed_at_ms) == (ARRIVED_MS, (NOW_S - BEHIND_S) * 1000)
    assert incident.position == Position(*LAMPUNG, 10, 7, "gnss", (NOW_S - BEHIND_S) * 1000)
    delivery = desk.store.pending("cad")[-1]
    assert desk.store.notices([delivery])[delivery.id].sent_at_ms == ARRIVED_MS
    opened = desk.journal(journal.INCIDENT_OPENED)[-1]
    assert opened.at_ms == ARRIVED_MS
    (status,) = [status for one, status in desk.store.devices() if one.device.device_id == button.device_id]
    assert status is not None and status.position is not None
    assert status.position.at_ms == (NOW_S - BEHIND_S) * 1000


def test_a_frame_is_answered_by_its_counter_and_joins_by_its_name(desk: IngestHarness, button: PressingButton) -> None:
    assert desk.stages(press(button)) == [(50, Stage.RECEIVED)]
    incident = desk.store.open_incidents()[-1]
    assert (incident.id, incident.opening_counter, incident.last_press, incident.presses) == (4, 47, 50, 2)
    assert desk.journal(journal.INCIDENT_OPENED)[-1].facts["counter"] == 50
    update = button.frame(Kind.UPDATE, 58, report_body(NOW_S - BEHIND_S + 5, opening=11, **at()))
    assert desk.stages(update) == [(58, Stage.RECEIVED)]
    moved = desk.journal(journal.POSITION)[-1]
    assert (moved.incident_id, moved.facts["counter"]) == (4, 58)
    cancel = button.frame(Kind.CANCEL, 61, report_body(NOW_S - BEHIND_S + 9, opening=14, flags=Flags.DURESS))
    assert desk.stages(cancel) == [(61, Stage.RECEIVED)]
    incident = desk.store.open_incidents()[-1]
    assert (incident.id, incident.opening_counter, incident.last_press, incident.last_cancel) == (4, 47, 50, 61)
    assert (incident.duress, incident.cancelled_by_holder) == (True, True)
    assert desk.stages(button.frame(Kind.PRESS, 47, report_body(NOW_S - BEHIND_S - 4))) == [(47, Stage.RECEIVED)]
    incident = desk.store.open_incidents()[-1]
    assert (incident.id, incident.last_press, incident.presses) == (4, 50, 2), "it was counted when it was named"
    again = button.frame(Kind.PRESS, 72, report_body(NOW_S - BEHIND_S + 12, opening=25))
    assert desk.stages(again) == [(72, Stage.RECEIVED)]
    incident = desk.store.open_incidents()[-1]
    assert (incident.opening_counter, incident.last_press, incident.presses) == (47, 72, 3)
    assert not incident.cancelled_by_holder, "pressed after the cancel, by the counters"


def test_the_update_s_place_is_shown_and_the_press_s_time_stays(desk: IngestHarness, button: PressingButton) -> None:
    desk.take(press(button, **at(accuracy=30, fix_age=7)))
    elsewhere = (LAMPUNG[0] + 9_000, LAMPUNG[1] - 7_000)
    desk.now_ms += 20_011
    update = report_body(NOW_S - BEHIND_S + 20, opening=11, **at(*elsewhere, accuracy=12, fix_age=2))
    desk.take(button.frame(Kind.UPDATE, 58, update))
    incident = desk.store.open_incidents()[-1]
    assert incident.position == Position(*elsewhere, 12, 2, "gnss", (NOW_S - BEHIND_S + 20) * 1000)
    assert (incident.opened_at_ms, incident.pressed_at_ms) == (ARRIVED_MS, (NOW_S - BEHIND_S) * 1000)
    assert incident.told_place == (*elsewhere, 12)
    notice = desk.store.pending("cad")[-1]
    assert desk.store.notices([notice])[notice.id].sent_at_ms == ARRIVED_MS + 20_011
