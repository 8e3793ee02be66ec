"""A row for each HTML page of the gateway, and how it comes to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.web.every_page import UNIT, EveryPage
from gateway.web.maintenance_fleet import device_id

if TYPE_CHECKING:
    from playwright.sync_api import Page


def nothing(page: Page, world: EveryPage) -> None:
    """The page is as it is to be looked at."""


def unfolded(page: Page, world: EveryPage) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(fold => { fold.open = true; })")


def rings(page: Page, world: EveryPage) -> None:
    """With everything that can be wrong being wrong."""
    page.wait_for_selector("#lock-rings:visible")
    page.evaluate("document.querySelectorAll('.banner').forEach(banner => { banner.hidden = false; })")


def on_duty(page: Page, world: EveryPage) -> None:
    """With every fold of the queue open, and everything that can be wrong being wrong."""
    if page.is_visible("#duty[open]"):
        page.click("#duty-start")
    page.wait_for_selector('#link[data-state="up"]')
    page.wait_for_selector("#detail article")
    page.evaluate(
        "document.querySelectorAll('#queue details, #detail details').forEach(fold => { fold.open = true; });"
        "document.querySelectorAll('.banner').forEach(banner => { banner.hidden = false; })"
    )


def answered(page: Page, world: EveryPage) -> None:
    """He has said that he comes, and sees who it is; then back to where he was."""
    where = page.url
    page.goto(where.removesuffix("/note").removesuffix("/photo"))
    if page.locator("form.minutes").count() and not page.locator('a[href$="/note"]').count():
        page.click("form.minutes button >> nth=0")
        page.wait_for_selector('a[href$="/note"]')
    page.goto(where)


def tried(page: Page, world: EveryPage) -> None:
    """A drill that was tried, with a station and its buttons."""
    page.fill("#area", "Kepolisian")
    page.click("button[value=area]")
    page.click("button[value='area:polsek-sw']")
    page.fill("#find-people", "Kepolisian")
    page.click("button[value=people]")
    page.check("input[value='station:polsek-sw']")
    page.fill("#drill-name", UNIT)
    page.fill("#drill-minutes", "60")
    page.click("button[value=try]")
    page.wait_for_selector("#would")


def place_tried(page: Page, world: EveryPage) -> None:
    page.fill("#at", "-6.97,104.03")
    page.click('form[action^="/places/try"] button')
    page.wait_for_selector("#try ~ .table")


def as_a_stranger(page: Page, world: EveryPage) -> None:
    """The page that asks for a token, as a browser without any session has it; then the session is there again."""
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.context.add_cookies([each for each in kept if each["name"] == "siaga_language"])
    page.reload()
    page.wait_for_selector("#wall-token")
    page.context.add_cookies(kept)


def searched(page: Page, world: EveryPage) -> None:
    page.fill("#query", "contoh")
    page.click("form[role=search] button")
    page.wait_for_selector("tbody")


@dataclass(frozen=True)
class Row:
    """A page: which route and template it is of, its address by language, and how it comes to be looked at."""

    name: str
    of: str  # console | phones
    route: str | None  # None: another look of a page that has its row, or of none
    template: str
    address: Callable[[EveryPage, str], str]
    ready: Callable[[Page, EveryPage], None] = nothing


def at(path: str) -> Callable[[EveryPage, str], str]:
    return lambda world, language: path


PAGES: Final = (
    Row("sign-in", "console", "/sign-in", "sign_in.html", at("/sign-in")),
    Row("locked", "console", "/locked", "locked.html", at("/locked"), rings),
    Row("console", "console", "/", "console.html", at("/#1"), on_duty),
    Row("maintenance", "console", "/maintenance", "maintenance.html", at("/maintenance"), unfolded),
    Row(
        "button",
        "console",
        "/maintenance/buttons/{device_id}",
        "button.html",
        at(f"/maintenance/buttons/{device_id(1).hex()}"),
        unfolded,
    ),
    Row("installers' work", "console", "/maintenance/work", "work.html", at("/maintenance/work?days=3650")),
    Row("search", "console", "/search", "search.html", at("/search")),
    Row(
        "incident report",
        "console",
        "/incidents/{incident_id}/report",
        "incident_report.html",
        at("/incidents/1/report"),
    ),
    Row("signal", "console", "/signal", "signal.html", at("/signal")),
    Row("figures", "console", "/figures", "figures.html", at("/figures?period=month&day=2026-09-21")),
    Row("places", "console", "/places", "places.html", at("/places")),
    Row("place tried", "console", None, "places.html", at("/places"), place_tried),
    Row("shift", "console", "/shift", "shift.html", at("/shift"), unfolded),
    Row("handover", "console", "/shift/handovers/{handover_id}", "handover.html", at("/shift/handovers/2")),
    Row("wall", "console", "/wall", "wall.html", at("/wall")),
    Row("wall's token", "console", None, "wall_token.html", at("/wall"), as_a_stranger),
    Row("protocols", "console", "/protocols", "protocols.html", at("/protocols"), unfolded),
    Row("deliveries", "console", "/deliveries", "deliveries.html", at("/deliveries")),
    Row("owners", "console", "/owners", "owners.html", at("/owners")),
    Row("owner", "console", "/owners/{owner_id}", "owner.html", at("/owners/1"), unfolded),
    Row(
        "letter",
        "console",
        "/owners/{owner_id}/letters/{case_id}/{letter}",
        "letter.html",
        at("/owners/1/letters/1/warning"),
    ),
    Row("registry", "console", "/registry", "registry.html", at("/registry")),
    Row("registry searched", "console", None, "registry.html", at("/registry"), searched),
    Row("new owner", "console", "/registry/new", "registry_new.html", at("/registry/new")),
    Row(
        "registered owner",
        "console",
        "/registry/owners/{owner_id}",
        "registry_owner.html",
        at("/registry/owners/1"),
        unfolded,
    ),
    Row("registry waiting", "console", "/registry/waiting", "registry_waiting.html", at("/registry/waiting"), unfolded),
    Row("imports", "console", "/registry/imports", "registry_imports.html", at("/registry/imports")),
    Row(
        "import shown",
        "console",
        "/registry/imports/{list_id}",
        "registry_imports.html",
        lambda world, language: world.lists["shown"],
        unfolded,
    ),
    Row("import wrong", "console", None, "registry_imports.html", lambda world, language: world.lists["wrong"]),
    Row("empty form", "console", "/registry/form", "registration_form.html", at("/registry/form")),
    Row(
        "filled form",
        "console",
        "/registry/owners/{owner_id}/form",
        "registration_form.html",
        lambda world, language: f"/registry/owners/1/form?paper={language}",
    ),
    Row("drills", "console", "/drills", "drills.html", at("/drills"), unfolded),
    Row("drill tried", "console", None, "drills.html", at("/drills"), tried),
    Row("drill", "console", "/drills/{drill_id}", "drill.html", at("/drills/1")),
    Row("accounts", "console", "/accounts", "accounts.html", at("/accounts"), unfolded),
    Row("account", "console", "/account", "account.html", at("/account")),
    Row("api", "console", "/api/docs", "api_docs.html", at("/api/docs")),
    Row("error", "console", None, "error.html", at("/drills/99")),
    Row("call", "phones", None, "responder.html", lambda world, language: world.calls[language]),
    Row(
        "call answered",
        "phones",
        "/r/{token}",
        "responder.html",
        lambda world, language: world.calls[language],
        answered,
    ),
    Row(
        "note",
        "phones",
        "/r/{token}/note",
        "responder_note.html",
        lambda world, language: f"{world.calls[language]}/note",
        answered,
    ),
    Row(
        "photograph",
        "phones",
        "/r/{token}/photo",
        "responder_photo.html",
        lambda world, language: f"{world.calls[language]}/photo",
        answered,
    ),
    Row("problem", "phones", None, "responder_problem.html", at("/r/nobodys")),
    Row("duty asked for", "phones", "/me", "duty_ask.html", at("/me")),
    Row("duty", "phones", "/me/{token}", "duty.html", lambda world, language: world.own[language]),
)
# What a browser may GET and is no page, with an address at which it is asked; CALL and OWN are an officer's, WRONG is a
# list.
OTHERS: Final = {
    "console": {
        "/static/map/{name}.json": "/static/map/land.json",
        "/live": "/live?last=0",
        "/session": "/session",
        "/shift/waiting": "/shift/waiting",
        "/wall/board": "/wall/board",
        "/ringing": "/ringing",
        "/incidents": "/incidents",
        "/incidents/{incident_id}": "/incidents/1",
        "/incidents/{incident_id}/calls": "/incidents/1/calls",
        "/incidents/{incident_id}/nearest": "/incidents/1/nearest",
        "/incidents/{incident_id}/track.geojson": "/incidents/1/track.geojson",
        "/map/units.geojson": "/map/units.geojson",
        "/incidents/{incident_id}/photographs/{number}": "/incidents/1/photographs/1",
        "/incidents/{incident_id}/holder-photograph": "/incidents/1/holder-photograph",
        "/registry/owners/{owner_id}/photograph": "/registry/owners/1/photograph",
        "/feed": "/feed",
        "/certificates": "/certificates",
        "/health": "/health",
        "/places/areas.geojson": "/places/areas.geojson",
        "/map/streets.pmtiles": "/map/streets.pmtiles",
        "/maintenance.csv": "/maintenance.csv",
        "/maintenance/map.geojson": "/maintenance/map.geojson",
        "/signal.csv": "/signal.csv",
        "/signal.geojson": "/signal.geojson",
        "/figures.csv": "/figures.csv",
        "/owners/{owner_id}/record.csv": "/owners/1/record.csv",
        "/registry/imports/{list_id}/wrong.csv": "WRONG/wrong.csv",
    },
    "phones": {
        "/r/{token}/live": "CALL/live",
        "/static/{name}": "/static/page.css",
        "/robots.txt": "/robots.txt",
        "/sw.js": "/sw.js",
        "/manifest.webmanifest": "/manifest.webmanifest",
        "/me/{token}/manifest.webmanifest": "OWN/manifest.webmanifest",
    },
}
