"""The operator's steps, by the forms that the page sends."""

from __future__ import annotations

import html
import re

import pytest

from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, Console
from gateway.web.fake_steps import CODE_WORD, DURESS_WORD
from siaga_gateway.adapters.interprocess_link import PressesSilent
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.incident import Disposition, IncidentState
from siaga_gateway.domain.triage import judge
from siaga_gateway.domain.triage_signs import Signs
from siaga_gateway.web.console.running_notes import running_notes


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
    steps = re.findall(r"data-step=\"([^\"]*)", answer.text)
    assert steps == ["reopen", "correct", "note"], "nothing else is left to do"


def test_the_holder_is_rung_back_and_the_page_says_what_to_say(console: Console) -> None:
    console.book.press(1)
    console.book.seen(1, "Siti")
    page = console.browser.get("/incidents/1").text
    path = html.unescape(form_path(page, "called-back"))
    assert "kata sandinya" in page and console.browser.post(path, data={"said": "perhaps"}).status_code == 422
    wrong = console.browser.post(path, data={"said": "calls_off", "word": "durian-montong"})
    assert "TANPA kata sandi" in wrong.text and "durian" not in wrong.text
    assert console.browser.post(path, data={"said": "calls_off", "word": CODE_WORD}).status_code == 409, "look first"
    path = html.unescape(form_path(wrong.text, "called-back"))
    off = console.browser.post(path, data={"said": "calls_off", "word": " Mangga-Harum"}).text
    assert "dibatalkan dengan kata sandi" in off and "Terima kasih, semuanya aman" in off and "DISELESAIKAN" not in off
    path = html.unescape(form_path(off, "called-back"))
    forced = console.browser.post(path, data={"said": "calls_off", "word": DURESS_WORD}).text
    assert "KATA PAKSAAN" in forced and "Terima kasih, semuanya aman" in forced and "DI BAWAH PAKSAAN" in forced
    assert 'class="call-back duress"' in forced
    incident = console.book.incident(1)
    assert incident is not None and incident.state is IncidentState.SEEN


def test_who_has_no_words_cannot_call_off_and_the_alarm_level_says_why(console: Console) -> None:
    console.book.press(1)
    found = console.book.incident(1)
    assert found is not None and found.holder is not None
    console.book.without_words.add(found.holder.id)
    console.book.judged(1, judge(Signs(presses=3, call_back=CallBack.UNANSWERED)))
    page = console.browser.get("/incidents/1").text
    assert "Belum ada kata sandi" in page and 'id="word"' not in page
    assert "Tingkat alarm 4" in page and "Ditelepon balik: tidak ada yang menjawab" in page
    path = html.unescape(form_path(page, "called-back"))
    assert "TANPA kata sandi" in console.browser.post(path, data={"said": "calls_off", "word": "apa saja"}).text


def form_path(page: str, action: str) -> str:
    found = re.search(rf'hx-post="(/incidents/1/{action}[^"]*)"', page)
    assert found is not None
    return found[1]


def test_what_was_found_is_corrected_by_a_form_and_the_timeline_says_what_it_was(console: Console) -> None:
    console.book.press(1)
    console.book.close(1, "Rina", "abuse", "")
    page = console.browser.get("/incidents/1").text
    path = form_of(page, "correct")
    assert console.browser.post(path, data={"disposition": "accidental", "reason": " "}).status_code == 422
    answer = console.browser.post(path, data={"disposition": "accidental", "reason": "anak kecil menekan"})
    assert answer.status_code == 200 and "Tertekan tanpa sengaja · sebelumnya: Panggilan iseng" in answer.text
    assert "anak kecil menekan" in answer.text
    slower = console.browser.post(path, data={"disposition": "technical", "reason": "sakelar macet"})
    assert slower.status_code == 409 and "Gangguan teknis tombol" in slower.text and "sakelar macet" in slower.text
    answer = console.browser.post(form_of(slower.text, "correct"), data={"disposition": "technical", "reason": "x"})
    assert answer.status_code == 200
    incident = console.book.incident(1)
    assert incident is not None and incident.disposition is Disposition.TECHNICAL


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


def form_of(page: str, action: str) -> str:
    found = re.search(rf'hx-post="(/incidents/1/{action}[^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_two_sessions_on_one_page_and_the_slower_sees_who_what_and_when_and_can_do_it_all_the_same(
    console: Console,
) -> None:
    console.book.press(1)
    budi = console.make()
    budi.post("/sign-in", data={"name": "Budi"})
    budi.post("/language", data={"language": "en"})
    assert console.browser.post(form_of(console.browser.get("/incidents/1").text, "seen")).status_code == 200
    late = budi.post("/incidents/1/seen?shown=0")
    assert late.status_code == 409 and "agree on who goes on" in late.text and OPERATOR in late.text
    path = form_of(budi.get("/incidents/1").text, "assign")
    assert console.browser.post(path, data={"unit": "Raimas 1", "eta": "7"}).status_code == 200
    answer = budi.post(path, data={"unit": "<b>Raimas 2", "eta": "3"})
    assert answer.status_code == 409 and answer.headers["HX-Retarget"] == "#message"
    entry = console.book.journal_of_incident(1)[-1]
    for told in (
        OPERATOR,
        "Raimas 1",
        "ETA ± 7 min",
        "Unit assigned",
        SITE.local.clock(entry.at_ms, console.clock.now_ms()),
        "&lt;b&gt;Raimas 2",
    ):
        assert told in answer.text, told
    found = console.book.incident(1)
    assert found is not None and found.unit == "Raimas 1"
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    again = budi.post(form_of(answer.text, "assign"), data={key: html.unescape(value) for key, value in fields.items()})
    assert again.status_code == 200 and "&lt;b&gt;Raimas 2" in again.text
    found = console.book.incident(1)
    assert found is not None and (found.unit, found.eta_minutes) == ("<b>Raimas 2", 3)


def test_a_closing_that_was_overtaken_keeps_its_note_which_goes_to_the_others_with_one_click(console: Console) -> None:
    console.book.press(1)
    path = form_of(console.browser.get("/incidents/1").text, "close")
    console.book.close(1, "Budi", "unfounded", "")
    answer = console.browser.post(path, data={"disposition": "verified", "note": "Korban di RS"})
    assert answer.status_code == 409 and "Budi" in answer.text and "Tidak ditemukan kejadian" in answer.text
    assert "Kejadian nyata" in answer.text and "Korban di RS" in answer.text
    note = re.search(r"<textarea name=\"note\" hidden>([^<]*)</textarea>", answer.text)
    assert note is not None
    added = console.browser.post(form_of(answer.text, "note"), data={"note": note[1]})
    assert added.status_code == 200 and "Korban di RS" in added.text
    found = console.book.incident(1)
    assert found is not None and found.disposition == "unfounded"
    assert [(each.author, each.text) for each in running_notes(found.note)] == [(OPERATOR, "Korban di RS")]
    assert console.browser.post("/incidents/1/note", data={"note": "  "}).status_code == 422


def test_every_form_of_a_step_carries_what_the_page_showed(console: Console) -> None:
    """A new form cannot forget it: an incident's forms are read from its page, in every state."""
    console.book.press(1, held=True, registration="suspended")
    found = console.book.incident(1)
    for step in ("dispatch", "seen", "assign", "on-scene"):
        page = console.browser.get("/incidents/1").text
        assert found is not None
        paths = [html.unescape(path) for path in re.findall(r'<form[^>]*hx-post="([^"]*)"', page)]
        # These replace nothing of another's step: no tick, not which major incident a call belongs to, no message.
        free = {f"/incidents/1/{each}" for each in ("dispatch", "note", "message", "major", "leave-major", "protocol")}
        rung = f"/incidents/1/called-back?presses=1&shown={found.call_backs}"
        without = [each for each in paths if f"shown={found.progress}" not in each and each not in {*free, rung}]
        assert paths and without == []
        console.browser.post(f"/incidents/1/{step}", data={"unit": "Raimas 1"})
        found = console.book.incident(1)


def test_a_step_without_an_answer_says_that_nobody_knows_whether_it_was_taken(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told as a console that broke, with a traceback in the log."""
    console.book.press(1)

    def silent(*_: object, **__: object) -> None:
        raise PressesSilent("front.silent", seconds=8)

    steps = {"seen": "seen", "assign": "assign", "on-scene": "on_scene", "dispatch": "dispatch_held", "close": "close"}
    for path, method in {**steps, "note": "add_note"}.items():
        monkeypatch.setattr(console.book, method, silent)
        form = {"unit": "Raimas 1", "disposition": "verified", "note": "x"}
        answer = console.browser.post(f"/incidents/1/{path}", data=form)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (503, "#message")
        assert "BELUM DIKETAHUI" in answer.text and "8" in answer.text
    console.browser.post("/language", data={"language": "en"})
    assert "NOT KNOWN" in console.browser.post("/incidents/1/seen").text


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
