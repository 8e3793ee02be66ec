"""Steps that meet another's step, or an answer that is not the gateway's: in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat
from gateway.web.fake_people import PEOPLE

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
