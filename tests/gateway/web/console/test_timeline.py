"""What the feed tells an operator on shift, and what it leaves to the installers' page and the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ingest_harness import NOW_S, IngestHarness
from gateway.web.conftest import Console
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.standby_progress import StandbyFault
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


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        (journal.STANDBY_LOST, {"why": "old_copy"}, ("salinannya terlalu lama", "its copy is too old")),
        (journal.STANDBY_BACK, {"seconds": 90, "entries": 2}, ("2 entri", "2 entries")),
        (journal.STANDBY_PROMOTED, {"server": "sos-b.example:5432", "behind_s": 2.25}, ("2 dtk", "2 s")),
        (journal.MAINTENANCE_OPENED, {"cause": "unsigned", "unsigned_s": 176_400}, ("kuncinya", "own key silent")),
    ],
)
def test_what_became_of_the_second_machine_and_of_signatures_is_told_in_words(
    kind: str, facts: dict[str, object], told: tuple[str, str]
) -> None:
    for language, words in zip(("id", "en"), told, strict=True):
        (line,) = timeline([JournalEntry(1, 1, kind, None, None, None, facts)], language)
        assert line.extra is not None and words in line.extra
        assert [name for name in facts if f"{name}:" in line.extra] == []


@pytest.mark.parametrize("why", StandbyFault)
def test_no_reason_why_the_second_machine_lacks_something_is_shown_as_a_name_of_ours(why: StandbyFault) -> None:
    for language in ("id", "en"):
        (line,) = timeline([JournalEntry(1, 1, journal.STANDBY_LOST, None, None, None, {"why": str(why)})], language)
        assert line.tone == "alarm"
        assert line.extra is not None and " " in line.extra


def test_a_receiver_that_is_tried_again_and_again_is_one_line() -> None:
    facts = [{"attempts": number, "detail": "503"} for number in range(1, 5)]
    rows = [JournalEntry(n, n, journal.DELIVERY_FAILED, 1, None, "cad", fact) for n, fact in enumerate(facts, start=1)]
    rows.append(JournalEntry(9, 9, journal.DELIVERY_FAILED, 1, None, "folder", {"attempts": 1}))
    assert [(line.id, line.by) for line in timeline(rows, "en")] == [(9, "folder"), (4, "cad")]


def test_rows_of_machines_are_minor_and_a_failure_stands_until_there_is_an_end_of_it() -> None:
    def row(number: int, kind_: str, actor: str | None = None, **facts: object) -> JournalEntry:
        return JournalEntry(number, number, kind_, 1, None, actor, facts)

    rows = [
        row(1, journal.INCIDENT_OPENED, kind="press"),
        row(2, journal.DELIVERY_FAILED, "cad", attempts=1),
        row(3, journal.DELIVERED, "folder"),
        row(4, journal.POSITION, source="gnss"),
        row(5, journal.SEEN, "Rina"),
        row(6, journal.CALLED, rung="stations"),
        row(7, journal.RESPONDER_SAID, "responder:budi", who="responder:budi", said="accepted", minutes=7),
        row(8, journal.DELIVERY_ABANDONED, "cap"),
    ]

    def told(entries: list[JournalEntry]) -> list[tuple[int, str, str]]:
        return [(line.id, line.source, line.minor) for line in reversed(timeline(entries, "en"))]

    before = told(rows)
    assert before == [
        (1, "holder", ""),
        (2, "gateway", ""),
        (3, "gateway", "delivery"),
        (4, "gateway", "position"),
        (5, "person", ""),
        (6, "gateway", ""),
        (7, "person", ""),
        (8, "gateway", ""),
    ]
    assert told([*rows, row(9, journal.DELIVERED, "cad")])[1] == (2, "gateway", "delivery")
    (said,) = timeline(rows[6:7], "en", {"responder:budi": "Aipda Budi Contoh"}.__getitem__)
    assert (said.by, "Aipda" in (said.extra or "")) == ("Aipda Budi Contoh", False), "his name stands there once"
