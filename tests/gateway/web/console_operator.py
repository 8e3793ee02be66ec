"""A person at a console: Chromium before a real page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.web.conftest import OPERATOR, ServedConsole
from waiting import ENDS_S, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class Operator:
    """One person at one console; remembers whatever a page must never do."""

    def __init__(self, page: Page, console: ServedConsole) -> None:
        self.page = page
        self.console = console
        self.complaints: list[str] = []
        self.allowed: list[str] = []
        page.set_default_timeout(1000 * ENDS_S)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._hear)
        page.on("request", self._watch)

    def _hear(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined]
        if kind == "error":
            self.complaints.append(f"console: {text}")

    def _watch(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if not url.startswith((self.console.url, "data:", f"blob:{self.console.url}")):
            self.complaints.append(f"asks elsewhere: {url}")

    def enter(self, name: str = OPERATOR) -> None:
        """Sign in, by a password that is the name where the console asks for one."""
        self.page.goto(f"{self.console.url}/sign-in")
        self.page.fill("#name", name)
        if self.page.locator("#password").count():
            self.page.fill("#password", name)
        self.page.keyboard.press("Enter")

    def sign_in(self, name: str = OPERATOR) -> None:
        self.enter(name)
        self.page.wait_for_selector("#duty[open]")

    def start_duty(self, name: str = OPERATOR) -> None:
        self.sign_in(name)
        self.page.click("#duty-start")
        self.page.wait_for_selector('#link[data-state="up"]')

    def card(self, number: int) -> Locator:
        return self.page.locator(f"#incident-{number}")

    def see(self, selector: str, words: str) -> None:
        self.page.locator(selector, has_text=words).first.wait_for()

    def until(self, expression: str, timeout_s: float = ENDS_S) -> None:
        """Wait until it is true in the page. Not Playwright's own way: that evaluates text, which the page forbids."""
        eventually(lambda: self.page.evaluate(expression), expression, timeout_s=timeout_s)

    def allow(self, *words: str) -> None:
        """What Chromium itself reports as an error, and is what the test is about."""
        self.allowed += words

    @property
    def justified(self) -> list[str]:
        return [each for each in self.complaints if not any(word in each for word in self.allowed)]


class Seat(Protocol):
    def __call__(self, console: ServedConsole, *, with_map: bool = False) -> Operator: ...
