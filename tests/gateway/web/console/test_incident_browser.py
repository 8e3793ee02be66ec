"""One incident in a real browser: what people did stands out, notes are seen by all, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable

from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ServedConsole
from gateway.web.console_operator import Seat

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = {"latitude": -53835400, "longitude": 1052596000}


def deliver(console: ServedConsole, times: int) -> None:
    for _ in range(times):
        console.append({"do": "note", "kind": "delivered", "incident": 1, "actor": "cad", "change": "position"})
        console.append({"do": "move", "incident": 1, **KEDATON, "accuracy_m": 12, "fix_age_s": 1})


def test_two_write_notes_and_neither_a_refresh_nor_another_call_takes_what_is_being_typed(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina, budi = operator(console), operator(console)
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    for each in (rina, budi):
        each.start_duty()
        each.page.wait_for_selector("#running-note")
    rina.page.fill("#running-note", "dua orang di teras")
    budi.page.fill("#running-note", "pintu belakang terbuka")
    budi.page.click("[data-step=running-note]")
    rina.see("#detail .running", "pintu belakang terbuka")
    assert rina.page.input_value("#running-note") == "dua orang di teras"
    budi.until("document.querySelector('#running-note').value === ''")

    console.append({"do": "press", "incident": 2, "person": 1})
    rina.card(2).click()
    rina.page.wait_for_selector('#detail article[data-id="2"]')
    assert rina.page.input_value("#running-note") == ""
    rina.card(1).click()
    rina.page.wait_for_selector('#detail article[data-id="1"]')
    assert rina.page.input_value("#running-note") == "dua orang di teras"
    rina.page.click("[data-step=running-note]")
    budi.see("#detail .running", "dua orang di teras")
    assert budi.page.locator("#detail .running li").count() == 2
    budi.see("#detail .timeline .person", "Catatan ditambahkan")


def test_who_else_has_a_call_open_is_seen_and_an_acknowledgement_by_mistake_is_taken_back(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina, budi = operator(console), operator(console)
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    console.append({"do": "press", "incident": 2, "person": 1})
    rina.start_duty()
    budi.page.goto(console.url)
    budi.page.fill("#name", "Budi Contoh")
    budi.page.keyboard.press("Enter")
    budi.page.click("#duty-start")
    for each in (rina, budi):
        each.card(1).click()
        each.page.wait_for_selector('#detail article[data-id="1"]')
    rina.see("#detail .at-desk", "Budi Contoh")
    rina.see("#incident-1 .at-desk", "Budi Contoh")
    budi.see("#detail .at-desk", OPERATOR)
    rina.page.keyboard.press("F4")
    rina.page.wait_for_selector("#detail [data-keep=undo]")
    rina.see("#detail .at-desk", "Budi Contoh")
    budi.page.wait_for_selector("#group-active #incident-1")
    assert budi.page.locator("#detail [data-keep=undo]").count() == 0, "it is not his"
    rina.page.click("#detail [data-keep=undo] summary")
    rina.page.click("#detail [data-step=undo]")
    for each in (rina, budi):
        each.page.wait_for_selector("#group-unseen #incident-1")
        each.page.wait_for_selector("#detail [data-step=seen]")
    budi.card(2).click()
    rina.see("#incident-2 .at-desk", "Budi Contoh")
    rina.page.wait_for_selector("#detail .at-desk", state="hidden")
    budi.page.goto("about:blank")
    rina.page.wait_for_selector("#incident-2 .at-desk", state="hidden")


def test_rows_of_machines_are_folded_and_a_quiet_call_s_number_stands_behind_a_second_step(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    page = rina.page
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    deliver(console, 19)
    rina.start_duty()
    page.wait_for_selector("#detail [data-step=seen]")
    page.keyboard.press("F4")
    rina.see("#detail .timeline .person", "Dilihat operator")
    shown = page.locator("#detail .timeline li:visible")
    assert shown.count() == 2 and page.locator("#detail .timeline li").count() == 40
    rina.see("#detail .folded summary", "19 kiriman")
    rina.see("#detail .folded summary", "19 posisi")
    page.click("#detail .folded summary")
    assert shown.count() == 40
    deliver(console, 1)
    rina.see("#detail .folded summary", "20 posisi")
    assert shown.count() == 42, "what was unfolded stays so"

    assert page.locator("#detail a[href^='tel:']:visible").count() == 1
    console.append({"do": "duress", "incident": 1})
    page.wait_for_selector("#detail .advice .duress")
    assert page.locator("#detail .advice li").count() == 1
    assert page.locator("#detail a[href^='tel:']:visible").count() == 0
    page.click("#detail [data-keep=phone] summary")
    assert page.locator("#detail a[href^='tel:']:visible").count() == 1


def test_several_units_are_sent_each_arrives_or_is_stood_down_and_drafts_stay(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina = operator(console)
    page = rina.page
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    rina.start_duty()
    page.wait_for_selector("#detail [data-step=seen]")
    page.keyboard.press("F4")
    page.fill("#unit", "Raimas 1")
    page.fill("#eta", "9")
    page.keyboard.press("Enter")
    page.click("#detail [data-keep=beside] summary")
    page.fill("#unit-beside", "Raimas 2")
    page.fill("#eta-beside", "4")
    page.keyboard.press("Enter")
    rina.see("#detail .units", "Raimas 2")
    rina.see("#incident-1 .unit", "Raimas 2 +1")
    page.fill("#unit-beside", "Raimas 3")
    console.append({"do": "again", "incident": 1})
    rina.see("#detail .timeline", "Ditekan lagi")
    assert page.input_value("#unit-beside") == "Raimas 3"
    page.click("#detail [data-step=on-scene-2]")
    rina.see("#detail .units .there", "Raimas 2")
    rina.see("#detail .head .state", "DI LOKASI")
    page.click("#detail [data-step=stand-down-1]")
    rina.see("#detail .timeline .person", "Unit ditarik")
    assert page.locator("#detail .units li").count() == 1

    page.check("#detail input[value=unfounded]")
    page.click("#detail [data-step=close]")
    page.wait_for_selector("#group-closed #incident-1", state="attached")
    page.click("#detail [data-keep=reopen] summary")
    page.fill("#reopen-reason", "salah kejadian")
    page.click("#detail [data-step=reopen]")
    page.wait_for_selector("#group-active #incident-1")
    rina.see("#detail .timeline .person", "DIBUKA LAGI")
    assert page.is_visible("#unit") and page.locator("#detail .units").count() == 0


def test_what_one_operator_ticks_of_the_protocol_the_other_sees_at_once(
    served: Callable[..., ServedConsole], operator: Seat
) -> None:
    console = served(tick_s=0.3)
    rina, budi = operator(console), operator(console)
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    for each in (rina, budi):
        each.start_duty()
        each.page.wait_for_selector("#detail [data-step=protocol-0]")
    rina.page.fill("#running-note", "dua orang di teras")
    rina.page.focus("#detail [data-step=protocol-1]")
    rina.page.keyboard.press("Space")
    budi.page.wait_for_selector("#detail [data-step=protocol-1][aria-checked=true] small")
    budi.see("#detail .timeline .person", "Langkah protokol selesai")
    rina.page.wait_for_selector("#detail [data-step=protocol-1][aria-checked=true]")
    assert rina.page.evaluate("document.activeElement.dataset.step") == "protocol-1"
    assert rina.page.input_value("#running-note") == "dua orang di teras"
    budi.page.click("#detail [data-step=protocol-1]")
    rina.page.wait_for_selector("#detail [data-step=protocol-1][aria-checked=false]")
