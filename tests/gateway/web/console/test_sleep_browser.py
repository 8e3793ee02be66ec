"""Two tabs of one operator, a lid that was closed, a gateway started anew, a wrong clock, a key that is gone and comes
back: nothing is missed, nothing is there twice, nothing false is shown."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ServedConsole
from gateway.web.console_operator import Operator, Seat
from gateway.web.fake_people import PEOPLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}
Start = Callable[..., ServedConsole]
HOUR_MS = 3_600_000
CLOCK_AND_EAR = """
window.real ??= Date.now.bind(Date);
window.slept = 0;
Date.now = () => window.real() + window.slept;
window.tones = 0;
const create = BaseAudioContext.prototype.createOscillator;
BaseAudioContext.prototype.createOscillator = function () { window.tones += 1; return create.call(this); };
"""
YOUNG = "/^([1-9]\\d* dtk|[1-4] mnt)$/.test(document.querySelector('#incident-{0} [data-since]').textContent)"


@contextmanager
def lid_closed(browser: Browser) -> Iterator[None]:
    """All of the browser's processes stand still, as those of a computer that sleeps."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    numbers = [int(each["id"]) for each in processes]
    assert len(numbers) >= 2 and os.getpid() not in numbers
    for number in numbers:
        os.kill(number, signal.SIGSTOP)
    try:
        yield
    finally:
        for number in reversed(numbers):
            os.kill(number, signal.SIGCONT)


def cards(one: Operator, group: str) -> list[int]:
    found: list[int] = one.page.evaluate(
        f"[...document.querySelectorAll('#group-{group} .card-place')].map(card => Number(card.dataset.id))"
    )
    return sorted(found)


def test_two_tabs_and_a_lid_that_was_closed_while_the_gateway_was_started_anew(served: Start, operator: Seat) -> None:
    console = served(tick_s=0.3)
    console.append(
        {"do": "press", "incident": 1, "person": 0, **KEDATON}, {"do": "press", "incident": 2, "person": 1, **KEDATON}
    )
    rina = operator(console)
    rina.page.context.add_init_script(CLOCK_AND_EAR)
    rina.start_duty()
    second = Operator(rina.page.context.new_page(), console)
    second.page.goto(console.url)
    second.page.click("#duty-start")
    second.page.wait_for_selector('#link[data-state="up"]')
    both = (rina, second)
    for each in both:
        each.allow("net::ERR_", "Failed to load resource")
        each.card(2).wait_for()
        each.until("tones >= 3 + 4")

    # One tab's step is the other's too, and done in both it is one step.
    for each in both:
        each.card(1).click()
        each.see("#detail h2", PEOPLE[0][0])
    for each in both:
        each.page.keyboard.press("F4")
    for each in both:
        each.page.wait_for_selector("#group-active #incident-1")
    steps = [json.loads(line) for line in console.journal.read_text(encoding="utf-8").splitlines()]
    assert [each["actor"] for each in steps if each["do"] == "seen"] == [OPERATOR]

    # An hour by the computer's clock; the gateway's is another. Much happens meanwhile, and the gateway starts anew.
    browser = rina.page.context.browser
    assert browser is not None
    for each in both:
        each.page.evaluate(f"window.slept = {HOUR_MS}; window.tones = 0")
    with lid_closed(browser):
        console.append({"do": "press", "incident": 3, "person": 2}, {"do": "again", "incident": 1})
        console.kill()
        console.append(
            *({"do": "press", "incident": number, "person": number - 1} for number in (4, 5, 6)),
            {"do": "seen", "incident": 4, "actor": "Budi"},
            {"do": "close", "incident": 5, "actor": "Budi", "disposition": "verified", "note": ""},
            {"do": "trouble", "names": ["personal_key"]},
        )
        console.start()
    for each in both:
        each.page.wait_for_selector('#link[data-state="up"]')
        each.see('[data-trouble="personal_key"]:visible', "NAMA DAN NOMOR TELEPON TIDAK TERBACA")
        each.card(6).wait_for()
        each.page.wait_for_selector("#group-active #incident-4")
        assert (cards(each, "unseen"), cards(each, "active")) == ([2, 3, 6], [1, 4]), "nothing missed, nothing twice"
        assert cards(each, "closed") == [5]
        assert each.page.text_content("#count-unseen") == "3"
        each.until(YOUNG.format(6))
        each.until(YOUNG.format(2))
        each.see("#incident-1 .mark", "2×")
        assert PEOPLE[5][0] not in (each.page.text_content("#queue") or ""), "the key is gone"
        each.until("tones > 0")
        assert each.page.is_hidden("#banner-link") and each.page.is_hidden("#banner-session")

    # While it sleeps again the key comes back, and another acknowledges all that rang.
    with lid_closed(browser):
        console.append({"do": "trouble", "names": []})
        console.append(*({"do": "seen", "incident": number, "actor": "Budi"} for number in (2, 3, 6)))
    for each in both:
        each.page.wait_for_selector("#group-active #incident-6")
        each.page.wait_for_selector('[data-trouble="personal_key"]', state="hidden")
        each.see("#incident-6 .title", PEOPLE[5][0])
        assert (cards(each, "unseen"), cards(each, "active")) == ([], [1, 2, 3, 4, 6])
        assert each.page.is_hidden("#flash") and "KEJADIAN BARU" not in each.page.title()
        assert each.page.text_content("#count-unseen") == "0"
    assert second.justified == []
