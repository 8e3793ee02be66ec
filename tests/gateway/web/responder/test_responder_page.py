"""The responders' page: a look answers nothing and shows nobody's name, only a POST does, and its link is in no log."""

from __future__ import annotations

import asyncio
import gzip
import html
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sample_store import NOW_MS
from gateway.web.responder.scene_page import BROWSER, NIK, WHO, ScenePage
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.incident import Answered, Mode
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import StepResult
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.responder import app as page_app
from siaga_gateway.web.responder.app import COOKIE
from siaga_gateway.web.responder.quotas import GUESSES, STEPS


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ScenePage]:
    made = ScenePage(tmp_path)
    yield made
    made.store.close()


def shown(text: str) -> list[str]:
    """What of the holder's a page shows."""
    return [each for each in (*WHO, NIK) if each in html.unescape(text)]


def test_a_look_shows_place_and_time_answers_nothing_and_binds_nothing(scene: ScenePage) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = scene.phone.request(method, scene.budi)
        assert answer.status_code in (200, 405)
    assert "Pressed" in answer.text and "-5.42870, 105.26190" in answer.text
    assert shown(answer.text) == []
    assert "set-cookie" not in answer.headers
    assert (scene.said(), scene.store.responses_of(1), scene.disclosed) == ([], [], [])
    assert scene.incident.answered is None


@pytest.mark.parametrize("where", ["", "/live", "/note"])
def test_nothing_that_can_be_fetched_has_a_name_in_it_before_the_answer(scene: ScenePage, where: str) -> None:
    scene.steps.say(scene.budi.rpartition("/")[2], "o" * 22, "accepted", 5)  # in another browser
    answer = scene.phone.get(scene.budi + where, follow_redirects=True)
    assert answer.status_code == 200
    assert shown(answer.text) == []
    assert len(scene.store.responses_of(1)) == 1


def test_after_the_answer_it_shows_who_and_where_and_never_the_identity_number(scene: ScenePage) -> None:
    answer = scene.phone.post(f"{scene.budi}/accept", data={"minutes": "10"}, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, scene.budi)
    assert (scene.incident.unit, scene.incident.eta_minutes, scene.incident.answered) == ("budi", 10, Answered.COMING)
    page = scene.phone.get(scene.budi).text
    assert shown(page) == list(WHO)
    assert 'href="geo:-5.42870,105.26190?q=-5.42870,105.26190"' in page
    assert "destination=-5.42870%2C105.26190" in page
    assert "6P67H7C6+GQ" in page
    assert "within 18 m" in page and "as it was 12 s before" in page
    assert scene.disclosed == [("responder:budi", 1)]
    (title,) = re.findall("<title>(.*)</title>", page)
    assert title == "Call for help · Siaga", "what a chat or a history keeps"


def test_every_step_on_the_page_is_one_of_the_service(scene: ScenePage) -> None:
    def buttons() -> list[str]:
        page = scene.phone.get(scene.budi).text
        return re.findall(rf'action="{scene.budi}/([a-z]+)"', page)

    def press(step: str, **typed: str) -> None:
        assert step == "note" or step in buttons()
        assert scene.phone.post(f"{scene.budi}/{step}", data=typed, headers=BROWSER).status_code == 303

    press("decline")
    press("accept", minutes="5")
    press("withdraw")
    press("accept")
    press("arrived")
    press("backup")
    press("alive")
    press("note", note="Pintu belakang terkunci")
    press("finished")
    assert buttons() == ["arrived"]
    assert scene.said() == [
        *("declined", "accepted", "withdrew", "accepted", "arrived"),
        *("backup", "alive", "finished"),
    ]
    assert "Pintu belakang terkunci" in scene.phone.get(scene.budi).text


def test_who_was_thanked_or_has_finished_is_asked_when_he_is_called_again(scene: ScenePage) -> None:
    def told(number: int, kind: ContactKind, wave: int) -> None:
        contact = Contact(number, kind, Why.OPENED, wave)
        message = made(1, contact, "responder:budi", ContactWay.NTFY, 0, None, scene.clock.now_ms())
        with scene.store.transaction() as transaction:
            transaction.add_notifications([message])

    thanks = "you need not come"
    told(1, ContactKind.NOT_NEEDED, 1)
    assert thanks in scene.phone.get(scene.budi).text
    told(2, ContactKind.CALL, 2)
    assert thanks not in scene.phone.get(scene.budi).text, "the later of the two holds"
    for step in ("arrived", "finished"):
        scene.clock.at_ms += 60_000
        scene.phone.post(f"{scene.budi}/{step}", headers=BROWSER)
    page = scene.phone.get(scene.budi).text
    assert "Can you come?" not in page and "You have finished" in page
    scene.clock.at_ms += 60_000
    told(3, ContactKind.NOT_NEEDED, 2)
    told(4, ContactKind.CALL, 3)
    page = scene.phone.get(scene.budi).text
    assert "Can you come?" in page and 'value="10"' in page and "You have finished" not in page
    assert re.findall(rf'action="{scene.budi}/([a-z]+)"', page) == ["accept", "accept", "arrived"], "he has been there"
    scene.phone.post(f"{scene.budi}/accept", data={"minutes": "10"}, headers=BROWSER)
    assert "You are coming: 10 min" in scene.phone.get(scene.budi).text


def test_another_browser_is_let_on_and_the_first_one_shows_no_name_any_more(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    other = scene.browser()
    assert "in another browser" in other.get(scene.budi).text
    other.post(f"{scene.budi}/enter", headers=BROWSER)
    assert shown(other.get(scene.budi).text) == list(WHO)
    assert shown(scene.phone.get(scene.budi).text) == []
    kinds = [each.kind for each in scene.store.journal_of_incident(1)]
    assert kinds.count(journal.LINK_TAKEN_OVER) == 1


def test_a_button_under_a_message_answers_without_taking_the_link_over(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    app = scene.browser()
    answer = app.post(f"{scene.budi}/arrived")
    assert (answer.status_code, answer.text) == (200, "Noted. Thank you.")
    assert "set-cookie" not in answer.headers
    assert scene.said() == ["accepted", "arrived"]
    assert shown(scene.phone.get(scene.budi).text) == list(WHO), "the link is still this browser's"


@pytest.mark.parametrize("whence", [{"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}])
def test_another_site_s_form_is_refused(scene: ScenePage, whence: dict[str, str]) -> None:
    assert scene.phone.post(f"{scene.budi}/accept", headers=whence).status_code == 403
    assert scene.said() == []


def test_the_cookie_is_for_this_path_and_no_script_and_only_for_https_where_there_is(tmp_path: Path) -> None:
    scene = ScenePage(tmp_path, secure=True)
    cookie = scene.phone.post(f"{scene.budi}/accept", headers=BROWSER).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "Path=/r/", "SameSite=lax", "Secure"):
        assert part in cookie
    assert scene.budi.rpartition("/")[2] not in cookie
    scene.store.close()


def test_every_answer_keeps_itself_out_of_caches_frames_and_search(scene: ScenePage) -> None:
    for path in (scene.budi, f"{scene.budi}/live", "/r/nowhere", "/", "/static/page.js", "/robots.txt"):
        headers = scene.phone.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
        assert headers["x-frame-options"] == "DENY"
    assert scene.phone.get("/", headers={"host": "elsewhere.example"}).status_code == 421


def test_duress_forbids_the_telephone(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    assert "tel:+620000000001" in scene.phone.get(scene.budi).text
    scene.change(duress=True)
    page = scene.phone.get(scene.budi).text
    assert "UNDER DURESS" in page and "tel:" not in page and "+620000000001" not in page


def test_a_site_may_show_nobody(tmp_path: Path) -> None:
    scene = ScenePage(tmp_path, show_holder=False)
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    page = scene.phone.get(scene.budi).text
    assert shown(page) == []
    assert "Ask the desk who it is." in page
    scene.store.close()


def test_an_exercise_says_so_before_anybody_sets_out(scene: ScenePage) -> None:
    assert "EXERCISE" not in scene.phone.get(scene.budi).text
    with scene.store.engine.transaction() as session:
        session.run("UPDATE incident SET mode = ?", (Mode.EXERCISE.value,))
    assert "EXERCISE" in scene.phone.get(scene.budi).text


def test_without_a_position_it_says_so(scene: ScenePage) -> None:
    scene.change(position=None)
    assert "The position is not known yet" in scene.phone.get(scene.budi).text


def test_each_reads_in_his_own_language(scene: ScenePage) -> None:
    assert '<html lang="en">' in scene.phone.get(scene.budi).text
    page = scene.phone.get(scene.wati).text
    assert '<html lang="id">' in page and "Ditekan" in page and "WIB" in page


def test_when_it_is_closed_the_page_says_that_it_is_over_and_shows_nobody(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    scene.desk.close(1, "Siti", "verified", "aman")
    page = scene.phone.get(scene.budi)
    assert page.status_code == 200 and "This call is closed" in page.text
    assert shown(page.text) == [] and "<form" not in page.text
    assert scene.phone.post(f"{scene.budi}/arrived", headers=BROWSER).status_code == 303
    assert scene.said() == ["accepted"]
    scene.clock.at_ms += 3_700_000
    assert scene.phone.get(scene.budi).status_code == 404


def test_the_changing_part_is_sent_only_when_it_has_changed(scene: ScenePage) -> None:
    page = scene.phone.get(scene.budi).text
    (tag,) = re.findall("data-tag='(.*)'", html.unescape(page))
    same = scene.phone.get(f"{scene.budi}/live", headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    scene.clock.at_ms += 1_000
    scene.change(position=None)
    new = scene.phone.get(f"{scene.budi}/live", headers={"if-none-match": tag})
    assert new.status_code == 200 and "not known yet" in new.text and "<html" not in new.text


def test_all_of_it_is_small(scene: ScenePage) -> None:
    scene.phone.post(f"{scene.budi}/accept", data={"minutes": "10"}, headers=BROWSER)
    parts = [scene.phone.get(path).content for path in (scene.budi, "/static/page.css", "/static/page.js")]
    assert sum(map(len, parts)) < 30_000
    assert sum(len(gzip.compress(part)) for part in parts) < 10_000


def test_the_link_stands_in_no_line_of_the_log(
    scene: ScenePage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    caplog.set_level(logging.DEBUG)
    token = scene.budi.rpartition("/")[2]
    scene.phone.get(scene.budi)
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    monkeypatch.setattr(page_app, "view", broken)
    assert scene.phone.get(scene.budi).status_code == 500
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any("ZeroDivisionError" in (record.exc_text or "") or record.exc_info for record in ours), "it was logged"
    assert [record.getMessage() for record in ours if token in record.getMessage()] == []
    assert token not in "".join(logging.Formatter().format(record) for record in ours)


def test_who_guesses_is_slowed_and_a_neighbour_with_a_link_still_gets_on(
    scene: ScenePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(page_app.asyncio, "sleep", sleep)
    for number in range(GUESSES):
        assert scene.phone.get(f"/r/{number:022d}").status_code == 404
    assert waited == []
    assert scene.phone.get(scene.budi).status_code == 200
    assert scene.phone.get(f"/r/{'x' * 22}").status_code == 404
    assert waited == [1.0, 1.0]
    assert scene.page.counts.nowhere == GUESSES + 1


def test_whoever_hammers_a_link_is_stopped_for_a_minute(scene: ScenePage) -> None:
    for number in range(STEPS):
        assert scene.phone.post(f"{scene.budi}/note", data={"note": f"n{number}"}, headers=BROWSER).status_code == 303
    stopped = scene.phone.post(f"{scene.budi}/note", data={"note": "one more"}, headers=BROWSER)
    assert stopped.status_code == 429 and "too often" in stopped.text
    assert scene.phone.post(f"{scene.wati}/accept", headers=BROWSER).status_code == 303, "another's is another's"


@pytest.mark.parametrize(
    "step, typed, status, told",
    [
        ("accept", {"minutes": "900"}, 409, "give 0 to 254 minutes"),
        ("note", {"note": " "}, 409, "1 to 2000 characters"),
        ("acknowledge", {}, 404, "Tautan ini tidak berlaku"),
    ],
)
def test_what_cannot_be_is_told(scene: ScenePage, step: str, typed: dict[str, str], status: int, told: str) -> None:
    answer = scene.phone.post(f"{scene.budi}/{step}", data=typed, headers=BROWSER)
    assert (answer.status_code, told in html.unescape(answer.text)) == (status, True), answer.text


def test_a_gateway_that_does_not_answer_is_said_and_sending_again_does_no_harm(
    scene: ScenePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> StepResult:
        raise StoreFailing("front.silent", seconds=8)

    monkeypatch.setattr(scene.steps, "say", silent)
    answer = scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    assert answer.status_code == 503 and "Nobody knows whether your answer arrived" in answer.text
    monkeypatch.setattr(scene.page, "_open", silent)
    assert scene.phone.get(scene.budi).status_code == 503


def test_what_people_typed_is_shown_as_text(scene: ScenePage) -> None:
    nasty = '<script>alert("x")</script>\u202e'
    scene.change(owner=Owner(1, nasty, NIK, "+620000000001", nasty), device_label=nasty, note=nasty, unit=nasty)
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    page = scene.phone.get(scene.budi).text
    assert "<script>alert" not in page and "\u202e" not in page


def test_guessers_who_wait_leave_room_for_who_has_a_link(scene: ScenePage) -> None:
    async def crowd() -> tuple[int, bool]:
        tasks = [asyncio.create_task(scene.page._slow_down()) for _ in range(400)]
        await asyncio.sleep(0)
        waiting = sum(not task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        again = asyncio.create_task(scene.page._slow_down())
        await asyncio.sleep(0)
        waits = not again.done()
        again.cancel()
        return waiting, waits

    assert asyncio.run(crowd()) == (40, True)


def test_a_page_shown_in_a_browser_is_kept_once_and_a_preview_is_none(scene: ScenePage) -> None:
    scene.phone.get(scene.budi)
    scene.phone.get(scene.budi, headers={"user-agent": "TelegramBot (like TwitterBot)"})
    assert scene.opened == [] and scene.store.links_opened(1) == {}
    scene.phone.get(scene.budi, headers={"sec-fetch-dest": "document"})
    for _ in range(3):
        scene.phone.get(f"{scene.budi}/live")
    assert scene.opened == [scene.budi.rpartition("/")[2]]
    assert scene.store.links_opened(1) == {"budi": NOW_MS}
    scene.phone.get(f"{scene.wati}/live")
    assert scene.store.links_opened(1) == {"budi": NOW_MS, "wati": NOW_MS}, "without the header a script tells it"
    assert scene.store.responses_of(1) == [] and scene.said() == [], "it is no answer"


def test_an_exercise_says_so_and_whoever_sees_that_it_is_real_says_so(scene: ScenePage) -> None:
    scene.change(mode=Mode.EXERCISE, drill=3)
    page = scene.phone.get(scene.budi).text
    assert "EXERCISE" in page and f'action="{scene.budi}/accept?exercise=1"' in page
    assert f'action="{scene.budi}/real"' in page
    scene.phone.post(scene.budi + "/accept?exercise=1", data={"minutes": "5"}, headers=BROWSER)
    assert scene.incident.answered is Answered.COMING
    assert scene.phone.post(scene.budi + "/real", headers=BROWSER).status_code == 303
    assert (scene.incident.mode, scene.incident.answered) == (Mode.ACTUAL, Answered.WITHDRAWN)
    page = scene.phone.get(scene.budi).text
    assert "THIS IS REAL" in page and "/real" not in page and "EXERCISE" not in page


def test_an_answer_to_the_exercise_is_refused_once_it_is_real(scene: ScenePage) -> None:
    scene.change(mode=Mode.EXERCISE, drill=3)
    scene.steps.make_real(scene.wati.rpartition("/")[2], "")
    answer = scene.phone.post(scene.budi + "/accept?exercise=1")
    assert answer.status_code == 409 and "THIS IS REAL" in answer.text
    assert scene.incident.answered is None
    assert scene.phone.post(scene.budi + "/accept").status_code == 200
    assert scene.incident.answered is Answered.COMING


def test_an_answer_to_the_exercise_is_refused_where_it_becomes_real_meanwhile(
    scene: ScenePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.change(mode=Mode.EXERCISE, drill=3)
    say = scene.steps.say

    def after_another(*told: Any) -> StepResult:
        scene.steps.make_real(scene.wati.rpartition("/")[2], "")
        return say(*told)

    monkeypatch.setattr(scene.steps, "say", after_another)
    answer = scene.phone.post(scene.budi + "/accept?exercise=1")
    assert answer.status_code == 409 and "THIS IS REAL" in answer.text
    assert scene.incident.answered is None and scene.said() == []
