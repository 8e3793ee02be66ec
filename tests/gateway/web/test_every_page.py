"""Every page on every screen, in both languages, by day and by night: nothing is cut off, out of reach, under another
thing, too small for a finger or too pale to read.

Pages are found in the applications' routes and in the folder of templates: a new one needs a row in page_rows.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.web.browser_fixtures import chromium
from gateway.web.declared_routes import declared
from gateway.web.every_page import OPERATOR, PASSWORD, UNIT, EveryPage
from gateway.web.page_controls import Route, controls, refused_to, with_a_position
from gateway.web.page_rows import OTHERS, PAGES, Row
from gateway.web.page_visitor import PHONE, SIZES, USUAL, Visitor, seated, visitor, world
from siaga_gateway.catalogue import LANGUAGES
from siaga_gateway.domain.permissions import OF_ROLE, Permission, Role
from siaga_gateway.domain.value import copied
from siaga_gateway.web.session.route_table import ROUTES

__all__ = ["chromium", "seated", "visitor", "world"]  # fixtures

WEB: Final = Path(__file__).parents[3] / "gateway" / "siaga_gateway" / "web"
BY_NAME: Final = {row.name: row for row in PAGES}


@pytest.mark.parametrize("of", list(OTHERS))
def test_every_page_has_a_row(world: EveryPage, of: str) -> None:
    app = getattr(world, of)
    # All that the application has, also what it keeps out of its description. Programs' answers: tests/gateway/web/api.
    routes = {path for way, path in declared(app.app.routes) if way == "GET" and not path.startswith("/api/v1/")}
    rows = {row.route for row in PAGES if row.of == of and row.route is not None}
    assert routes - rows - OTHERS[of].keys() == set(), "a page needs a row in PAGES, anything else one in OTHERS"
    assert rows | OTHERS[of].keys() <= routes, "a row of a page that is no more"

    with httpx.Client(base_url=app.url, headers={"Accept": "text/html", "Origin": app.url}) as browser:
        if of == "console":
            assert browser.post("/sign-in", data={"name": OPERATOR, "password": PASSWORD}).status_code == 303
        for route, path in OTHERS[of].items():
            named = path.replace("CALL", world.calls["en"]).replace("OWN", world.own["en"])
            named = named.replace("WRONG", world.lists["wrong"])
            with browser.stream("GET", named) as answer:
                assert answer.status_code == 200, route
                begins = next(answer.iter_raw(), b"").lstrip().lower()
            assert not begins.startswith((b"<!doctype", b"<html")), f"{route} is a page, and needs a row in PAGES"


# A script's button, what asks for no role, and steps for which no call or drill here is in the state. Their templates
# draw them by the macro, or under the condition, that draws others which are looked at.
NOT_SERVED: Final = {
    ("POST", "/majors/{number}/seen"),
    ("POST", "/lock"),
    ("POST", "/sign-in"),
    ("POST", "/wall"),  # the page for whoever is nobody yet
    ("POST", "/incidents/{incident_id}/acknowledge"),
    ("POST", "/incidents/{incident_id}/undo"),
    ("POST", "/incidents/{incident_id}/resume"),
    ("POST", "/presence"),
    ("POST", "/drills/{drill_id}/end"),
}


def offered(world: EveryPage, name: str) -> tuple[set[Route], str]:
    """The controls of every page that this account may read, and the queue's page."""
    found, queue = set[Route](), ""
    calls = range(1, 9)
    details = [f"/incidents/{number}" for number in calls]
    parts = ["/incidents", "/feed", *details, *(f"{each}/nearest" for each in details)]
    pages = [row.address(world, "id").split("#")[0] for row in PAGES if row.of == "console" and row.name != "sign-in"]
    with httpx.Client(base_url=world.console.url, headers={"Origin": world.console.url}) as browser:
        for _ in range(2):  # the first session is one that his own page offers to end
            assert browser.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
        for path in (*pages, *parts):
            answer = browser.get(path, headers={"Accept": "text/html"})
            assert answer.status_code in (200, 303, 403, 404, 409), (name, path, answer.status_code)
            if answer.status_code == 200:
                found |= controls(answer.text)
                queue = answer.text if path == "/" else queue
    return found, queue


def test_no_page_offers_what_its_reader_may_not(world: EveryPage) -> None:
    whose = next(each for each in world.accounts.accounts() if each.name == OPERATOR)
    everything, _ = offered(world, OPERATOR)
    for role in Role:
        name = f"Contoh {role}"
        station = "polsek-sw" if role is Role.DISPATCHER else None
        world.accounts.put_account(copied(whose, name=name, role=role, jurisdiction=station))
        found, queue = offered(world, name)
        assert refused_to(OF_ROLE[role], found) == set(), role
        steps = Permission.INCIDENTS_STEP in OF_ROLE[role]
        assert ("major-seen" in queue) is (steps and bool(queue)), role
        everything |= found
        if role is Role.AUDITOR:
            searches = {"/registry", "/map/find", "/places/try"}  # what is typed stands in no address
            own = {path for method, path in found if method == "POST"} - searches
            assert own == {"/sign-out", "/language", "/theme", "/unlock", "/account/password", "/account/sign-out"}, (
                "his own"
            )
    posts = {route for route in ROUTES if route[0] == "POST" and not route[1].startswith("/api/")}  # for programs
    assert posts - everything - NOT_SERVED == set(), "what is nowhere offered here is not looked at"
    # A call that was seen and has no unit rings again after a while, and is to be acknowledged again then; until then
    # who saw it may take that back.
    by_time = {("POST", f"/incidents/{{incident_id}}/{step}") for step in ("acknowledge", "undo")}
    assert NOT_SERVED & everything <= by_time, "it is offered"


def test_no_address_that_a_page_leads_to_carries_a_position(world: EveryPage) -> None:
    """It would stand in the browser's history, on the screen beside the registrar, and in a proxy's log."""
    assert with_a_position('<a href="/places?at=-6.97%2C104.03">'), "as it was"
    assert with_a_position('<form action="/places?lat=-5&amp;lon=105.26104"></form>')
    assert not with_a_position('<a href="geo:-6.97,104.03?q=-6.97,104.03"></a><a href="/maintenance?version=1.2.0">')
    with httpx.Client(base_url=world.console.url, headers={"Origin": world.console.url}) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR, "password": PASSWORD}).status_code == 303
        details = [f"/incidents/{number}{part}" for number in range(1, 9) for part in ("", "/nearest", "/calls")]
        pages = [row.address(world, "id").split("#")[0] for row in PAGES if row.of == "console"]
        texts = {path: browser.get(path, headers={"Accept": "text/html"}).text for path in (*pages, *details)}
        tried = browser.post("/places/try", data={"at": "-6.97,104.03"}).text
    assert "-6.97" in texts["/registry/owners/1"] and "-6.97" in tried, "here is one that could"
    for url in (*world.calls.values(), *world.own.values()):
        texts[url] = httpx.get(world.phones.url + url).text
    assert {path: with_a_position(text) for path, text in texts.items() if with_a_position(text)} == {}
    assert with_a_position(tried) == []


def test_every_template_of_a_page_has_a_row() -> None:
    pages = {file.name for file in (WEB / "templates").glob("*.html") if not file.name.startswith("_")}
    assert pages == {row.template for row in PAGES}


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.name)
def test_a_page_fits_every_screen_and_can_be_read(visitor: Visitor, row: Row) -> None:
    found: list[str] = []
    for language in LANGUAGES:
        visitor.resize(USUAL)
        visitor.look_at(row, language)
        assert visitor.page.locator("h1").count() == 1, "it is what it should be, and no other page"
        found += [f"{language}: {each}" for size in SIZES for each in visitor.faults(size)]
        visitor.resize(USUAL)
        for scheme in ("light", "dark"):
            found += [f"{language}: {each}" for each in (*visitor.pale(scheme), *visitor.barriers(scheme))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("number", [2, 3, 5, 6, 8])
def test_a_call_in_each_state_fits_and_can_be_read(visitor: Visitor, number: int) -> None:
    row, found = BY_NAME["console"], []
    for language in LANGUAGES:
        visitor.resize(USUAL)
        visitor.look_at(row, language)
        visitor.page.locator(f"#incident-{number} .card").evaluate("card => card.click()")
        visitor.page.wait_for_selector(f'#detail article[data-id="{number}"]')
        visitor.page.evaluate("document.querySelectorAll('#detail details').forEach(fold => { fold.open = true; })")
        found += [f"{language}: {each}" for size in (PHONE, USUAL) for each in visitor.faults(size)]
        found += [f"{language}: {each}" for scheme in ("light", "dark") for each in visitor.pale(scheme)]
    assert not found, "\n".join(found)


def test_on_a_telephone_a_call_is_found_acknowledged_and_assigned(visitor: Visitor) -> None:
    page = visitor.page
    visitor.world.book.press(40, person=3)
    visitor.resize(PHONE)
    visitor.look_at(BY_NAME["console"], "id")
    assert page.is_hidden("#who"), "the ways to other pages wait behind a button: the queue comes first"
    page.click("#incident-40 .card")
    page.wait_for_selector('#detail article[data-id="40"]')
    assert page.evaluate("document.querySelector('.detail').getBoundingClientRect().top") < PHONE[1] / 2, "it is shown"
    page.click('[data-step="seen"]')
    page.wait_for_selector("#group-active #incident-40")
    page.fill("#unit", UNIT)
    page.fill("#eta", "7")
    page.click('[data-step="assign"]')
    page.wait_for_selector("#detail .assigned-unit")
    assert visitor.world.book.incidents([40])[40].unit == UNIT
    page.click("#to-queue")
    assert page.evaluate("document.activeElement.closest('.card-place').id") == "incident-40"
    place = page.locator("#incident-40 .card").bounding_box()
    assert place is not None and 0 <= place["y"] < PHONE[1]
