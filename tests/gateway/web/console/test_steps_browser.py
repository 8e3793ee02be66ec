"""Steps that meet another's step, or an answer that is not the gateway's: in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.fake_people import PEOPLE

if TYPE_CHECKING:
    from playwright.sync_api import Route

__all__ = ["chromium", "operator"]  # fixtures

Start = Callable[..., ServedConsole]


def test_a_draft_that_comes_back_was_written_before_what_happened_meanwhile(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1}, {"do": "seen", "incident": 1, "actor": "Budi"})
    console.append({"do": "press", "incident": 2, "person": 1})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.card(1).click()
    page.fill("#unit", "Raimas 2")
    rina.card(2).click()
    rina.see("#detail h2", PEOPLE[1][0])
    console.append({"do": "assign", "incident": 1, "actor": "Budi", "unit": "Raimas 1", "eta_minutes": 3})
    rina.see("#incident-1 .unit", "Raimas 1")
    rina.card(1).click()
    rina.see("#detail .assigned-unit", "Raimas 1")
    assert page.input_value("#unit") == "Raimas 2"
    page.press("#unit", "Enter")
    rina.see("#message", "Budi")
    rina.see("#detail .assigned-unit", "Raimas 1")
    rina.allow("409")


def _answer(status: int, route: Route) -> None:
    route.fulfill(status=status, body="<p>proxy")


def test_a_step_that_a_proxy_answers_wipes_nothing_and_the_call_goes_on_ringing(served: Start, operator: Seat) -> None:
    console = served()
    console.append({"do": "press", "incident": 1}, {"do": "seen", "incident": 1, "actor": "Budi"})
    again = {"phase": "calling", "wave": 2, "why": "unassigned", "rung": "stations", "reached_s": 0, "top_call": 5}
    console.append({"do": "climb", "incident": 1, **again, "started_ms": 60_000, "climb_at_ms": 600_000})
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    rina.card(1).click()
    page.fill("#unit", "Raimas 2")
    for status in (502, 404):
        page.route("**/incidents/1/assign*", partial(_answer, status))
        page.press("#unit", "Enter")
        rina.see("#message", str(status))
        assert page.input_value("#unit") == "Raimas 2" and "proxy" not in (page.text_content("#detail") or "")
        page.evaluate("document.getElementById('message').replaceChildren()")
    rina.until("!document.getElementById('flash').hidden")
    # Acknowledged, and the gateway takes no note of it: it rings again by itself.
    page.evaluate(
        "Promise.all(['ladder', 'queue'].map((name) => import(`/static/js/${name}.js`))).then(([ladder, queue]) => {"
        "  ladder.acknowledged(1, 99); queue.touch([1]);"
        "})"
    )
    rina.until("document.getElementById('flash').hidden")
    rina.until("!document.getElementById('flash').hidden")
    rina.allow("502", "404")
