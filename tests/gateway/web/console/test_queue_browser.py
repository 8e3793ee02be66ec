"""The queue in a real browser: its order, what is unread, what is looked for, keys, flash and notices."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.fake_people import PEOPLE

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
METRO = {"latitude": -51100000, "longitude": 1053000000}
Start = Callable[..., ServedConsole]
NOTICES = """
window.notices = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { this.permission = "granted"; return "granted"; }
  constructor(title, given) { window.notices.push([title, given.body, given.tag]); }
  close() {}
};
document.hasFocus = () => false; // the console lies under another window
"""
ORDER = "[...document.querySelectorAll('#group-{0} .card-place')].map(card => Number(card.dataset.id))"


def test_the_queue_is_in_order_of_urgency_and_shows_what_is_new_and_what_is_looked_for(
    served: Start, operator: Seat
) -> None:
    console = served(tick_s=0.3)
    console.append(
        {"do": "judge", "incident": 3, "level": 4},
        {"do": "judge", "incident": 4, "level": 1},
        *({"do": "press", "incident": number, "person": number - 1, **KEDATON} for number in (1, 2, 3, 4)),
        {"do": "press", "incident": 5, "person": 4, **METRO},
        {"do": "press", "incident": 6, "person": 5, **METRO},
        {"do": "seen", "incident": 5, "actor": "Budi"},
        {"do": "seen", "incident": 6, "actor": OPERATOR},
    )
    rina = operator(console)
    page = rina.page
    page.add_init_script(NOTICES)
    rina.start_duty()
    assert page.evaluate(ORDER.format("unseen")) == [3, 1, 2, 4], (
        "by level; one that was not judged is a call as others"
    )
    rina.see("#incident-3 .level", "tingkat 4")

    def unread() -> list[int]:
        found: list[int] = page.evaluate(
            "[...document.querySelectorAll('.unread:not([hidden])')]"
            ".map(sign => Number(sign.closest('.card-place').dataset.id)).sort()"
        )
        return found

    rina.until("document.querySelectorAll('.unread:not([hidden])').length === 5")
    assert unread() == [1, 2, 4, 5, 6], "the first is open"
    rina.card(5).click()
    rina.until("document.querySelector('#incident-5 .unread').hidden")
    page.reload()
    page.wait_for_selector('#link[data-state="up"]')
    rina.until("document.querySelectorAll('.unread:not([hidden])').length === 4")
    assert unread() == [1, 2, 4, 6], "what was read stays so when the page is loaded again"
    rina.card(6).click()
    rina.until("document.querySelector('#incident-6 .unread').hidden")
    console.append({"do": "again", "incident": 5})
    rina.until("!document.querySelector('#incident-5 .unread').hidden")

    # Letters find; none of them takes a step.
    page.locator("#incident-6 .card").focus()
    page.keyboard.press("m")
    rina.see("#filtered:visible", "1 kartu tersembunyi")
    assert rina.card(6).is_visible() and not rina.card(5).is_visible()
    assert page.locator("#group-unseen .card-place:visible").count() == 4, "what is new is never hidden"
    console.append({"do": "press", "incident": 7, "person": 6, **KEDATON})
    rina.card(7).wait_for()
    again = {"phase": "calling", "wave": 2, "why": "unassigned", "rung": "stations", "reached_s": 0, "top_call": 5}
    console.append({"do": "climb", "incident": 5, **again, "started_ms": 0, "climb_at_ms": 600_000})
    rina.card(5).wait_for()  # what rings again neither
    page.click("#unfilter")
    assert page.is_hidden("#filtered")
    page.keyboard.press("/")
    page.keyboard.type("jk metro")  # typed, not obeyed
    assert page.input_value("#filter-words") == "jk metro"
    rina.see("#filtered:visible", "1 kartu tersembunyi")
    page.fill("#filter-words", PEOPLE[5][0].split()[0].upper())
    rina.see("#filtered:visible", "0 kartu tersembunyi")
    page.click("#unfilter")

    page.keyboard.press("F2")
    rina.see("#detail h2", PEOPLE[2][0])
    page.keyboard.press("j")
    rina.see("#detail h2", PEOPLE[0][0])
    page.keyboard.press("k")
    rina.see("#detail h2", PEOPLE[2][0])
    page.locator("details.filter").evaluate("fold => { fold.open = true; }")
    page.uncheck("#letters")
    page.keyboard.press("j")
    page.keyboard.press("F2")  # function keys hold; the letter did nothing
    rina.see("#detail h2", PEOPLE[0][0])
    page.reload()
    page.wait_for_selector('#link[data-state="up"]')
    assert not page.is_checked("#letters"), "kept in this browser"
    page.locator("details.filter").evaluate("fold => { fold.open = true; }")
    page.check("#letters")

    # What is seen in passing: a frame while anything rings, a flash when a call comes, a notice that names nobody.
    assert page.is_visible("#flash") and page.evaluate("getComputedStyle(flash).animationName") == "none"
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate("window.notices = []; Notification.permission = 'granted'")
    console.append({"do": "press", "incident": 8, "person": 7, **KEDATON})
    rina.until("document.querySelector('#flash.flashing') && window.notices.length > 0")
    moving = page.evaluate(
        "(() => { const s = getComputedStyle(flash); return [s.animationName, parseFloat(s.animationDuration)] })()"
    )
    assert moving[0] == "flash" and moving[1] >= 0.5, "at most twice a second"
    said = str(page.evaluate("window.notices"))
    assert "berdering di konsol Siaga" in said
    assert not any(part in said for person in PEOPLE for part in person[0].split() if len(part) > 3)
    for number in (1, 2, 3, 4, 7, 8):
        console.append({"do": "close", "incident": number, "actor": "Budi", "disposition": "verified", "note": ""})
    console.append({"do": "close", "incident": 5, "actor": "Budi", "disposition": "verified", "note": ""})
    page.wait_for_selector("#flash", state="hidden")
