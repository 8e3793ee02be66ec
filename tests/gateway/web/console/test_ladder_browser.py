"""The call for help in a real browser: what an operator sees and hears while it climbs."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.fake_people import PEOPLE

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
Start = Callable[..., ServedConsole]
LISTEN = """
    window.tones = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      window.tones.push(`${this.type} ${Math.round(this.frequency.value)}`);
      return start.apply(this, when);
    };
"""


def test_the_console_rings_differently_with_each_rung_and_again_with_the_next_wave(
    served: Start, operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    rina.page.add_init_script(LISTEN)
    rina.start_duty()
    page = rina.page

    def heard(tone: str) -> None:
        """A tone that was not there before."""
        rina.until(f"window.tones.includes('{tone}')")
        page.evaluate("window.tones = []")

    console.append(
        {"do": "press", "incident": 1, "person": 0, **KEDATON},
        {"do": "climb", "incident": 1, "rung": "stations", "reached_s": 0, "climb_at_ms": 600_000},
    )
    heard("square 880")
    rina.see("#incident-1 .ladder", "Panggilan berikut 9 mnt lagi")
    rina.see("#detail .ladder-head", "kantor, meja jaga, dan petugas")
    # Nothing of this is an entry of the journal.
    console.append({"do": "climb", "incident": 1, "rung": "chief", "reached_s": 10})
    heard("square 988")
    rina.see("#announce", f"{PEOPLE[0][0]}: memanggil pimpinan")
    rina.see("#detail .ladder-head", "pimpinan")
    console.append({"do": "climb", "incident": 1, "rung": "everyone", "reached_s": 40, "top_call": 0})
    heard("square 1568")
    rina.see("#incident-1 .nobody", "TIDAK ADA YANG TERJANGKAU")
    page.keyboard.press("F4")
    page.wait_for_selector("#group-active #incident-1")
    rina.until("document.querySelector('#incident-1 .ladder').dataset.ring === ''")
    console.append({"do": "climb", "incident": 1, "phase": "acknowledged", "climb_at_ms": None, "assign_by_ms": 60_000})
    rina.see("#incident-1 .ladder", "Sudah dilihat meja jaga")
    page.evaluate("window.tones = []")
    console.append({"do": "note", "incident": 1, "kind": "desk_rung", "why": "scene_silent", "who": "responder:budi"})
    rina.see("#detail .timeline", "Aipda Budi Contoh")
    rina.until("window.tones.length === 4")
    assert page.evaluate("window.tones") == ["sawtooth 523", "sawtooth 698"] * 2, "once, and nothing rings of itself"
    assert page.is_hidden("#banner-again")

    again = {"phase": "calling", "wave": 2, "why": "unassigned", "rung": "stations", "reached_s": 0, "top_call": 5}
    console.append({"do": "climb", "incident": 1, **again, "started_ms": 60_000, "climb_at_ms": 70_000})
    heard("sawtooth 587")
    rina.see("#banner-again:visible", f"BERDERING LAGI: {PEOPLE[0][0]}: belum ada yang ditugaskan")
    assert "BERDERING LAGI" in page.title()
    console.append({"do": "press", "incident": 2, "person": 1})
    heard("square 880")
    rina.card(2).wait_for()  # it sounds before it is shown
    page.keyboard.press("F2")
    page.keyboard.press("F2")  # a new one first, then what rings again
    rina.see("#detail h2", PEOPLE[0][0])
    page.keyboard.press("F4")
    rina.see("#detail .timeline", "Panggilan yang berdering lagi diperhatikan")
    page.wait_for_selector("#banner-again", state="hidden")
    console.append({"do": "duress", "incident": 2})
    heard("square 1568")
    console.append({"do": "trouble", "names": ["escalations"]})
    rina.see('[data-trouble="escalations"]:visible', "PANGGILAN BANTUAN MACET")
    heard("sawtooth 1760")

    loudness = page.evaluate(
        """async () => {
          const { pattern, urgency } = await import("/static/js/sounds.js");
          const kinds = ["first", "again", "held", "asked", "scene", "duress"];
          const at = (sound, level) => Math.max(...pattern(sound, level).tones.map((tone) => tone.level));
          const order = ["first", "again"].map((sound) => [0, 1, 2, 3].map((level) => at(sound, level)));
          const patterns = kinds.flatMap((sound) => [0, 1, 2, 3].map((level) => JSON.stringify(pattern(sound, level))));
          return {
            order, distinct: new Set(patterns).size,
            loudest: kinds.reduce((a, b) => (at(a, 3) >= at(b, 3) ? a : b)),
            urgent: kinds.sort((a, b) => urgency({ sound: b, level: 3 }) - urgency({ sound: a, level: 3 }))[0],
          };
        }"""
    )
    assert loudness["order"] == [sorted(set(each)) for each in loudness["order"]], (
        "each rung louder than the one before"
    )
    assert (loudness["loudest"], loudness["urgent"], loudness["distinct"]) == (
        "duress",
        "duress",
        4 + 4 + 2 + 1 + 1 + 1,
    )


def test_who_was_told_is_seen_and_dialled_on_each_screen_and_the_question_is_answered(
    served: Start, operator: Seat
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    console = served(tick_s=0.3)
    failed = {"recipient": "station:contoh-kota", "way": "ntfy", "state": "failed", "attempts": 3, "detail": "HTTP 403"}
    by_hand = {"recipient": "station:contoh-kota", "way": "phone", "state": "by_hand", "metres": 840}
    waits = {"recipient": "responder:budi", "way": "telegram", "state": "pending", "number": 2, "rung": "chief"}
    week_ago = time.time_ns() // 1_000_000 - 7 * 86_400_000
    console.append(
        {"do": "press", "incident": 1, "person": 0, **KEDATON},
        {"do": "climb", "incident": 1, "rung": "chief", "reached_s": 10, "climb_at_ms": 10_000},
        {"do": "note", "incident": 1, "kind": "called", "rung": "stations", "wave": 1, "by_hand": 1, "recipients": 1},
        {"do": "note", "incident": 1, "kind": "called", "rung": "chief", "wave": 1, "recipients": 1},
        {"do": "tell", "incident": 1, "rows": [failed, by_hand, waits]},
        {"do": "press", "incident": 2, "person": 1, "at_ms": week_ago},
        {"do": "climb", "incident": 2, "phase": "asked", "desk_at_ms": 60_000},
    )
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    assert page.eval_on_selector_all("#group-unseen .card-place", "all => all.map(one => one.dataset.id)") == ["1", "2"]
    rina.card(1).click()
    rina.see("#detail .nobody-reached", "TIDAK ADA YANG TERJANGKAU: kantor, meja jaga, dan petugas")
    assert page.get_attribute("#detail .nobody-reached a", "href") == "tel:+6281200000091"
    assert page.locator("#detail .nobody-reached .problem").count() == 1, "the chief's is still on its way"
    rina.see("#detail .told", "Telegram: menunggu")
    findings = axe.Axe().run(page).response["violations"]
    page.focus("#detail .numbers a")
    console.append(
        {"do": "tell", "incident": 1, "rows": [failed, by_hand, {**waits, "state": "handed_over", "attempts": 1}]}
    )
    rina.see("#detail .told .done", "Telegram: diserahkan")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "tel:+6281200000091", "the focus stays"

    rina.card(2).click()
    rina.see("#detail .ladder-head", "Apakah ini masih penting?")
    findings += axe.Axe().run(page).response["violations"]
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    rina.card(1).click()
    rina.see("#detail h2", PEOPLE[0][0])
    for selector in ("#detail h2", '[data-step="seen"]'):
        box = page.locator(selector).bounding_box()
        assert box is not None and 0 <= box["y"] <= 600 and box["x"] + box["width"] <= 361, (
            f"{selector} is out of sight"
        )
    findings += axe.Axe().run(page).response["violations"]
    told = {(each["id"], node["html"][:160]) for each in findings for node in each["nodes"]}
    assert told == set()
    rina.card(2).click()
    page.locator('[data-step="resume"]').press("Enter")
    rina.see("#detail .timeline", "Dipanggil lagi setelah ditanya")
