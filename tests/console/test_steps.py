"""The operator's steps, by the forms that the page sends."""

from __future__ import annotations

import html
import re

import pytest

from console.conftest import OPERATOR, Console
from siaga_gateway.domain.incident import Disposition, IncidentState


def test_an_incident_goes_its_whole_way_and_the_detail_shows_each_step(console: Console) -> None:
    console.book.press(1)
    answer = console.browser.post("/incidents/1/seen")
    assert answer.status_code == 200 and "DILIHAT" in answer.text and 'data-step="assign"' in answer.text
    answer = console.browser.post("/incidents/1/assign", data={"unit": "  Polsek  Kedaton 02 ", "eta": "7"})
    assert "Polsek Kedaton 02" in answer.text and 'data-step="on-scene"' in answer.text
    assert "DI LOKASI" in console.browser.post("/incidents/1/on-scene").text
    answer = console.browser.post(
        "/incidents/1/close", data={"disposition": "verified", "note": " Korban dibawa ke RS. "}
    )
    assert "SELESAI" in answer.text and "Korban dibawa ke RS." in answer.text
    incident = console.book.incident(1)
    assert incident is not None
    assert (incident.unit, incident.eta_minutes, incident.seen_by) == ("Polsek Kedaton 02", 7, OPERATOR)
    assert (incident.disposition, incident.closed_by) == (Disposition.VERIFIED, OPERATOR)
    assert "data-step" not in answer.text, "nothing is left to do"


def test_a_press_that_came_while_the_form_was_filled_in_is_not_closed_with_it(console: Console) -> None:
    console.book.press(1)
    form = re.search(r'hx-post="(/incidents/1/close[^"]*)"', console.browser.get("/incidents/1").text)
    assert form is not None
    path = html.unescape(form[1])
    console.book.do(do="again", incident=1)
    answer = console.browser.post(path, data={"disposition": "accidental"})
    assert answer.status_code == 409 and answer.headers["HX-Retarget"] == "#message"
    again = re.search(r'hx-post="(/incidents/1/close[^"]*)"', console.browser.get("/incidents/1").text)
    assert again is not None
    answer = console.browser.post(html.unescape(again[1]), data={"disposition": "verified"})
    assert answer.status_code == 200 and "SELESAI" in answer.text


def test_a_held_incident_is_dispatched_by_a_person(console: Console) -> None:
    console.book.press(1, held=True, registration="suspended")
    assert 'data-step="dispatch"' in console.browser.get("/incidents/1").text
    answer = console.browser.post("/incidents/1/dispatch")
    assert answer.status_code == 200 and 'data-step="dispatch"' not in answer.text
    assert console.book.journal_of_incident(1)[-1].actor == OPERATOR


def test_a_unit_without_an_eta_can_be_sent(console: Console) -> None:
    console.book.press(1)
    assert console.browser.post("/incidents/1/assign", data={"unit": "Raimas 1", "eta": " "}).status_code == 200
    incident = console.book.incident(1)
    assert incident is not None and incident.eta_minutes is None


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        ("assign", {"unit": "   "}, "nama unit"),
        ("assign", {"unit": "x" * 61}, "60 huruf"),
        ("assign", {"unit": "A", "eta": "soon"}, "dalam menit"),
        ("assign", {"unit": "A", "eta": "255"}, "0 sampai 254"),
        ("assign", {"unit": "A", "eta": "-1"}, "0 sampai 254"),
        ("assign", {"unit": "A", "eta": "²"}, "0 sampai 254"),
        ("close", {}, "Pilih hasil"),
        ("close", {"disposition": "boredom"}, "Pilih hasil"),
        ("close", {"disposition": "verified", "note": "x" * 2001}, "2000 huruf"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_in_words_and_changes_nothing(
    console: Console, path: str, form: dict[str, str], says: str
) -> None:
    last = console.book.press(1)
    answer = console.browser.post(f"/incidents/1/{path}", data=form)
    assert answer.status_code == 422 and says in answer.text
    assert answer.headers["HX-Retarget"] == "#message", "shown above the buttons, the form stays"
    assert console.book.last_journal_id() == last


def test_a_step_that_the_incident_does_not_allow_is_shown_with_its_reason(console: Console) -> None:
    console.book.press(1)
    console.book.close(1, "Rina", "accidental", "")
    answer = console.browser.post("/incidents/1/seen")
    assert answer.status_code == 409
    assert "Tidak dapat dilakukan: incident 1 is closed" in answer.text
    assert answer.headers["HX-Retarget"] == "#message"
    assert console.browser.post("/incidents/77/seen").status_code == 409


def test_a_store_that_fails_during_a_step_gives_an_answer_with_every_header(console: Console) -> None:
    console.book.press(1)
    console.book.broken = True
    answer = console.browser.post("/incidents/1/seen")
    assert answer.status_code == 500
    assert "Mengulang tidak menggandakan" in answer.text
    assert "Content-Security-Policy" in answer.headers and answer.headers["Cache-Control"] == "no-store"
    console.book.broken = False
    assert console.browser.post("/incidents/1/seen").status_code == 200


def test_repeating_a_step_that_holds_writes_nothing(console: Console) -> None:
    console.book.press(1)
    console.browser.post("/incidents/1/seen")
    last = console.book.last_journal_id()
    assert console.browser.post("/incidents/1/seen").status_code == 200
    assert console.book.last_journal_id() == last
    incident = console.book.incident(1)
    assert incident is not None and incident.state is IncidentState.SEEN
