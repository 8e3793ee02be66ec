"""Fixtures: all pages, served, and somebody who is signed in and looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from gateway.web.every_page import OPERATOR, PASSWORD, EveryPage
from gateway.web.page_rows import Row
from siaga_gateway.web.session.context import LANGUAGE_COOKIE
from waiting import ENDS_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

HERE: Final = Path(__file__).parent
FAULTS: Final = (HERE / "screen_faults.js").read_text()
CONTRAST: Final = (HERE / "screen_contrast.js").read_text()
PHONE: Final = (360, 640)
USUAL: Final = (1280, 720)  # of a police PC
SIZES: Final = (PHONE, (1024, 768), USUAL, (1366, 768), (1920, 1080), (3840, 2160))
AXE: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"color-contrast": {"enabled": False}},  # screen_contrast.js looks at more of it
    "resultTypes": ["violations"],
}
FINGER, POINTER = 44, 24  # px: a thumb's target; the least of WCAG 2.2, 2.5.8


class Visitor:
    """Somebody in one browser, signed in to the console; remembers what a page must never do."""

    def __init__(self, world: EveryPage, context: BrowserContext) -> None:
        self.world = world
        self.context = context
        self.complaints: list[str] = []
        self.page = self.new_page()
        self.page.goto(world.console.url)
        self.page.fill("#name", OPERATOR)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#duty[open]")

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(1000 * ENDS_S)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("request", lambda request: self._watch(request.url))
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 4" not in text:  # pages that say what is not possible
            self.complaints.append(f"console: {text}")

    def _watch(self, url: str) -> None:
        here = (self.world.console.url, self.world.phones.url)
        if not url.startswith((*here, "data:", *(f"blob:{each}" for each in here))):
            self.complaints.append(f"asks elsewhere: {url}")

    def look_at(self, row: Row, language: str) -> None:
        """Load the page anew in this language."""
        app = getattr(self.world, row.of)
        self.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": app.url}])
        self.page.goto("about:blank")  # or an address that differs in its fragment only would not be loaded
        self.page.goto(app.url + row.address(self.world, language))
        row.ready(self.page, self.world)

    def resize(self, size: tuple[int, int]) -> None:
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def faults(self, size: tuple[int, int]) -> list[str]:
        """What does not fit on a screen of this size."""
        self.resize(size)
        menu = self.page.locator("#menu:visible[aria-expanded=false]")
        if menu.count():
            menu.click()
        found: list[str] = self.page.evaluate(FAULTS, FINGER if size == PHONE else POINTER)
        return [f"{size[0]}x{size[1]}: {each}" for each in found]

    def barriers(self, scheme: str) -> list[str]:
        """What keeps somebody from using the page, by axe's rules for WCAG 2.2 AA, in this colour scheme."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
        self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        found = axe.Axe().run(self.page, options=AXE).response["violations"]
        return [f"{scheme}: {each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]

    def pale(self, scheme: str) -> list[str]:
        """What is hard to read in this colour scheme of the system's."""
        self.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        found: list[str] = self.page.evaluate(CONTRAST)
        return [f"{scheme}: {each}" for each in found]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryPage]:
    made = EveryPage(tmp_path_factory.mktemp("pages"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def seated(world: EveryPage, chromium: Callable[[bool], Browser]) -> Iterator[Visitor]:
    context = chromium(False).new_context(reduced_motion="reduce")
    yield Visitor(world, context)
    context.close()


@pytest.fixture
def visitor(seated: Visitor) -> Iterator[Visitor]:
    """At the end there may be no complaint."""
    seated.complaints.clear()
    yield seated
    assert seated.complaints == []
