"""A person's own page: duty by a button, codes, the position of the phone, a new link; a look changes nothing."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.dispatch.listed_responders import NIGHT
from gateway.web.responder.duty_scene import DutyScene
from gateway.web.responder.scene_page import BROWSER
from siaga_gateway.domain.escalation_state import Assignment, Escalation, Phase, Progress, Why
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.ports import ResponderRefused
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.responder.quotas import ASKS, STEPS


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[DutyScene]:
    made = DutyScene(tmp_path)
    yield made
    made.store.close()


def test_a_look_changes_nothing_and_shows_neither_name_nor_address(scene: DutyScene) -> None:
    before = scene.store.journal_last(1)[-1].id
    answer = scene.phone.get(scene.me)
    assert answer.status_code == 200 and "You are off duty" in answer.text
    assert "Budi" not in answer.text and "1000000" not in answer.text and "+6281200000001" not in answer.text
    assert (
        "Telegram …001" in answer.text
        and "works (answered" in answer.text
        and "a code waits for your answer" in answer.text
    )
    assert "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store"
    assert "geolocation=(self)" in answer.headers["permissions-policy"]
    assert scene.store.journal_last(1)[-1].id == before
    assert '<html lang="id">' in scene.phone.get(scene.own("wati")).text


def test_every_button_on_it_does_what_it_says(scene: DutyScene) -> None:
    def press(said: str, **typed: str) -> str:
        page = scene.phone.get(scene.me).text
        assert f'name="said" value="{said}"' in page, page
        answer = scene.phone.post(f"{scene.me}/duty", data={"said": said, **typed}, headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (303, scene.me)
        return scene.phone.get(scene.me).text

    with scene.store.transaction() as transaction:
        transaction.change_responders()
        transaction.set_shifts("budi", [NIGHT])
    assert "You are on duty" in press("on_duty")
    assert "You are off duty" in press("off")
    page = press("available", until="22:00")
    assert "You are ready at home" in page and "until" in page and "22:00 WIB" in page
    assert scene.state() is DutyState.AVAILABLE
    assert "as my shifts say" not in press("shifts").lower()
    assert scene.state() is DutyState.OFF


def test_a_shift_that_is_always_on_has_no_day_that_is_past(scene: DutyScene) -> None:
    with scene.store.transaction() as transaction:
        transaction.change_responders()
        transaction.set_shifts("budi", [copied(NIGHT, hours=())])
    page = scene.phone.get(scene.me).text
    assert "<p>always</p>" in page and "00:00–00:00" not in page


def test_the_page_that_was_answered_on_is_found_again_without_its_link(scene: DutyScene) -> None:
    assert "NRP" in scene.phone.get("/me").text
    scene.phone.post(f"{scene.me}/duty", data={"said": "on_duty"}, headers=BROWSER)
    found = scene.phone.get("/me")
    assert (found.status_code, found.headers["location"]) == (303, scene.me)
    with scene.store.transaction() as transaction:
        transaction.remove_responders(["budi"])
    assert scene.phone.get(scene.me).status_code == 404
    assert "NRP" in scene.phone.get("/me").text, "a link that leads nowhere is forgotten"


def test_a_new_link_voids_the_old_one(scene: DutyScene) -> None:
    answer = scene.phone.post(f"{scene.me}/renew", headers=BROWSER)
    fresh = answer.headers["location"]
    assert fresh != scene.me and re.fullmatch(r"/me/[\w-]{22}", fresh)
    assert (scene.phone.get(fresh).status_code, scene.browser().get(scene.me).status_code) == (200, 404)
    installed = scene.phone.get(scene.me)
    assert (installed.status_code, installed.headers["location"]) == (303, fresh), "where the new one was made"


def test_a_code_proves_a_way_and_a_wrong_one_is_told(scene: DutyScene) -> None:
    assert "/code" not in scene.phone.get(scene.own("wati")).text
    scene.questions.ask(frozenset({ContactWay.SMS}), only="budi")
    assert "/code" in scene.phone.get(scene.me).text
    wrong = scene.phone.post(f"{scene.me}/code", data={"code": "000000"}, headers=BROWSER)
    assert wrong.status_code == 409 and "not the code" in wrong.text and f'href="{scene.me}"' in wrong.text
    assert scene.phone.post(f"{scene.me}/code", data={"code": "246810"}, headers=BROWSER).status_code == 303
    assert "a code waits for your answer" not in scene.phone.get(scene.me).text


def test_a_position_is_offered_and_taken_on_duty_only(scene: DutyScene) -> None:
    here = {"latitude": "-6.0000001", "longitude": "103.0", "accuracy": "12.7", "age": "0"}
    assert 'id="share"' not in scene.phone.get(scene.me).text
    assert scene.phone.post(f"{scene.me}/position", data=here, headers=BROWSER).text == "off_duty"
    scene.phone.post(f"{scene.me}/duty", data={"said": "on_duty"}, headers=BROWSER)
    assert 'id="share" hidden' in scene.phone.get(scene.me).text
    scene.clock.at_ms += 60_000
    assert scene.phone.post(f"{scene.me}/position", data=here, headers=BROWSER).text == "taken"
    kept = scene.store.positions_of(["budi"])["budi"]
    assert (kept.place, kept.accuracy_m) == ((-60_000_001, 1_030_000_000), 12)
    for name, value in (("latitude", "1e5"), ("longitude", ""), ("age", "now"), ("latitude", "99")):
        assert scene.phone.post(f"{scene.me}/position", data={**here, name: value}, headers=BROWSER).status_code == 409


def test_a_link_is_asked_for_and_nobody_learns_who_is_on_the_list(scene: DutyScene) -> None:
    known = scene.phone.post("/me", data={"key": " Budi "}, headers=BROWSER)
    stranger = scene.phone.post("/me", data={"key": "nobody"}, headers=BROWSER)
    assert (known.status_code, known.text) == (200, stranger.text)
    assert scene.asked == ["budi", "nobody"]
    answers = [scene.phone.post("/me", data={"key": "x"}, headers=BROWSER).status_code for _ in range(ASKS)]
    assert answers == [200] * (ASKS - 2) + [429] * 2 and len(scene.asked) == ASKS


@pytest.mark.parametrize(
    "step, typed, status, told",
    [
        ("duty", {"said": "asleep"}, 409, "one of on_duty"),
        ("duty", {"said": "available", "until": "25:00"}, 409, "no time of day"),
        ("code", {"code": "1"}, 409, "not the code"),
        ("accept", {}, 404, "Tautan ini tidak berlaku"),
    ],
)
def test_what_cannot_be_is_told(scene: DutyScene, step: str, typed: dict[str, str], status: int, told: str) -> None:
    answer = scene.phone.post(f"{scene.me}/{step}", data=typed, headers=BROWSER)
    assert (answer.status_code, told in html.unescape(answer.text)) == (status, True), answer.text


def test_who_hammers_it_is_stopped_and_who_guesses_is_counted(scene: DutyScene) -> None:
    for _ in range(STEPS):
        assert scene.phone.post(f"{scene.me}/duty", data={"said": "shifts"}, headers=BROWSER).status_code == 303
    assert scene.phone.post(f"{scene.me}/duty", data={"said": "off"}, headers=BROWSER).status_code == 429
    assert scene.phone.post(f"{scene.me}/position", headers=BROWSER).status_code == 429
    assert scene.browser().get(f"/me/{'x' * 22}").status_code == 404
    assert scene.page.counts.nowhere == 1


def test_a_gateway_that_does_not_answer_is_said(scene: DutyScene, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise StoreFailing("front.silent", seconds=8)

    monkeypatch.setattr(scene.own_page, "declare", silent)
    answer = scene.phone.post(f"{scene.me}/duty", data={"said": "off"}, headers=BROWSER)
    assert answer.status_code == 503 and "twice does no harm" in answer.text


def test_all_of_it_is_small(scene: DutyScene) -> None:
    scene.phone.post(f"{scene.me}/duty", data={"said": "on_duty"}, headers=BROWSER)
    parts = [
        scene.phone.get(path).content
        for path in (scene.me, *(f"/static/{name}" for name in ("page.css", "duty.js", "push.js")))
    ]
    assert sum(map(len, parts)) < 30_000
    assert sum(len(gzip.compress(part)) for part in parts) < 10_000


def test_it_can_be_installed_and_switches_messages_to_this_browser_on_and_off(scene: DutyScene) -> None:
    manifest = scene.phone.get("/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/me", "/", "standalone")
    assert scene.phone.get(f"{scene.me}/manifest.webmanifest").json()["start_url"] == scene.me
    assert f'href="{scene.me}/manifest.webmanifest"' in scene.phone.get(scene.me).text
    worker = scene.phone.get("/sw.js")
    assert (
        worker.headers["content-type"].startswith("text/javascript") and worker.headers["cache-control"] == "no-store"
    )
    assert "caches" not in worker.text, "nothing is kept on the phone"
    assert scene.phone.get("/static/icon.svg").status_code == 200
    page = scene.phone.get(scene.me).text
    assert 'data-key="BKEY" data-known=""' in page
    subscription = '{"endpoint": "https://push.example/1"}'
    assert scene.phone.post(f"{scene.me}/push", data={"subscription": subscription}, headers=BROWSER).status_code == 303
    name = sha256(b"https://push.example/1").hexdigest()[:16]
    assert f'data-known="{name}"' in scene.phone.get(scene.me).text
    assert "push.example" not in scene.phone.get(scene.me).text, "whoever knows an endpoint can send to it"
    scene.phone.post(f"{scene.me}/unpush", data={"endpoint": "https://push.example/1"}, headers=BROWSER)
    assert 'data-known=""' in scene.phone.get(scene.me).text


def test_who_comes_shares_his_position_from_the_call_s_page_too_and_nobody_else(scene: DutyScene) -> None:
    here = {"latitude": "-6.0", "longitude": "103.0", "accuracy": "9", "age": "0"}
    path = f"{scene.budi}/position/share"
    assert 'id="share"' not in scene.phone.get(scene.budi).text
    assert scene.phone.post(path, data=here, headers=BROWSER).status_code == 409, "he has not said that he comes"
    scene.phone.post(f"{scene.budi}/accept", headers=BROWSER)
    assert f'data-url="{path}"' in scene.phone.get(scene.budi).text
    assert 'id="share"' not in scene.browser().get(scene.budi).text, "another browser"
    comes = Assignment("responder:budi", Progress.COMING, 1, scene.clock.now_ms())
    with scene.store.transaction() as transaction:
        escalation = Escalation(1, Phase.CALLING, Why.OPENED, 0, next_at_ms=1, assignments=(comes,))
        assert transaction.put_escalation(escalation)
    assert scene.phone.post(path, data=here, headers=BROWSER).text == "taken"
    assert scene.store.positions_of(["budi"])["budi"].place == (-60_000_000, 1_030_000_000)
    stranger = scene.browser()
    for _ in range(STEPS + 1):
        refused = stranger.post(path, data={**here, "latitude": "1.0"}, headers=BROWSER)
        assert refused.status_code == 409 and "from the phone that said so" in refused.text
    token = scene.budi.removeprefix("/r/")
    with pytest.raises(ResponderRefused, match="while you come"):
        scene.own_page.share_on_call("x" * 22, token, 1, 1, 5, 0)
    assert scene.store.positions_of(["budi"])["budi"].place == (-60_000_000, 1_030_000_000)
    assert scene.phone.post(f"/r/{'x' * 22}/position/share", data=here, headers=BROWSER).status_code == 404
    assert scene.phone.post(path, data={**here, "age": "-1"}, headers=BROWSER).status_code == 409
    parts = [
        scene.phone.get(each).content for each in (scene.budi, "/static/page.css", "/static/page.js", "/static/duty.js")
    ]
    assert sum(map(len, parts)) < 30_000
