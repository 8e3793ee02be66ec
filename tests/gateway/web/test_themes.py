"""By day and by night: by the system's wish or the switch, kept by the browser, never a moment in the wrong colours;
and states that differ for people who see colours differently."""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from PIL import Image, ImageStat

from gateway.web.browser_fixtures import chromium
from gateway.web.every_page import OPERATOR, PASSWORD, EveryPage
from gateway.web.page_rows import PAGES
from gateway.web.page_visitor import FAULTS, FINGER, PHONE, POINTER, USUAL, Visitor, seated, visitor, world
from siaga_gateway.web.session.security_headers import CONTENT_POLICY
from siaga_gateway.web.session.theme import COOKIE, Theme
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["chromium", "seated", "visitor", "world"]  # fixtures

BY_NAME: Final = {row.name: row for row in PAGES}
STATES: Final = ("open", "seen", "assigned", "on_scene", "closed", "duress")
APART: Final = 20  # CIE 1976 colour difference: about ten times what can just be seen
# Linear RGB as somebody sees it who lacks a kind of cone: Machado, Oliveira and Fernandes 2009, severity 1.
SEEN_BY: Final = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopes": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopes": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopes": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
GROUND: Final = "getComputedStyle(document.documentElement).backgroundColor"

# Of what has its state's colour, whatever is on the page.
DRAWN: Final = """states => Object.fromEntries(states.map(state => {
  const dot = document.querySelector(".legend").appendChild(document.createElement("i"));
  dot.style.color = `var(--${state})`;
  const { color } = getComputedStyle(dot);
  dot.remove();
  return [state, color];
}))"""


def bright(page: Page) -> bool:
    return min(int(part) for part in re.findall(r"\d+", page.evaluate(GROUND))[:3]) > 128


@pytest.fixture
def plain(chromium: Callable[[bool], Browser]) -> Iterator[Callable[..., Page]]:
    """Pages of browsers that do not run scripts: what they show is what is shown before any script has run."""
    opened = []

    def page(url: str, scheme: str, theme: Theme | None) -> Page:
        context = chromium(False).new_context(
            java_script_enabled=False, color_scheme="light" if scheme == "light" else "dark"
        )
        opened.append(context)
        if theme is not None:
            context.add_cookies([{"name": COOKIE, "value": theme, "url": url}])
        made = context.new_page()
        made.goto(f"{url}/sign-in")
        return made

    yield page
    for context in opened:
        context.close()


@pytest.mark.parametrize("theme", [None, *Theme])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_thing_shown_is_in_the_right_colours(
    world: EveryPage, plain: Callable[..., Page], scheme: str, theme: Theme | None
) -> None:
    page = plain(world.console.url, scheme, theme)
    wanted = scheme if theme in (None, Theme.SYSTEM) else str(theme)
    assert bright(page) is (wanted == "light")
    pressed = page.locator('.themes [aria-pressed="true"]')
    assert pressed.count() == 1 and pressed.get_attribute("value") == (theme or "system")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == wanted, "its fields, too"


PAPER: Final = ("letter", "incident report", "handover", "empty form", "filled form")


def test_no_page_has_a_script_of_its_own_within_it(world: EveryPage) -> None:
    assert "unsafe" not in CONTENT_POLICY
    with httpx.Client(base_url=world.console.url, headers={"Origin": world.console.url}) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR, "password": PASSWORD}).status_code == 303
        for row in PAGES:
            if row.of != "console":
                continue
            text = browser.get(row.address(world, "id"), headers={"Accept": "text/html"}).text
            scripts = re.findall(r"<script([^>]*)>", text)
            assert all('src="/static/' in each or 'type="application/json"' in each for each in scripts), row.name
            assert not re.search(r"\son\w+=|\sstyle=|<style", text), row.name
            if row.name in PAPER:
                assert "<script" not in text, f"{row.name} is to be printed"
            else:
                assert text.index('id="light"') < text.index("<script"), f"{row.name}: first the colours"


def test_the_switch_changes_the_page_at_once_and_is_kept_for_every_page(visitor: Visitor) -> None:
    page = visitor.page
    visitor.resize(USUAL)
    page.emulate_media(color_scheme="dark")
    visitor.look_at(BY_NAME["console"], "id")
    page.evaluate("window.loadedOnce = true")
    assert not bright(page)
    with page.expect_response("**/theme"):
        page.click('.themes [value="light"]')
    assert bright(page) and page.evaluate("window.loadedOnce") is True
    assert page.locator('.themes [aria-pressed="true"]').get_attribute("value") == "light"
    for name in ("maintenance", "figures", "console"):
        visitor.look_at(BY_NAME[name], "id")
        assert bright(page), name
    with page.expect_response("**/theme"):
        page.click('.themes [value="dark"]')
    page.emulate_media(color_scheme="light")
    page.reload()
    assert not bright(page)
    with page.expect_response("**/theme"):
        page.click('.themes [value="system"]')
    assert bright(page)
    page.emulate_media(color_scheme="dark")
    assert not bright(page), "the system's wish is followed while the page is open"


def test_an_unknown_theme_is_refused_and_a_strange_cookie_is_the_systems(world: EveryPage) -> None:
    with httpx.Client(base_url=world.console.url, headers={"Origin": world.console.url}) as browser:
        answer = browser.post("/theme", data={"theme": "plaid"})
        assert answer.status_code == 422 and "set-cookie" not in answer.headers
        kept = browser.post("/theme", data={"theme": "dark"})
        assert (kept.status_code, kept.headers["location"]) == (303, "/")
        assert "HttpOnly" in kept.headers["set-cookie"] and "SameSite=strict" in kept.headers["set-cookie"]
        browser.cookies.clear()
        text = browser.get("/sign-in", headers={"Cookie": f'{COOKIE}="><script>'}).text
        assert Theme.SYSTEM.media in text and "plaid" not in text and '"><script>' not in text


@pytest.mark.parametrize("name", ["maintenance", "figures", "owner", "drill"])
def test_paper_is_white_whatever_the_screen_is(visitor: Visitor, name: str) -> None:
    visitor.resize(USUAL)
    for scheme in ("dark", "light"):
        visitor.page.emulate_media(media="screen", color_scheme="dark" if scheme == "dark" else "light")
        visitor.look_at(BY_NAME[name], "id")
        visitor.page.emulate_media(media="print")
        assert bright(visitor.page)
        assert not visitor.pale(scheme), "what is printed can be read"
    visitor.page.emulate_media(media="screen")


def lab(colour: str, seen_by: str) -> tuple[float, float, float]:
    """`rgb(r, g, b)` as CIE 1976 L*a*b*, white as sRGB has it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(line, linear, strict=True)))) for line in SEEN_BY[seen_by]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_states_differ_for_whoever_confuses_colours_and_not_by_colour_alone(visitor: Visitor) -> None:
    page = visitor.page
    visitor.resize(USUAL)
    visitor.look_at(BY_NAME["console"], "id")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        drawn = page.evaluate(DRAWN, list(STATES))
        for seen_by in SEEN_BY:
            for one, other in itertools.combinations(STATES, 2):
                apart = math.dist(lab(drawn[one], seen_by), lab(drawn[other], seen_by))
                assert apart >= APART, f"{scheme}, {seen_by}: {one} and {other} differ by {apart:.0f}"
    signs = page.locator(".legend .dot").all_inner_texts()
    assert len(set(signs)) == len(signs) == 5, "each has a sign of its own; duress is a ring"
    states = page.locator("#queue .card .state").all_text_contents()
    assert all(states) and len(set(states)) >= 4, "a card says its state in words"


def test_the_map_is_bright_by_day_dark_by_night_and_its_buttons_fit(
    world: EveryPage, chromium: Callable[[bool], Browser]
) -> None:
    context = chromium(True).new_context(
        reduced_motion="reduce", color_scheme="light", viewport={"width": USUAL[0], "height": USUAL[1]}
    )
    here = Visitor(world, context)
    here.look_at(BY_NAME["console"], "id")
    page = here.page
    page.wait_for_selector("#map .map-areas")

    def brightness() -> float:
        picture = Image.open(io.BytesIO(page.locator("#map").screenshot())).convert("L")
        return float(ImageStat.Stat(picture.crop((40, 200, 300, 400))).mean[0])

    eventually(lambda: 150 < brightness() < 250, "a map by day", longest_pause_s=1)
    for size, least in ((PHONE, FINGER), (USUAL, POINTER)):
        here.resize(size)
        if page.is_visible("#menu[aria-expanded=false]"):
            page.click("#menu")
        assert not page.evaluate(FAULTS, least)
    page.click('.themes [value="dark"]')
    eventually(lambda: brightness() < 70, "the same map by night", longest_pause_s=1)
    assert here.complaints == []
    context.close()
