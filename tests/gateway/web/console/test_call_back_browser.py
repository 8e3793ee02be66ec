"""The holder is rung back, in a real browser: Enter compares the word, and what to say now stands there."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.fake_steps import DURESS_WORD

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}


def test_the_word_that_was_heard_is_compared_and_the_page_says_what_to_say(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    page.wait_for_selector("#detail [data-step=seen]")
    page.keyboard.press("F4")
    page.wait_for_selector("#group-active #incident-1")
    page.click("summary:has-text('Telepon balik')")
    page.click("button[data-step=unanswered]")
    rina.see("#detail .call-back", "tidak ada yang menjawab")
    page.fill("#word", DURESS_WORD)
    page.press("#word", "Enter")
    rina.see("#detail .call-back.duress", "Terima kasih, semuanya aman")
    rina.see("#incident-1", "DI BAWAH PAKSAAN")
