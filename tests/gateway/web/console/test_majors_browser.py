"""A major incident in a real browser: gathered under its head, and never at the cost of a new call."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Seat

__all__ = ["chromium", "operator"]  # fixtures

PLACE = {"latitude": -53835400, "longitude": 1052596000}


def test_a_major_incident_is_gathered_seen_and_assigned_and_new_calls_stay_on_top(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    rina.start_duty()
    page = rina.page

    def order(group: str) -> list[str]:
        found: list[str] = page.eval_on_selector_all(f"#{group} > li", "all => all.map(each => each.id)")
        return found

    for number in (1, 2, 3):
        console.append({"do": "press", "incident": number, "person": number, "cluster": 1, **PLACE})
    rina.see("#major-unseen-1 .major-title", "Kejadian besar 1: 3 panggilan")
    assert order("group-unseen") == ["major-unseen-1", "incident-1", "incident-2", "incident-3"]
    rina.see("#count-unseen", "3")
    rina.see("#incident-2 .mark.major", "KEJADIAN BESAR 1")
    page.focus("#major-unseen-1 .major-seen")
    page.keyboard.press("Enter")
    page.wait_for_selector("#major-active-1 #incident-3")
    assert order("group-unseen") == [] and order("group-active") == ["major-active-1"]
    rina.see("#count-active", "3")
    for number in (1, 2, 3):
        console.append({"do": "climb", "incident": number, "phase": "acknowledged"})

    console.append({"do": "press", "incident": 4, "person": 4, "cluster": 1, **PLACE})
    console.append({"do": "press", "incident": 5, "person": 5})
    page.wait_for_selector("#group-unseen #incident-5")
    rina.see("#major-active-1 .major-facts", "1 baru")
    assert order("group-unseen") == ["major-unseen-1", "incident-4", "incident-5"]
    page.click("#major-active-1 .major-fold")
    rina.until("!document.querySelector('#incident-1').checkVisibility()")
    console.append({"do": "climb", "incident": 2, "phase": "calling", "wave": 2, "why": "unassigned", "top_call": 5})
    rina.until("document.querySelector('#incident-2').checkVisibility()")
    assert page.is_visible("#incident-4"), "what rings and what is new is never folded away"
    page.click("#major-active-1 .major-fold")

    page.fill("#major-active-1 [name=unit]", "Regu contoh 7")
    console.append({"do": "press", "incident": 6, "person": 0, "cluster": 1, **PLACE})
    page.wait_for_selector("#incident-6")
    assert page.input_value("#major-active-1 [name=unit]") == "Regu contoh 7", "a new card wipes nothing"
    page.keyboard.press("Enter")
    rina.until("document.querySelectorAll('#major-active-1 .card.assigned').length === 3")
    assert page.is_hidden("#major-active-1 .major-assign")
    assert page.is_visible("#incident-6") and order("group-unseen")[-1] == "incident-6"

    page.click("#major-active-1 .major-close summary")
    rina.see("#major-active-1 .major-picked", "2 dari 5 bisa ditutup bersama")
    rina.see("#major-active-1 .picks", "belum ada yang melihatnya")
    rina.see("#major-active-1 .picks", "masih berdering")
    console.append({"do": "again", "incident": 3})
    rina.see("#major-active-1 .picks", "berubah setelah dicentang")
    rina.see("#major-active-1 .major-close form button", "Tutup 1 yang dicentang")
    page.select_option("#major-active-1 [name=disposition]", "verified")
    page.click("#major-active-1 .major-close form button")
    page.wait_for_selector("#group-closed #incident-1", state="attached")
    for number in (2, 3, 6):
        assert page.is_visible(f"#incident-{number}")
