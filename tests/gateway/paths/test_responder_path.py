"""From a press to the answer of whoever comes, through the real processes: a link, a look that answers nothing, a POST
that does, and the stage at the button. In Chromium on a small telephone, without scripts and by the keyboard alone."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from brokers import embedded_broker
from gateway.adapters.test_photograph_conversion import from_a_phone
from gateway.outputs.http_receiver import Receiver
from gateway.paths.responders_called import BOT, CHAT, NUMBER, PUBLIC, SECRET, Scene, taken
from gateway.ways.bot_api import TOKEN
from gateway.web.browser_fixtures import whole_chromium
from pressing_button import LAMPUNG
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.limits import LARGEST_PHOTOGRAPH
from siaga_gateway.service.dispatch.duty_links import DutyLinks
from siaga_gateway.service.journal import kinds as journal
from waiting import ENDS_S, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["whole_chromium"]

BROWSER = {"sec-fetch-site": "same-origin"}
SMALL = {"width": 360, "height": 640}
PICTURES = os.environ.get("SIAGA_PICTURES")  # a folder: what was seen is kept there


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        embedded_broker() as port,
        Receiver(taken) as server,
        Scene(tmp_path_factory.mktemp("gateway"), port, server) as running,
    ):
        running.button.wake(port)
        yield running
        running.button.sleep()
        running.store.close()


def test_from_the_press_to_the_stage_at_the_button(scene: Scene) -> None:
    incident_id = scene.new_call()
    eventually(lambda: scene.told("budi"), "who is on duty close by is told")
    message = scene.told("budi")[-1]
    link = message["click"].replace(PUBLIC, scene.url)
    assert [each["url"].rpartition("/")[2] for each in message["actions"]] == ["accept", "decline"]
    assert "Wati" not in json.dumps(message)
    looked = httpx.get(link, timeout=ENDS_S)
    assert looked.status_code == 200 and "Contoh Wati" not in looked.text
    with httpx.Client(headers=BROWSER, timeout=ENDS_S) as phone:
        assert phone.post(f"{link}/accept", data={"minutes": "6"}).status_code == 303
        eventually(lambda: scene.stage() == Stage.ASSIGNED, "the button hears that somebody comes")
        page = phone.get(link).text
        assert "Contoh Wati" in page and "+620000000001" in page and "990000" not in page
        assert not scene.store.links_opened(incident_id), "no browser has shown it yet"
        phone.get(f"{link}/live")
        eventually(lambda: list(scene.store.links_opened(incident_id)) == ["budi"], "now one has")
        assert phone.post(f"{link}/arrived").status_code == 303
        eventually(lambda: scene.stage() == Stage.ON_SCENE, "and that he is there")
    incident = scene.store.incident(incident_id)
    assert incident is not None
    assert (incident.state, incident.unit) == (IncidentState.OPEN, "budi"), "no desk has seen it"
    entries = scene.store.journal_of_incident(incident_id)
    assert [each.facts["said"] for each in entries if each.kind == journal.RESPONDER_SAID] == ["accepted", "arrived"]
    assert [each.actor for each in entries if each.kind == journal.PERSONAL_READ] == ["responder:budi"]
    eventually(
        lambda: (
            [each.who for each in (scene.store.escalation_of(incident_id) or incident).assignments]
            == ["responder:budi"]
        ),
        "the escalation has heard it too",
    )
    assert link.rpartition("/")[2] not in scene.stderr()


def test_an_answer_by_text_message_comes_from_the_person_whose_number_it_is(scene: Scene) -> None:
    before = len(scene.texts())
    incident_id = scene.new_call()
    call = eventually(lambda: scene.texts()[before:], "he is told by text message too")[0]
    found = re.search(r"Reply 1 ([0-9]{2}) = coming, 2 \1 = cannot, 3 \1 = on scene\. http", call)
    assert found and len(call) <= 306, call

    def write(text: str, number: str = NUMBER) -> int:
        proof = {"authorization": f"Bearer {SECRET}"}
        posted = {"from": number, "text": text}
        return httpx.post(str(scene.ready["sms_webhook"]), json=posted, headers=proof, timeout=ENDS_S).status_code

    assert write("rapat sampai jam 1") == 200 and write("1", "+6281200000002") == 422
    assert write(f"1 {found[1]}") == 200
    eventually(lambda: scene.stage() == Stage.ASSIGNED, "the button hears that somebody comes")
    eventually(lambda: len(scene.texts()) == before + 3, "both were answered, the stranger not")
    assert "Not understood" in scene.texts()[before + 1] and "you are coming" in scene.texts()[before + 2]
    assert write(f'"3 {found[1]}."') == 200
    eventually(lambda: scene.stage() == Stage.ON_SCENE, "and that he is there")
    said = [each for each in scene.store.journal_of_incident(incident_id) if each.kind == journal.RESPONDER_SAID]
    assert [(each.facts["said"], each.facts["way"]) for each in said] == [("accepted", "sms"), ("arrived", "sms")]
    assert NUMBER[3:] not in scene.stderr()


def test_a_tap_under_the_message_of_a_bot_is_an_answer(scene: Scene) -> None:
    before = len(BOT.said("sendMessage"))
    incident_id = scene.new_call()
    call = eventually(lambda: BOT.said("sendMessage")[before:], "he is told by the bot too")[0]
    (coming, cannot), (there,) = call["reply_markup"]["inline_keyboard"]
    assert (call["chat_id"], coming["text"], cannot["text"], there["text"]) == (
        str(CHAT),
        *("I am coming", "I cannot come", "On scene"),
    )
    BOT.tap(CHAT + 1, coming["callback_data"])
    BOT.tap(CHAT, coming["callback_data"])
    eventually(lambda: scene.stage() == Stage.ASSIGNED, "the button hears that somebody comes")
    eventually(lambda: BOT.waiting() == 0, "what was read is forgotten there")
    said = [each["text"] for each in BOT.said("answerCallbackQuery")]
    assert said[0] == "" and "you are coming" in said[1]
    entries = [each for each in scene.store.journal_of_incident(incident_id) if each.kind == journal.RESPONDER_SAID]
    assert [(each.facts["who"], each.facts["way"]) for each in entries] == [("responder:budi", "telegram")]
    assert str(CHAT) not in scene.stderr() and TOKEN not in scene.stderr()


def test_the_page_dies_and_comes_back_and_presses_go_on(scene: Scene) -> None:
    incident_id = scene.new_call()
    link = scene.link(incident_id, "patroli-1")
    eventually(scene.front, "there is one")
    first = scene.front()
    os.kill(first, signal.SIGKILL)
    assert scene.press() == incident_id, "the same incident"
    eventually(lambda: scene.front() not in (0, first), "it is started again")
    assert httpx.get(link, timeout=ENDS_S).status_code == 200, "at the same port"
    assert "presses, calls and console go on" in scene.stderr()
    assert httpx.get(scene.console, timeout=ENDS_S, follow_redirects=True).status_code == 200, (
        "the console was not in it"
    )


def test_whoever_leaves_the_list_is_cut(scene: Scene) -> None:
    link = scene.link(scene.new_call(), "patroli-1")
    assert httpx.post(f"{link}/accept", headers=BROWSER, timeout=ENDS_S).status_code == 303
    with scene.store.transaction() as transaction:
        transaction.remove_responders(["patroli-1"])
    assert httpx.get(link, timeout=ENDS_S).status_code == 404
    assert httpx.post(f"{link}/arrived", headers=BROWSER, timeout=ENDS_S).status_code == 404


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    """Whether nothing has to be moved sideways, and everything that is pressed is large enough for a finger."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('button, a.button, input')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).length"
    )
    return bool(wide <= SMALL["width"] and small == 0)


@pytest.mark.parametrize("who, language", [("budi", "en"), ("wati", "id")])
def test_a_small_telephone_without_scripts_and_by_keyboard_alone(
    scene: Scene, chromium: Callable[[bool], Browser], who: str, language: str
) -> None:
    incident_id = scene.new_call()
    words = {
        "en": ("I am coming: 10 min", "On scene", "Need back-up", "Write a note", "Send the note", "Finished"),
        "id": ("Saya datang: 10 mnt", "Di lokasi", "Butuh bantuan", "Tulis catatan", "Kirim catatan", "Selesai"),
    }[language]
    context = chromium(False).new_context(viewport=SMALL, java_script_enabled=False, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * ENDS_S)
        page.goto(scene.link(incident_id, who))
        assert fits(page)
        keep(page, f"responder-{language}-1-before")
        assert "Contoh Wati" not in page.content()

        def by_keyboard(label: str) -> None:
            button = page.get_by_role("button", name=label, exact=True).or_(
                page.get_by_role("link", name=label, exact=True)
            )
            for _ in range(40):
                page.keyboard.press("Tab")
                if button.evaluate("e => e === document.activeElement"):
                    break
            else:
                raise AssertionError(f"no way to {label} by keyboard")
            with page.expect_navigation():
                page.keyboard.press("Enter")

        by_keyboard(words[0])
        page.get_by_text("Contoh Wati").first.wait_for()
        assert fits(page)
        keep(page, f"responder-{language}-2-coming")
        by_keyboard(words[1])
        with page.expect_navigation():
            page.get_by_role("button", name=words[2]).tap()
        keep(page, f"responder-{language}-3-there")
        by_keyboard(words[3])
        assert fits(page)
        page.locator("textarea:focus").wait_for()
        page.keyboard.type("Gerbang dikunci")
        keep(page, f"responder-{language}-4-note")
        by_keyboard(words[4])
        page.get_by_text("Gerbang dikunci").wait_for()
        by_keyboard(words[5])
        who_said = [
            each.facts["said"]
            for each in scene.store.journal_of_incident(incident_id)
            if each.facts.get("who") == f"responder:{who}" and "said" in each.facts
        ]
        assert who_said == ["accepted", "arrived", "backup", "alive", "finished"]
    finally:
        context.close()


def test_with_scripts_the_page_follows_and_says_when_it_cannot(
    scene: Scene, chromium: Callable[[bool], Browser]
) -> None:
    incident_id = scene.new_call()
    context = chromium(False).new_context(viewport=SMALL)
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(scene.link(incident_id, "wati"))
        presses = scene.store.incident(incident_id)
        assert presses is not None
        scene.press()
        page.get_by_text(re.compile(rf"Ditekan {presses.presses + 1} kali")).wait_for()
        context.set_offline(True)
        page.locator("#lost").wait_for(state="visible")
        keep(page, "responder-id-5-lost")
        context.set_offline(False)
        page.goto(scene.link(incident_id, "wati"))
        page.get_by_role("button", name="Saya datang", exact=True).click()
        page.get_by_role("link", name="Kirim foto").click()
        page.wait_for_url("**/photo")  # until it is loaded, with its style
        assert fits(page)
        raw = from_a_phone()
        page.locator("#photo").set_input_files({"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": raw})
        keep(page, "responder-id-6-photo")
        page.get_by_role("button", name="Kirim fotonya").click()
        page.wait_for_url(lambda url: not url.endswith("/photo"))
        page.get_by_role("button", name="Bagikan posisi saya").wait_for()
        assert fits(page)
        keep(page, "responder-id-7-coming")
        jpeg = scene.store.picture(incident_id, 1)
        assert jpeg is not None and len(jpeg) <= LARGEST_PHOTOGRAPH and b"Exif" not in jpeg
        assert complaints == []
    finally:
        context.close()


def shown_by_push(scene: Scene, page: Page) -> None:
    """Deliver a message to the page's worker, as a push service would, and see it shown."""
    origin = scene.url
    registered: list[str] = []
    session = page.context.new_cdp_session(page)
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: registered.extend(each["registrationId"] for each in told["registrations"]),
    )
    session.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    told = {
        "title": "PANGGILAN",
        "text": "Ditekan 10:00",
        "url": f"{origin}/me",
        "urgent": True,
        "tag": "a",
        "language": "id",
        "answers": [{"label": "Saya datang", "url": "https://evil.example/accept"}],
    }
    active = "navigator.serviceWorker.ready.then((found) => found.active.state === 'activated')"
    eventually(lambda: page.evaluate(active), "it is ready")
    read = """async () => (await (await navigator.serviceWorker.ready).getNotifications())
        .map((each) => [each.title, each.body, each.data.url, each.data.answers.join()])"""

    def shown() -> object:
        message = {"origin": origin, "registrationId": registered[-1], "data": json.dumps(told)}
        session.send("ServiceWorker.deliverPushMessage", message)
        return page.evaluate(read)

    eventually(shown, "it is shown", timeout_s=ENDS_S)
    assert page.evaluate(read) == [["PANGGILAN", "Ditekan 10:00", f"{origin}/me", f"{origin}/me"]]


def test_his_own_page_is_asked_for_and_says_duty_and_place_on_a_small_telephone(
    scene: Scene, chromium: Callable[[bool], Browser]
) -> None:
    assert httpx.post(f"{scene.url}/me", data={"key": "budi"}, headers=BROWSER, timeout=ENDS_S).status_code == 200

    def links() -> list[str]:
        return [str(each["click"]) for each in scene.told("budi") if f"{PUBLIC}/me/" in str(each.get("click"))]

    eventually(links, "the link comes on the way that he has proven")
    with_scripts = chromium(False).new_context(
        viewport=SMALL,
        geolocation={"latitude": LAMPUNG[0] / 1e7, "longitude": LAMPUNG[1] / 1e7},
        permissions=["geolocation", "notifications"],
    )
    context = chromium(False).new_context(viewport=SMALL, java_script_enabled=False, has_touch=True, is_mobile=True)
    try:
        live = with_scripts.new_page()
        live.set_default_timeout(1000 * ENDS_S)
        live.goto(links()[0].replace(PUBLIC, scene.url))
        before = scene.store.positions_of(["budi"])["budi"]
        live.get_by_role("button", name="Share my position").click()
        live.get_by_text("YOUR POSITION IS BEING SHARED").wait_for()
        assert scene.store.positions_of(["budi"])["budi"].fix_ms > before.fix_ms
        assert fits(live)
        keep(live, "duty-en-3-shared")
        live.get_by_role("button", name="Stop sharing").click()
        live.locator(".sharing").wait_for(state="hidden")
        live.get_by_role("button", name="Messages on this phone").wait_for()
        assert fits(live)
        keep(live, "duty-en-4-push")
        shown_by_push(scene, live)

        page = context.new_page()
        page.set_default_timeout(1000 * ENDS_S)
        page.goto(links()[0].replace(PUBLIC, scene.url))
        assert fits(page)
        keep(page, "duty-en-1")
        page.locator("#until").fill("23:30")
        with page.expect_navigation():
            page.get_by_role("button", name="I am ready at home until then").tap()
        page.get_by_text("You are ready at home").wait_for()
        keep(page, "duty-en-2-ready")
        page.goto(f"{scene.url}/me")
        page.get_by_role("button", name="I am on duty").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.get_by_text("You are on duty").wait_for()
        page.goto(DutyLinks(scene.store, scene.url, WallClock()).make("wati"))
        assert fits(page) and page.get_by_text("Anda tidak bertugas").is_visible()
        keep(page, "duty-id-1")
        context.clear_cookies()
        page.goto(f"{scene.url}/me")
        assert fits(page)
        keep(page, "duty-id-2-ask")
    finally:
        context.close()
        with_scripts.close()
