"""The locked screen in a real browser: what it shows, what rings, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console.test_sound_browser import HEAR, KEDATON
from gateway.web.console_operator import Seat
from siaga_gateway.domain.permissions import Role

__all__ = ["chromium", "operator"]  # fixtures

Start = Callable[..., ServedConsole]
HIDDEN = "getComputedStyle(document.querySelector('{}')).visibility === 'hidden'"


def test_a_locked_screen_hides_people_rings_and_loses_nothing_that_was_typed(served: Start, operator: Seat) -> None:
    console = served({"Rina": Role.ADMINISTRATOR})
    rina = operator(console)
    rina.allow("423", "403")
    page = rina.page
    page.add_init_script(HEAR)
    rina.start_duty("Rina")
    console.append({"do": "press", "incident": 1, **KEDATON})
    page.wait_for_selector("#detail article[data-id='1']")
    page.keyboard.press("F4")
    page.wait_for_selector("#incident-1[data-group=active]")
    page.fill("#running-note", "Pintu belakang")
    office = page.context.new_page()
    office.goto(f"{console.url}/account")

    page.bring_to_front()
    page.keyboard.press("F10")
    page.wait_for_selector("#lock:visible")
    office.wait_for_selector("#lock:visible")  # all windows at once
    for part in (".room", ".top"):
        assert page.evaluate(HIDDEN.format(part))
    assert office.evaluate(HIDDEN.format("main"))
    assert page.is_hidden("#lock-rings")
    assert page.evaluate("document.activeElement.id") == "unlock-password"
    rina.until("fetch('/incidents').then((answer) => answer.status === 423)")

    page.evaluate("tones = 0")
    console.append({"do": "press", "incident": 2})
    rina.see("#lock-rings:visible", "1 PANGGILAN BERDERING")
    assert "Buka kunci untuk menjawab" in page.inner_text("#lock-rings")
    rina.until("tones >= 4 && !document.getElementById('flash').hidden")
    assert page.title().startswith("(1)")
    page.keyboard.press("F2")  # no key does anything behind it
    assert not page.locator("#incident-2").count()

    page.fill("#unlock-password", "wrong")
    page.keyboard.press("Enter")
    rina.see("#lock-problem:visible", "Kata sandi salah")
    page.fill("#unlock-password", "Rina")
    page.keyboard.press("Enter")
    page.wait_for_selector("#lock", state="hidden")
    office.wait_for_selector("#lock", state="hidden")
    rina.card(2).wait_for()
    assert page.input_value("#running-note") == "Pintu belakang"
    assert page.input_value("#unlock-password") == ""

    # Loaded anew while it is locked there is nothing but the lock, and it rings.
    page.click("[data-lock]")
    page.wait_for_selector("#lock:visible")
    rina.until("fetch('/incidents').then((answer) => answer.status === 423)")
    page.goto(console.url)
    assert page.url.endswith("/locked") and not page.locator(".card").count()
    rina.see("#lock-rings:visible", "1 PANGGILAN BERDERING")
    page.click("#lock-title")  # the click that some browsers wait for
    rina.until("tones >= 4 && !document.getElementById('flash').hidden")
    assert page.is_hidden("#lock-again")
    console.append({"do": "again", "incident": 1})  # somebody knows of it already: it does not go on ringing
    page.wait_for_selector("#lock-again:visible")
    page.fill("#unlock-password", "Rina")
    page.keyboard.press("Enter")
    rina.card(2).wait_for()
    assert page.url == f"{console.url}/"


def test_a_screen_is_locked_when_nobody_is_there_but_never_while_a_call_rings(served: Start, operator: Seat) -> None:
    console = served({"Rina": Role.OPERATOR}, lock_after_min=1)
    rina = operator(console)
    rina.allow("423", "503")
    page = rina.page
    # A minute lasts as long as the script says, once somebody has begun.
    later = "window.later = 0; const now = Date.now; Date.now = () => now() + window.later;"
    page.add_init_script(later)
    office = page.context.new_page()  # it does not hear calls itself
    office.add_init_script(later)
    office.goto(f"{console.url}/account")
    page.bring_to_front()
    rina.start_duty("Rina")
    console.append({"do": "press", "incident": 1, **KEDATON})
    rina.until("!document.getElementById('flash').hidden")
    office.evaluate("later = 61_000")
    page.evaluate("later = 61_000; looked = 0; locked = setInterval(() => { looked += 1; }, 5000)")
    rina.until("looked >= 2")  # it was looked at twice meanwhile
    assert page.is_hidden("#lock") and office.is_hidden("#lock")
    office.evaluate("later = 0")
    page.evaluate("later = 0")
    page.keyboard.press("F4")
    rina.until("document.getElementById('flash').hidden")
    page.evaluate("later = 61_000")
    page.wait_for_selector("#lock:visible")

    # A gateway that fails is asked again, and not stormed.
    asked: list[str] = []
    page.route("**/ringing", lambda route: (asked.append(route.request.url), route.fulfill(status=503))[1])
    page.evaluate("looked = 0")
    rina.until("looked >= 2")
    assert 1 <= len(asked) <= 8
