"""What the feed tells an operator on shift, and what it leaves to the installers' page and the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ingest_harness import NOW_S, IngestHarness
from gateway.web.conftest import Console
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.kinds import concerns_operators
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.console.timeline import feed, timeline

LOUD = ("warning", "alarm", "duress")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


def told(desk: IngestHarness) -> list[tuple[str, str, str | None]]:
    return [(each.line.kind, each.line.tone, each.line.extra) for each in feed(desk.store, "en")]


def test_a_restart_and_a_test_press_of_an_own_button_are_no_warning(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    for _ in range(3):  # counters are set aside in blocks: a restart leaves the rest of one unused
        button.counter += 10
        desk.take(button.follow(Kind.CHECKIN, NOW_S, flags=Flags.RESTARTED))
    button.counter += 10
    desk.take(button.press(NOW_S, test=True, flags=Flags.RESTARTED))
    lines = told(desk)
    assert [kind for kind, _, _ in lines] == [journal.TEST_PRESS]
    assert [line for line in lines if line[1] in LOUD or "missing" in (line[2] or "")] == []
    assert len(desk.journal(journal.COUNTER_GAP)) == 4, "the journal has them all the same"


def test_reports_that_no_restart_explains_are_told_and_counted_without_those_that_one_does(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    button.counter += 10
    desk.take(button.follow(Kind.CHECKIN, NOW_S, flags=Flags.RESTARTED))
    button.counter += 30
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    assert told(desk) == [(journal.COUNTER_GAP, "plain", "16 reports missing")]


def test_a_new_button_at_its_installers_is_no_warning_and_a_stranger_that_presses_is(desk: IngestHarness) -> None:
    stranger = desk.button(RegistrationState.ACTIVE)
    unknown = type(stranger)().meet(desk.gateway_key)
    desk.take(unknown.enrol())
    assert [tone for _, tone, _ in told(desk)] == ["plain"]
    other = type(stranger)().meet(desk.gateway_key)
    desk.take(other.press(NOW_S))
    assert [tone for _, tone, _ in told(desk)] == ["warning", "plain"]


def test_a_housing_that_was_opened_warns_and_one_that_was_closed_again_does_not(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.TAMPER, NOW_S, flags=Flags.TAMPER_OPEN))
    desk.take(button.follow(Kind.TAMPER, NOW_S))
    lines = [each.line for each in feed(desk.store, "en")]
    assert [(line.tone, line.title) for line in lines] == [
        ("done", "Button's housing closed again"),
        ("warning", "Button opened"),
    ]


def test_the_office_s_work_pushes_nothing_out_of_the_feed_and_asks_no_page_to_read_it(console: Console) -> None:
    console.book.do(do="note", kind=journal.BEARER_LOST, bearer="sms")
    for kind in sorted(journal.OFFICE_KINDS):
        console.book.do(do="note", kind=kind, command="test", battery=9, cause="silent", state="active")
        assert not concerns_operators(kind, {})
    shown = console.browser.get("/feed").text
    assert shown.count("<li") == 1 and "SMS" in shown.upper()


def test_a_receiver_that_is_tried_again_and_again_is_one_line() -> None:
    facts = [{"attempts": number, "detail": "503"} for number in range(1, 5)]
    rows = [JournalEntry(n, n, journal.DELIVERY_FAILED, 1, None, "cad", fact) for n, fact in enumerate(facts, start=1)]
    rows.append(JournalEntry(9, 9, journal.DELIVERY_FAILED, 1, None, "folder", {"attempts": 1}))
    assert [(line.id, line.by) for line in timeline(rows, "en")] == [(9, "folder"), (4, "cad")]
