"""Fixtures that seat operators before consoles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from chromium import CHROMIUM, WHOLE
from chromium import launch as launch_chromium
from gateway.web.conftest import ServedConsole
from gateway.web.console_operator import Operator, Seat

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def _launching(program: str | None) -> Iterator[Callable[[bool], Browser]]:
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium fonts-dejavu-core, or name one in SIAGA_CHROMIUM")
    with playwright.sync_playwright() as driver:
        launched: dict[bool, Browser] = {}

        def launch(with_map: bool) -> Browser:
            if with_map not in launched:
                more = [] if with_map else ["--disable-3d-apis"]
                launched[with_map] = launch_chromium(driver, *more, program=program)
            return launched[with_map]

        yield launch
        for browser in launched.values():
            browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[bool], Browser]]:
    """Chromium with a map, or, as on a computer without WebGL, without: drawing by the processor alone is slow."""
    yield from _launching(CHROMIUM)


@pytest.fixture(scope="module", name="chromium")
def whole_chromium() -> Iterator[Callable[[bool], Browser]]:
    """The same by the whole browser, for a module that looks at notifications: the headless shell shows none."""
    yield from _launching(WHOLE)


@pytest.fixture
def operator(chromium: Callable[[bool], Browser]) -> Iterator[Seat]:
    """Seat an operator before a console; at the end nobody may have a complaint."""
    seated: list[tuple[Operator, Callable[[], None]]] = []

    def seat(console: ServedConsole, *, with_map: bool = False) -> Operator:
        size = {"width": 1024, "height": 700} if with_map else {"width": 1366, "height": 768}
        context = chromium(with_map).new_context(viewport=size, reduced_motion="reduce")
        one = Operator(context.new_page(), console)
        seated.append((one, context.close))
        return one

    yield seat
    for _, close in seated:
        close()
    assert [one.justified for one, _ in seated if one.justified] == []
