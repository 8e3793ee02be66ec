"""A position on its way to whoever drives there: from the frame by attach and the notice to what outputs write."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import LAMPUNG, PressingButton, at
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.formats import cap, cloudevent
from siaga_gateway.service.journal import kinds as journal

E7_M = 90  # degrees x 10^7 of latitude that are a metre


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


@pytest.fixture
def button(desk: IngestHarness) -> PressingButton:
    return desk.button()


def notices(desk: IngestHarness) -> list[Notice]:
    """What waits for the output, oldest first."""
    pending = desk.store.pending("cad")
    found = desk.store.notices(pending)
    return [found[delivery.id] for delivery in pending]


def written(notice: Notice) -> Any:
    return json.loads(cloudevent.event(notice, "key"))["data"]["position"]


def update(desk: IngestHarness, button: PressingButton, after_s: int, **fix: int) -> None:
    """An UPDATE so long after the press."""
    desk.now_ms += after_s * 1000
    desk.take(button.follow(Kind.UPDATE, desk.now_ms // 1000, **at(**fix)))


def test_a_holder_who_moves_is_told_where_he_is_now(desk: IngestHarness, button: PressingButton) -> None:
    desk.take(button.press(NOW_S, **at(accuracy=10, fix_age=2)))
    update(desk, button, 60, latitude=LAMPUNG[0] + 500 * E7_M, accuracy=10, fix_age=4)
    first, second = notices(desk)
    assert (second.change, second.sequence) == (Change.POSITION, 2)
    assert (written(first)["latitude_e7"], written(first)["fix_age_s"]) == (LAMPUNG[0], 2)
    moved = written(second)
    assert (moved["latitude_e7"], moved["longitude_e7"]) == (LAMPUNG[0] + 500 * E7_M, LAMPUNG[1])
    assert (moved["accuracy_m"], moved["fix_age_s"], moved["source"]) == (10, 4, "gnss")
    circles = [one.text for one in ET.fromstring(cap.document(second)).iter() if one.tag.endswith("}circle")]
    assert circles and all(text is not None and text.startswith("-5.3955000,105.2600000 ") for text in circles), circles
    (entry,) = desk.journal(journal.POSITION)
    assert entry.facts["moved_m"] == 500 and entry.facts["late"] is False


def test_noise_is_kept_and_not_told_and_does_not_add_up_untold(desk: IngestHarness, button: PressingButton) -> None:
    """Ten metres at a time: told once it is more than twenty from what they know, not from the fix before."""
    desk.take(button.press(NOW_S, **at(accuracy=10)))
    told = []
    for step in range(1, 6):
        update(desk, button, 10, latitude=LAMPUNG[0] + step * 10 * E7_M, accuracy=10)
        told.append(len(notices(desk)))
    assert told == [1, 1, 2, 2, 2], "told at 30 m, and next beyond 50"
    position = desk.only().position
    assert position is not None and position.latitude == LAMPUNG[0] + 50 * E7_M, "the operator sees each"
    update(desk, button, 10, latitude=LAMPUNG[0] + 60 * E7_M, accuracy=10)
    assert len(notices(desk)) == 3


def test_a_position_that_is_much_better_is_told_and_one_that_is_a_little_better_is_not(
    desk: IngestHarness, button: PressingButton
) -> None:
    desk.take(button.press(NOW_S, **at(accuracy=100)))
    update(desk, button, 10, accuracy=51)
    assert [one.change for one in notices(desk)] == [Change.OPENED]
    update(desk, button, 10, accuracy=50)
    assert [one.change for one in notices(desk)] == [Change.OPENED, Change.POSITION]
    assert written(notices(desk)[-1])["accuracy_m"] == 50


def test_the_first_position_of_an_incident_without_one_is_told(desk: IngestHarness, button: PressingButton) -> None:
    desk.take(button.press(NOW_S))
    assert [written(one) for one in notices(desk)] == [None]
    update(desk, button, 30, accuracy=5_000)
    assert [one.change for one in notices(desk)] == [Change.OPENED, Change.POSITION]


def test_a_fix_that_grows_old_is_not_told_anew_and_says_its_age_when_something_else_is(
    desk: IngestHarness, button: PressingButton
) -> None:
    desk.take(button.press(NOW_S, **at(accuracy=10, fix_age=5)))
    desk.now_ms += 595_000
    desk.take(button.follow(Kind.UPDATE, desk.now_ms // 1000))
    assert [one.change for one in notices(desk)] == [Change.OPENED]
    assert desk.journal(journal.POSITION) == []
    desk.now_ms += 5_000
    desk.take(button.press(desk.now_ms // 1000, again=True))
    last = notices(desk)[-1]
    assert last.change is Change.PRESSED_AGAIN
    assert (written(last)["latitude_e7"], written(last)["fix_age_s"]) == (LAMPUNG[0], 5)
    assert written(last)["at"] == "2026-09-21T14:13:20.000Z", "the age is of then, and then is said"
    areas = [one.text for one in ET.fromstring(cap.document(last)).iter() if one.tag.endswith("}areaDesc")]
    assert len(areas) == 2 and "umur fiks 10 menit" in areas[0] and "fix age 10 min" in areas[1], (
        "what a person reads without the time is how old it is now"
    )


def test_the_outputs_hear_what_the_press_says_and_not_what_an_earlier_incident_was_told(
    desk: IngestHarness, button: PressingButton
) -> None:
    """Position of a press and of an update that is worse: what was told is what the press said."""
    desk.take(button.press(NOW_S, **at(accuracy=10)))
    update(desk, button, 10, latitude=LAMPUNG[0] + 4_000 * E7_M, accuracy=2_000)
    assert [one.change for one in notices(desk)] == [Change.OPENED], "the cell knows less than the satellites"
    incident = desk.only()
    assert incident.told_place == (*LAMPUNG, 10)
