"""What the console says and sounds of a call for help, by example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.web.console_fakes import Book, FakeBell
from gateway.web.fake_calls import CallsInMemory
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.web.console.incident_views import view, views
from siaga_gateway.web.console.ladder_views import Ringing, ladder_view, ringing_of

NOW_MS = 1_796_050_800_000
SEEN, ASSIGNED, CLOSED = IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.CLOSED


def incident(state: IncidentState = IncidentState.OPEN, seen_ms: int | None = None, **more: Any) -> Incident:
    book = Book(FakeBell())
    book.do(do="press", incident=1, at_ms=NOW_MS, **more)
    found = book.incident(1)
    assert found is not None
    return replace(found, state=state, seen_at_ms=seen_ms if seen_ms is None else NOW_MS + seen_ms)


def calling(rung: str = "stations", reached_s: int = 0, **more: Any) -> Escalation:
    given: dict[str, Any] = {
        "phase": Phase.CALLING,
        "why": Why.OPENED,
        "started_ms": NOW_MS,
        "wave": 1,
        "top_call": 3,
        "climb_at_ms": NOW_MS + reached_s * 1000 + 10_000,
    }
    return Escalation(1, touched_ms=NOW_MS, next_at_ms=NOW_MS, rung=rung, reached_s=reached_s, **{**given, **more})


AGAIN = {"wave": 2, "why": Why.UNASSIGNED, "started_ms": NOW_MS + 90_000}
FORCED = replace(incident(), call_back=CallBack.DURESS_WORD)
HELD = {"phase": Phase.HELD, "why": Why.HELD, "wave": 0, "held": True}
RINGING = [
    ("a new call without an escalation yet", incident(), None, Ringing("first")),
    ("one that somebody has seen, without an escalation", incident(SEEN, 5_000), None, Ringing()),
    ("a new call", incident(), calling(), Ringing("first", 0)),
    ("the chief", incident(), calling("chief", 10), Ringing("first", 1)),
    ("the region", incident(), calling("region", 20), Ringing("first", 2)),
    ("everyone", incident(), calling("everyone", 40), Ringing("first", 3)),
    ("a rung of the settings", incident(), calling("Kodim", 25), Ringing("first", 2)),
    ("seen: the escalation hears of it in a moment", incident(SEEN, 12_000), calling("chief", 10), Ringing()),
    ("a responder accepts: desks go on", incident(), calling(paused=True, pause_ms=60_000), Ringing("first", 0)),
    (
        "the same, and seen a moment ago",
        incident(SEEN, 9_000),
        calling(paused=True, pause_ms=60_000, started_ms=NOW_MS + 60_000),
        Ringing(),
    ),
    ("a desk has acknowledged", incident(SEEN, 5_000), calling(phase=Phase.ACKNOWLEDGED), Ringing()),
    (
        "that was taken back, and the ladder has not heard of it",
        incident(),
        calling("chief", 10, phase=Phase.ACKNOWLEDGED),
        Ringing("first", 1),
    ),
    ("of another wave too", incident(), calling(**AGAIN | {"phase": Phase.ACKNOWLEDGED}), Ringing("again", 0)),
    ("seen, and nobody was assigned", incident(SEEN, 9_000), calling(**AGAIN), Ringing("again", 0)),
    ("the same, and it climbs", incident(SEEN, 9_000), calling("everyone", 40, **AGAIN), Ringing("again", 3)),
    ("not arrived", incident(ASSIGNED, 9_000), calling(**AGAIN | {"why": Why.NOT_ARRIVED}), Ringing("again", 0)),
    ("released after it was seen", incident(SEEN, 9_000), calling(started_ms=NOW_MS + 20_000), Ringing("first", 0)),
    ("held", incident(held=True), calling("operator", 0, **HELD), Ringing("held", 0)),
    ("held, the supervisor", incident(held=True), calling("supervisor", 20, **HELD), Ringing("held", 1)),
    ("held, seen a moment ago", incident(SEEN, 9_000, held=True), calling("operator", 0, **HELD), Ringing()),
    (
        "held, somebody looks into it",
        incident(SEEN, 99_000, held=True),
        calling("operator", 0, **HELD, paused=True, pause_ms=60_000),
        Ringing(),
    ),
    (
        "held, and nobody has decided",
        incident(SEEN, 99_000, held=True),
        calling("supervisor", 20, **HELD, paused=True, started_ms=NOW_MS + 60_000),
        Ringing("held", 1),
    ),
    ("the duress word made it real", FORCED, calling(why=Why.MADE_REAL, wave=2), Ringing()),
    ("it lifted the hold: the escalation hears of it in a moment", FORCED, calling("operator", 0, **HELD), Ringing()),
    ("it is still held", replace(FORCED, held=True), calling("operator", 0, **HELD), Ringing("held", 0)),
    ("a minute after the word", FORCED, calling(started_ms=NOW_MS - 60_000), Ringing("first", 0)),
    ("the word, and nobody was assigned", FORCED, calling(**AGAIN), Ringing("again", 0)),
    ("the other word", replace(FORCED, call_back=CallBack.CALLED_OFF), calling(), Ringing("first", 0)),
    ("asked", incident(), calling("", -1, phase=Phase.ASKED, desk_at_ms=NOW_MS + 60_000), Ringing("asked")),
    ("looked into", incident(), calling("", -1, phase=Phase.ASKED, desk_at_ms=NOW_MS + 600_000), Ringing()),
    ("closed", incident(CLOSED, 9_000), calling(**AGAIN), Ringing()),
]


@pytest.mark.parametrize(("about", "found", "known", "expected"), RINGING, ids=[each[0] for each in RINGING])
def test_how_the_console_rings(about: str, found: Incident, known: Escalation | None, expected: Ringing) -> None:
    assert ringing_of(found, known) == expected


def test_a_call_that_climbs_says_on_which_rung_since_when_and_when_the_next_comes() -> None:
    shown = ladder_view(incident(), calling("chief", 10), "en")
    assert (shown.heading, shown.rung, shown.why) == ("Calling for help", "chief", "")
    assert (shown.since_ms, shown.next_key, shown.next_ms) == (NOW_MS, "next_contact", NOW_MS + 20_000)
    assert not (shown.acknowledge or shown.asked or shown.unreached or shown.again), "a new one is acknowledged by F4"
    accepted = calling("chief", 10, paused=True, pause_ms=60_000, started_ms=NOW_MS + 60_000)
    assert ladder_view(incident(), accepted, "en").since_ms == NOW_MS, "his acceptance is no desk's answer"
    assert ladder_view(incident(), calling("everyone", 40, top_call=0), "en").unreached


def test_a_second_wave_says_why_and_is_acknowledged_by_a_button_of_its_own() -> None:
    shown = ladder_view(incident(SEEN, 9_000), calling("stations", 0, **AGAIN), "id")
    assert (shown.heading, shown.why, shown.wave) == ("BERDERING LAGI", "belum ada yang ditugaskan", 2)
    assert shown.acknowledge and shown.again and shown.since_ms == NOW_MS + 90_000
    new = ladder_view(incident(), calling("stations", 0, **AGAIN), "id")
    assert new.again and not new.acknowledge
    assert (
        len({ladder_view(incident(SEEN, 9_000), each, "id").signature for each in (calling(), calling(**AGAIN))}) == 2
    )


def test_after_an_answer_it_says_who_comes_and_until_when_somebody_must() -> None:
    rests = calling(phase=Phase.ACKNOWLEDGED, climb_at_ms=None, assign_by_ms=NOW_MS + 60_000)
    shown = ladder_view(incident(SEEN, 9_000), rests, "en")
    assert (shown.heading, shown.next_key, shown.next_ms) == ("A desk has seen it", "next_assign", NOW_MS + 60_000)
    assert shown.since_ms is None and not shown.acknowledge
    people = (
        Assignment("unit:Raimas 1", Progress.COMING, 1, NOW_MS, 5, NOW_MS + 450_000),
        Assignment("responder:budi", Progress.ON_SCENE, 1, NOW_MS + 1, None, NOW_MS + 2, True),
        Assignment("responder:wati", Progress.LATE, 1, NOW_MS + 3),
    )
    sent = replace_assignments(rests, people)
    shown = ladder_view(incident(ASSIGNED, 9_000), sent, "en", lambda who: who.partition(":")[2].title())
    assert shown.heading == "Somebody is there"
    assert [(each.name, each.progress, each.due_ms) for each in shown.assignees] == [
        ("Raimas 1", "coming, promised 5 min", NOW_MS + 450_000),
        ("Budi", "NO SIGN: was asked", None),
        ("Wati", "LATE: should have arrived", None),
    ]
    assert shown.acknowledge, "a desk takes note of an officer's silence"
    assert ladder_view(incident(ASSIGNED), replace_assignments(rests, people[:1]), "en").heading == "Somebody is coming"


def replace_assignments(known: Escalation, people: tuple[Assignment, ...]) -> Escalation:
    return replace(known, assignments=people, assign_by_ms=None)


def test_what_is_asked_about_is_acknowledged_only_to_look_into_it() -> None:
    asked = calling("", -1, phase=Phase.ASKED, climb_at_ms=None, desk_at_ms=NOW_MS + 60_000)
    shown = ladder_view(incident(), asked, "en")
    assert shown.asked and shown.acknowledge and shown.next_key == "next_question"
    later = ladder_view(incident(SEEN, 1), replace(asked, desk_at_ms=NOW_MS + 600_000), "en")
    assert later.asked and not later.acknowledge


def test_what_the_duress_word_began_can_be_acknowledged_while_it_is_silent() -> None:
    shown = ladder_view(replace(FORCED, state=SEEN), calling(why=Why.MADE_REAL, wave=2), "en")
    assert shown.acknowledge and not shown.ringing.sound


def test_nothing_is_said_of_a_call_that_is_closed() -> None:
    for known in (None, calling(phase=Phase.CLOSED), calling()):
        assert ladder_view(incident(CLOSED), known, "en").phase == ""


def test_what_rings_though_it_was_seen_comes_first_but_after_duress() -> None:
    several = [replace(incident(SEEN, 1_000), id=number, opened_at_ms=NOW_MS + number) for number in (1, 2, 3)]
    several.append(replace(several[0], id=4, duress=True))
    known = {2: replace(calling(**AGAIN), incident_id=2)}
    assert [each.id for each in views(several, "en", Mode.ACTUAL, known)] == [4, 2, 1, 3]


def test_a_responder_who_came_by_himself_is_named_where_a_unit_is() -> None:
    directory = CallDirectory(CallsInMemory())
    shown = [view(replace(incident(), unit=unit), "en", Mode.ACTUAL, None, directory.name).unit for unit in UNITS]
    assert shown == ["Aipda Budi Contoh", "Raimas 1/2", "station:contoh", None]


UNITS = ("budi", "Raimas 1/2", "station:contoh", None)
