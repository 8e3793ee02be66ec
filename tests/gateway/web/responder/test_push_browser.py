"""Messages to a browser stay switched on when its subscription is renewed or dropped; a real page in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.web.browser_fixtures import chromium
from gateway.web.responder.duty_scene import DutyScene
from gateway.web.responder.scene_page import BASE
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch.push_devices import endpoint
from waiting import ENDS_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["chromium"]

# A browser's push service is on the internet: it alone is played here. What it gave is kept as long as the browser.
PUSH_SERVICE = """(() => {
  const read = () => JSON.parse(localStorage.getItem("service") || '{"number": 0}');
  const write = (kept) => localStorage.setItem("service", JSON.stringify(kept));
  const made = ({ number, key }) => ({
    endpoint: "https://push.example/" + number,
    options: { applicationServerKey: key ? new Uint8Array(key).buffer : null },
    toJSON() { return { endpoint: this.endpoint }; },
    unsubscribe: async () => write({ number: read().number }),
  });
  const pushManager = {
    getSubscription: async () => read().on ? made(read()) : null,
    subscribe: async (how) => {
      write({ number: read().number + 1, on: true, key: [...how.applicationServerKey] });
      return made(read());
    },
  };
  navigator.serviceWorker.register = async () => ({ pushManager });
  Object.defineProperty(Notification, "permission", { get: () => "granted" });
})();"""
RENEWED = """localStorage.setItem("service", '{"number": 50, "on": true}')"""
OF_ANOTHER_KEY = """localStorage.setItem("service", '{"number": 1, "on": true, "key": [4, 1, 2]}')"""
DROPPED = """localStorage.setItem("service", '{"number": 70}')"""
AN_HOUR_LATER = """localStorage.setItem("push tried", "0")"""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[DutyScene]:
    made = DutyScene(tmp_path)
    yield made
    made.store.close()


def browsers(scene: DutyScene, key: str = "budi") -> list[str]:
    ways = next(each for each in scene.store.responders() if each.key == key).ways
    return [endpoint(way.contact)[-2:] for way in ways if way.contact.way is ContactWay.PUSH]


def opened(scene: DutyScene, chromium: Callable[[bool], Browser]) -> Page:
    page = chromium(False).new_context(permissions=["notifications"]).new_page()
    page.set_default_timeout(1000 * ENDS_S)
    page.add_init_script(PUSH_SERVICE)

    def answer(route: Route) -> None:
        asked = route.request
        got = scene.phone.request(
            asked.method, asked.url, content=asked.post_data_buffer, headers=asked.all_headers(), follow_redirects=True
        )
        route.fulfill(status=got.status_code, headers=dict(got.headers), body=got.content)

    page.route("**/*", answer)
    return page


def shows(page: Page, button: str) -> None:
    """Wait until the page has looked at its browser."""
    page.wait_for_selector(f"{button}:visible:enabled")


def test_a_subscription_that_was_renewed_or_dropped_is_made_anew_and_nobody_else_s(
    scene: DutyScene, chromium: Callable[[bool], Browser]
) -> None:
    page = opened(scene, chromium)
    page.goto(BASE + scene.me)
    page.click("#push-on")
    shows(page, "#push-off")
    assert browsers(scene) == ["/1"]
    for what, then in ((RENEWED, "51"), (DROPPED, "71")):
        page.evaluate(what)
        page.evaluate(AN_HOUR_LATER)
        page.goto(BASE + scene.me)
        shows(page, "#push-off")
        assert browsers(scene)[-1] == then
    page.evaluate(RENEWED)
    page.goto(BASE + scene.me)
    shows(page, "#push-on")
    assert browsers(scene) == ["/1", "51", "71"], "once an hour"
    page.evaluate(AN_HOUR_LATER)
    page.goto(BASE + scene.own("wati"))
    shows(page, "#push-on")
    assert browsers(scene, "wati") == [], "he looks at another's page"
    page.goto(BASE + scene.me)
    shows(page, "#push-off")
    page.click("#push-off")
    shows(page, "#push-on")
    page.evaluate(AN_HOUR_LATER)
    page.evaluate(RENEWED)
    page.goto(BASE + scene.me)
    shows(page, "#push-on")
    assert json.loads(page.evaluate("localStorage.getItem('service')"))["number"] == 50, "he switched it off"
    page.context.close()


def test_a_subscription_with_a_key_that_the_gateway_has_no_more_is_made_anew(
    scene: DutyScene, chromium: Callable[[bool], Browser]
) -> None:
    page = opened(scene, chromium)
    page.goto(BASE + scene.me)
    page.click("#push-on")
    shows(page, "#push-off")
    page.evaluate(OF_ANOTHER_KEY)
    page.goto(BASE + scene.me)
    shows(page, "#push-off")
    assert browsers(scene)[-1] == "/2", "messages under the old key reach it no more"
    page.context.close()
