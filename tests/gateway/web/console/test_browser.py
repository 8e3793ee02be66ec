"""The page in a real browser, before a real console in another process: what operators see, hear of and can do."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.cuttable_wire import Wire
from gateway.web.fake_people import PEOPLE
from waiting import ENDS_S

if TYPE_CHECKING:
    from playwright.sync_api import Route

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
Start = Callable[..., ServedConsole]


def test_a_press_appears_by_itself_and_is_handled_to_its_end_by_keyboard(served: Start, operator: Seat) -> None:
    console = served()
    rina = operator(console, with_map=True)
    rina.start_duty()
    page = rina.page
    rina.see("#queue-empty", "Tidak ada kejadian terbuka")
    page.evaluate("window.loadedOnce = true")

    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    rina.card(1).wait_for()
    assert "1" in page.text_content("#count-unseen")
    assert "KEJADIAN BARU" in page.title()
    rina.see("#detail h2", PEOPLE[0][0])  # nobody was working on another: it is opened at once
    rina.see("#announce", PEOPLE[0][0])
    rina.until("document.querySelectorAll('#map .pulse').length === 1")

    page.keyboard.press("F4")
    page.wait_for_selector("#group-active #incident-1")
    assert page.text_content("#count-unseen") == "0" and "KEJADIAN BARU" not in page.title()
    page.keyboard.press("F8")
    page.keyboard.type("Polsek Kedaton 02")
    page.keyboard.press("Tab")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    rina.see("#detail .assigned-unit", "Polsek Kedaton 02")
    page.locator('[data-step="on-scene"]').press("Enter")
    rina.see("#detail .state", "DI LOKASI")
    page.keyboard.press("F9")
    page.keyboard.press("Space")  # the first outcome
    page.keyboard.press("Tab")
    page.keyboard.type("Korban dibawa ke RS")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    rina.see("#detail .outcome", "Kejadian nyata")
    page.wait_for_selector("#queue-empty:visible")
    assert page.evaluate("window.loadedOnce") is True, "the page never loaded again"


def test_what_an_operator_is_typing_survives_what_happens_meanwhile(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1, **KEDATON}, {"do": "seen", "incident": 1, "actor": "Budi"})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.card(1).click()
    page.locator("#unit").press_sequentially("Polsek Ked")
    console.append(
        {"do": "move", "incident": 1, "latitude": -53900000, "longitude": 1052600000, "accuracy_m": 12, "fix_age_s": 1}
    )
    rina.see("#detail", "±12 m")
    console.append({"do": "again", "incident": 1}, {"do": "press", "incident": 2})
    rina.see("#detail", "2× ditekan")
    rina.card(2).wait_for()
    page.keyboard.type("aton 02")
    assert page.input_value("#unit") == "Polsek Kedaton 02"
    assert page.text_content("#detail h2") == PEOPLE[1][0], "a new incident does not push the open one away"
    page.keyboard.press("F9")
    page.fill("#note", "menunggu warga")
    console.append({"do": "assign", "incident": 1, "actor": "Budi", "unit": "Raimas 1", "eta_minutes": 3})
    rina.see("#detail .assigned-unit", "Raimas 1")
    assert page.input_value("#note") == "menunggu warga"
    assert page.evaluate("document.activeElement.id") == "note"


def test_two_at_one_incident_and_the_slower_one_loses_no_word_and_overwrites_nothing(
    served: Start, operator: Seat
) -> None:
    console = served()
    console.append({"do": "press", "incident": 1}, {"do": "seen", "incident": 1, "actor": "Budi"})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.card(1).click()
    page.fill("#unit", "Raimas 2")
    console.append({"do": "assign", "incident": 1, "actor": "Budi", "unit": "Raimas 1", "eta_minutes": 3})
    rina.see("#detail .assigned-unit", "Raimas 1")  # the page has it, under the operator's hands
    assert page.input_value("#unit") == "Raimas 2"
    page.press("#unit", "Enter")
    rina.see("#message", "Raimas 1")
    rina.see("#message", "Budi")
    rina.see("#detail .assigned-unit", "Raimas 1")
    page.click('[data-all-the-same="assign"]')
    rina.see("#detail .assigned-unit", "Raimas 2")
    page.wait_for_selector("#message .overtaken", state="detached")
    assert page.input_value("#unit") == "", "what was sent is no draft any more"

    page.keyboard.press("F9")
    page.fill("#note", "korban di RS")
    console.append({"do": "close", "incident": 1, "actor": "Budi", "disposition": "unfounded", "note": "kosong"})
    rina.see("#detail .outcome", "kosong")
    assert page.input_value("#note") == "korban di RS" and page.is_visible("#note")
    page.click('[data-step="note"]')
    rina.see("#detail .outcome", ": korban di RS")
    rina.see("#detail .outcome .note-text", "Rina Wulandari, ")
    rina.allow("409")


def test_a_missing_key_is_a_banner_not_an_erasure_and_names_come_back_by_themselves(
    served: Start, operator: Seat
) -> None:
    console = served(tick_s=0.3)
    console.append({"do": "press", "incident": 1, "person": 0}, {"do": "press", "incident": 2, "person": None})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.card(1).click()
    rina.see("#detail h2", PEOPLE[0][0])
    assert page.is_hidden('[data-trouble="personal_key"]')
    console.append({"do": "trouble", "names": ["personal_key"]})
    rina.see('[data-trouble="personal_key"]:visible', "NAMA DAN NOMOR TELEPON TIDAK TERBACA")
    rina.see("#detail .unreadable", "kunci data pribadi tidak ada")
    rina.see("#detail h2", PEOPLE[0][3])
    page.reload()
    rina.see('[data-trouble="personal_key"]:visible', "NAMA")
    rina.card(2).click()
    rina.see("#detail", "sudah dihapus")
    rina.card(1).click()
    rina.see("#detail .unreadable", "kunci")
    console.append({"do": "trouble", "names": []})
    page.wait_for_selector('[data-trouble="personal_key"]', state="hidden")
    rina.see("#detail h2", PEOPLE[0][0])
    rina.see("#incident-1 .title", PEOPLE[0][0])


def test_a_refused_step_is_said_above_the_buttons_and_the_form_stays(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1}, {"do": "seen", "incident": 1, "actor": "Budi"})
    rina = operator(console)
    rina.start_duty()
    rina.card(1).click()
    rina.page.fill("#unit", "Raimas 1")
    rina.page.evaluate("document.getElementById('eta').type = 'text'")
    rina.page.fill("#eta", "segera")
    rina.page.click('[data-step="assign"]')
    rina.see("#message", "dalam menit")
    assert rina.page.input_value("#unit") == "Raimas 1"
    rina.allow("422")


def test_a_frozen_gateway_turns_the_page_red_and_a_thawed_one_clears_it(served: Start, operator: Seat) -> None:
    console = served(tick_s=0.3, watchdog_s=1.5, other_url="https://sos-b.example")
    console.append({"do": "press", "incident": 1})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    assert page.is_hidden("#banner-link") and page.is_hidden("#banner-other")
    console.signal(signal.SIGSTOP)
    rina.see("#banner-link:visible", "SAMBUNGAN PUTUS sejak")
    rina.see("#banner-other:visible", "mesin satunya")
    assert page.get_attribute("#banner-other a", "href") == "https://sos-b.example"
    assert page.get_attribute("#link", "data-state") == "dead"
    assert "stale" in (page.get_attribute("body", "class") or "")
    colour = page.eval_on_selector("#banner-link", "element => getComputedStyle(element).backgroundColor")
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    assert red > 150 and green < 40 and blue < 40
    width = page.eval_on_selector("#banner-link", "element => element.getBoundingClientRect().width")
    assert width == 1366
    console.append({"do": "press", "incident": 2})
    console.signal(signal.SIGCONT)
    page.wait_for_selector("#banner-link", state="hidden")
    page.wait_for_selector("#banner-other", state="hidden")
    rina.card(2).wait_for()
    page.wait_for_selector('#link[data-state="up"]')


def test_a_link_that_dies_without_a_word_is_noticed_and_made_anew(served: Start, operator: Seat) -> None:
    console = served(tick_s=0.3, watchdog_s=1.5)
    wire = Wire(console.port)
    console.port = wire.port  # where the browser goes
    rina = operator(console)
    rina.start_duty()
    wire.go_dead()
    console.append({"do": "press", "incident": 1})
    rina.see("#banner-link:visible", "SAMBUNGAN PUTUS sejak")
    rina.card(1).wait_for()
    rina.page.wait_for_selector('#link[data-state="up"]')
    assert rina.page.is_hidden("#banner-link")
    wire.close()


def test_a_killed_gateway_is_noticed_and_what_was_missed_is_there_once(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.allow("net::ERR_")
    console.kill()
    rina.see("#link", "Menyambung")
    missed = [{"do": "press", "incident": number} for number in range(2, 32)]
    console.append(*missed, {"do": "seen", "incident": 1, "actor": "Budi"})
    console.start()
    page.wait_for_selector("#group-active #incident-1")
    rina.until("document.querySelectorAll('#group-unseen .card-place').length === 30")
    assert page.locator(".card-place").count() == 31
    assert page.text_content("#count-unseen") == "30"


def test_another_journal_behind_the_same_address_is_read_anew(served: Start, operator: Seat) -> None:
    console = served()
    console.append(*({"do": "press", "incident": number} for number in range(1, 6)))
    rina = operator(console)
    rina.start_duty()
    rina.allow("net::ERR_")
    console.kill()
    console.journal.write_bytes(b"")
    console.append({"do": "press", "incident": 1, "person": None, "label": "Tombol baru"})
    console.start()
    rina.see(".card .title", "Tombol baru")
    rina.until("document.querySelectorAll('.card-place').length === 1")


def test_a_burst_is_taken_without_freezing_and_ends_complete(served: Start, operator: Seat) -> None:
    console = served()
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/incidents?ids=" in request.url else None)
    for number in range(1, 201):  # about a hundred a second, each pressed twice
        console.append({"do": "press", "incident": number, **KEDATON})
        console.append({"do": "again", "incident": max(1, number - 5)})
        time.sleep(0.01)
    rina.until("document.querySelectorAll('#group-unseen .card-place').length === 200", timeout_s=ENDS_S)
    rina.until("[...document.querySelectorAll('#incident-195 .mark')].some(m => m.textContent.includes('2×'))")
    order = page.eval_on_selector_all(
        "#group-unseen .card-place", "cards => cards.map(card => Number(card.dataset.id))"
    )
    assert order == list(range(1, 201))
    assert len(asked) < 100, "400 rows were gathered into far fewer requests"


def test_sound_needs_a_click_and_its_absence_is_red(served: Start, operator: Seat) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    # Headless Chromium allows sound without a click; browsers in a control room do not.
    rina.page.add_init_script(
        """
        window.sounded = 0;
        const start = OscillatorNode.prototype.start;
        window.tones = [];
        OscillatorNode.prototype.start = function (...when) {
          window.sounded += 1;
          window.tones.push(this.type);
          return start.apply(this, when);
        };
        """
    )
    rina.start_duty()
    page = rina.page
    rina.until("window.sounded === 3")  # the test tones
    console.append({"do": "press", "incident": 1})
    rina.until("window.sounded >= 3 + 8")  # four beeps, and again
    page.wait_for_selector("#detail [data-step=seen]")  # it sounds before it is shown
    page.keyboard.press("F4")
    page.wait_for_selector("#group-active #incident-1")
    quiet = page.evaluate("window.sounded")
    page.wait_for_timeout(2800)
    assert page.evaluate("window.sounded") == quiet, "acknowledged: silence"
    console.append({"do": "again", "incident": 1})
    rina.until(f"window.sounded === {quiet + 4}")  # a holder who calls again is heard, once
    console.append({"do": "note", "incident": None, "kind": "counter_jump"})
    rina.until(f"window.sounded === {quiet + 4 + 3}")
    assert page.evaluate("window.tones.slice(-4)") == ["square", *["sawtooth"] * 3], "a sound of its own"
    rina.see("#feed", "NOMOR DARI MASA DEPAN")
    console.append({"do": "note", "incident": None, "kind": "rescued"})
    rina.see("#feed", "diselamatkan dari berkas yang rusak")
    page.wait_for_timeout(5200)  # warnings keep a distance
    warned = page.evaluate("window.sounded")
    console.append({"do": "trouble", "names": ["outputs_failing"]})
    rina.see('[data-trouble="outputs_failing"]:visible', "PESAN TIDAK SAMPAI")
    rina.until(f"window.sounded === {warned + 3}")
    assert page.get_attribute('[data-trouble="outputs_failing"] a', "href") == "/deliveries"
    console.append({"do": "trouble", "names": ["store"]})
    rina.see('[data-trouble="store"]:visible', "PENYIMPANAN GATEWAY BERMASALAH")
    rina.until(f"window.sounded > {quiet + 4 + 3}")  # presses are not stored: heard like a dead link

    silent = operator(console)
    silent.page.add_init_script(
        """
        AudioContext.prototype.resume = () => new Promise(() => {});
        Object.defineProperty(AudioContext.prototype, "state", { get: () => "suspended" });
        """
    )
    silent.sign_in()
    silent.page.click("#duty-start")
    silent.see("#banner-sound:visible", "SUARA MATI")
    assert silent.page.get_attribute("#sound", "data-state") == "off"


def test_a_session_that_ends_is_said_beforehand_and_aloud_when_it_is_over(served: Start, operator: Seat) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)

    def hasten(route: Route) -> None:
        """As if the operator had signed in 12 hours and 55 minutes ago."""
        answer = route.fetch()
        ends = f'"session_ends": {round(time.time() * 1000) + 5 * 60_000 + 30_000}'
        route.fulfill(response=answer, body=re.sub(r'"session_ends": \d+', ends, answer.text()))

    rina.start_duty()
    rina.page.route(re.compile(re.escape(console.url) + "/(#.*)?$"), hasten)
    rina.page.reload()
    rina.see("#banner-session:visible", "Sesi berakhir 5 mnt lagi")
    rina.page.context.clear_cookies()
    console.append({"do": "press", "incident": 1})  # the page asks for the card and is refused
    rina.see("#banner-session:visible", "SESI BERAKHIR")
    rina.allow("401")


def test_every_state_can_be_read_and_reached_on_each_screen(served: Start, operator: Seat) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    console = served()
    console.append(
        {"do": "press", "incident": 1, "person": 0, "silent": True, "delayed_s": 900, "battery": 5, **KEDATON},
        {"do": "press", "incident": 2, "person": 1, "held": True, "registration": "stolen"},
        {"do": "press", "incident": 3, "person": 2, **KEDATON},
        {"do": "duress", "incident": 3},
        {"do": "cancel", "incident": 3},
        {"do": "seen", "incident": 1, "actor": "Budi"},
        {"do": "note", "kind": "forged", "count": 2},
    )
    rina = operator(console)
    page = rina.page
    page.goto(console.url)
    findings = axe.Axe().run(page).response["violations"]
    rina.sign_in()
    findings += axe.Axe().run(page).response["violations"]
    page.click("#duty-start")
    page.evaluate("document.querySelectorAll('#queue details').forEach(fold => { fold.open = true; })")
    for number in (1, 2, 3):
        rina.card(number).click()
        rina.see("#detail h2", PEOPLE[number - 1][0])
        page.keyboard.press("F9")
        findings += axe.Axe().run(page).response["violations"]
    told = {(each["id"], node["html"][:160]) for each in findings for node in each["nodes"]}
    assert told == set()
    rina.card(2).click()
    rina.see("#detail h2", PEOPLE[1][0])
    for width, height in ((1024, 768), (1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for selector in ('[data-step="seen"]', "#link", "#clock", "#queue .card", "#detail h2"):
            box = page.locator(selector).first.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width + 1, selector
            assert box["y"] + min(box["height"], 40) <= height, f"{selector} is not on a screen of {width}x{height}"
    rina.see("#map-note", "WebGL")
