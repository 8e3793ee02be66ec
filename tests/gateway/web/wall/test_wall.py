"""The display on the wall: no byte of it tells of a person, its cookie is good for nothing else, and ends with its
token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from gateway.fake_account_store import FakeAccountStore
from gateway.web.browser_fixtures import chromium
from gateway.web.conftest import Console, ServedConsole, console, served
from siaga_gateway.catalogue import text
from siaga_gateway.domain.api_tokens import ApiToken, hash_of
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.web.session.route_table import ROUTES, Access
from siaga_gateway.web.wall.board import street_of
from waiting import ENDS_S

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "console", "served"]  # fixtures

TOKEN = f"siaga_{'w' * 43}"
OTHER = f"siaga_{'o' * 43}"
KEDATON = {"latitude": -53835400, "longitude": 1052596000}
NAME, PHONE, NIK = "Contoh Rahasiawati", "+620000000777", "9900000000000777"
ADDRESS = "Rumah Bu Rahasiawati, Jl. Melati Indah No. 45 RT 03/RW 02, Kedaton"
LABEL = "Kios Rahasiawati, kasir"
OWNER = {"name": NAME, "phone": PHONE, "nik": NIK, "address": ADDRESS}
# Whatever of these is in an answer tells who or where somebody is: words, digits of places, the button itself.
PERSONAL = re.compile(r"rahasiawati|0000000777|00777|45 RT|No\. ?45|kios|3835|52596|5\.38|105\.2", re.IGNORECASE)


class Wall:
    """A console with accounts and a token for its wall, and browsers before it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.store = FakeAccountStore()
        now_ms = console.clock.now_ms()
        for token, name, scope in ((TOKEN, "Dinding", "wall.read"), (OTHER, "CAD", "incidents.read")):
            hashed = hash_of(token)
            assert hashed is not None
            self.store.put_token(ApiToken(name, hashed, scope, now_ms, "admin", now_ms + 86_400_000))
        self.opened = 0

    def browser(self, **options: bool) -> TestClient:
        return self.console.make(accounts=self.store, **options)

    def shown(self, **options: bool) -> TestClient:
        """A browser that has shown the token."""
        client = self.browser(**options)
        assert client.post("/wall", data={"token": TOKEN}).headers["location"] == "/wall"
        return client


@pytest.fixture
def wall(console: Console) -> Iterator[Wall]:
    made = Wall(console)
    book = console.book
    book.press(1, person=1, owner=OWNER, label=LABEL, silent=True, **KEDATON)
    book.press(2, person=2, owner=OWNER, label=LABEL)
    book.do(do="seen", incident=2, actor="Rina")
    book.do(do="assign", incident=2, actor="Rina", unit="Sabhara 12", eta_minutes=8)
    book.do(do="note", incident=2, kind="note_added", actor="Rina")
    yield made


def test_no_byte_that_a_wall_receives_tells_of_a_person(wall: Wall) -> None:
    seen = wall.console.book.incident(1)
    assert seen is not None and seen.owner is not None and seen.owner.name == NAME and seen.position is not None
    for streets in (False, True):
        wall.console.book.mounted = dict.fromkeys(
            (each.device_id for each in wall.console.book.open_incidents()), ADDRESS
        )
        browser = wall.shown(wall_streets=streets)
        for path in ("/wall", "/wall/board"):
            answer = browser.get(path)
            assert answer.status_code == 200
            told = answer.text + str(answer.headers)
            assert not PERSONAL.search(told), PERSONAL.search(told)
            assert "Panggilan senyap" in told and "sekitar Kedaton" in told and "Sabhara 12" in told
            assert ("Melati Indah" in told) is streets, "of what has no position the street alone, if the site wants it"
        static = set(re.findall(r'(?:src|href)="(/[^"]+)"', browser.get("/wall").text))
        for path in static:
            assert path.startswith("/static/") and not PERSONAL.search(path)


@pytest.mark.parametrize("unit", ["budi", "Aipda Budi Rahasiawati", "aipda  budi rahasiawati", "A" * 60])
def test_an_officer_on_the_lists_is_shown_without_the_name_under_which_he_was_sent(
    wall: Wall, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = wall.console.book
    people = [("budi", "Aipda Budi Rahasiawati"), ("long", "A" * 70)]
    listed = [Responder(key, ResponderKind.OFFICER, name) for key, name in people]
    monkeypatch.setattr(book, "responders", lambda: listed)
    book.do(do="assign", incident=1, actor="Rina", unit=unit, eta_minutes=4)
    told = wall.shown().get("/wall/board").text
    assert unit not in told and not PERSONAL.search(told)
    assert text("console.wall.officer", "id") in told and "Sabhara 12" in told, "a unit that is on no list"


def test_a_wall_does_not_load_itself_anew_for_another_gateway_of_the_same_version(wall: Wall) -> None:
    runs = {wall.shown().get("/wall/board").headers["X-Siaga-Now"].split()[-1] for _ in range(2)}
    assert len(runs) == 1


def test_the_cookie_of_a_wall_opens_nothing_else(wall: Wall) -> None:
    browser = wall.shown()
    (cookie,) = [each for each in browser.cookies.jar if each.name.startswith("siaga_wall")]
    assert cookie.path == "/wall" and TOKEN not in (cookie.value or "") and cookie.has_nonstandard_attr("HttpOnly")
    # Even where a browser sends it everywhere, under whatever name.
    everywhere = wall.browser()
    for name in (cookie.name, everywhere.app.state.context.sessions.cookie):  # type: ignore[attr-defined]
        everywhere.cookies.set(name, cookie.value or "")
    for (method, path), needed in ROUTES.items():
        if needed is Access.PUBLIC or path.startswith("/wall"):
            continue
        answer = everywhere.request(method, re.sub(r"{\w+}", "1", path))
        assert answer.status_code == 401 or answer.headers.get("location") == "/sign-in", (method, path)
    assert everywhere.get("/wall").status_code == 200
    for forged in ("", "x", f"{cookie.value}0", "0" * 64, f"{hash_of(OTHER)}.{(cookie.value or '').partition('.')[2]}"):
        stranger = wall.browser()
        stranger.cookies.set(cookie.name, forged)
        assert stranger.get("/wall/board").status_code == 401, forged


def test_a_wall_ends_with_its_token_and_other_tokens_open_none(wall: Wall) -> None:
    browser, stranger = wall.shown(), wall.browser()
    asked = stranger.get("/wall", headers={"Accept": "text/html"})
    assert asked.status_code == 401 and 'id="wall-token"' in asked.text
    assert stranger.post("/wall", data={"token": OTHER}).status_code == 403
    assert stranger.post("/wall", data={"token": "siaga_wrong"}).status_code == 403
    assert stranger.get("/wall/board").status_code == 401
    token = wall.store.token("Dinding")
    assert token is not None
    wall.store.put_token(copied(token, revoked_ms=wall.console.clock.now_ms()))
    browser.app.state.context.programs._seen = None  # type: ignore[attr-defined]  # as half a second later
    assert browser.get("/wall/board").status_code == 401
    assert browser.post("/wall", data={"token": TOKEN}).status_code == 403


def test_only_who_has_the_scope_sees_it_and_no_role_lacks_it_by_accident(wall: Wall) -> None:
    assert ROUTES[("GET", "/wall")] is Permission.WALL_READ is ROUTES[("GET", "/wall/board")]
    signed_in = wall.console.browser.get("/wall")
    assert signed_in.status_code == 200 and "set-cookie" not in signed_in.headers, "an operator's own session"


@pytest.mark.parametrize(
    ("address", "street"),
    [
        (ADDRESS, "Jl. Melati Indah"),
        ("Jalan Teuku Umar 12, Bandar Lampung", "Jl. Teuku Umar"),
        ("Gg. Mawar", "Jl. Mawar"),
        ("Perum Contoh Blok C2 No. 7", ""),
        ("Jl. 17 Agustus", ""),
        ("Jl. Kenanga Blok B", "Jl. Kenanga"),
        ("di samping rumah Pak RT", ""),
        ("Jl. Raya Natar rumah Bpk Contoh Rahasiawati", "Jl. Raya Natar"),
        ("Jl. Mawar dekat rumah Ibu Contoh", "Jl. Mawar"),
        ("Jl. Mawar belakang rumah Contoh", "Jl. Mawar"),
        ("Gang Pak Haji Contoh", ""),
        ("Jl. Kenanga nmr dua", "Jl. Kenanga"),
        ("Jl. Kenanga Perumahan Griya A", "Jl. Kenanga"),
        ("Jl. Kenanga tempat Contoh Rahasiawati jualan", ""),
        ("", ""),
    ],
)
def test_of_an_address_the_street_alone_is_shown(address: str, street: str) -> None:
    assert street_of(address) == street


@given(st.text(max_size=120))
def test_no_digit_of_an_address_is_ever_shown(address: str) -> None:
    assert not any(each.isdecimal() for each in street_of(f"Jl. Melati {address}").removeprefix("Jl. Melati"))


def test_a_wall_goes_on_by_itself_says_when_it_is_old_and_is_silent(
    served: Callable[..., ServedConsole], chromium: Callable[[bool], Browser]
) -> None:
    console = served(tick_s=0.3)
    console.append({"do": "press", "incident": 1, "person": 0, **KEDATON})
    context = chromium(False).new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(1000 * ENDS_S)
    page.goto(f"{console.url}/sign-in")
    page.fill("#name", "Rina Wulandari")
    page.keyboard.press("Enter")
    page.wait_for_selector("#duty[open]")
    page.goto(f"{console.url}/wall")
    page.wait_for_selector('.wall-call[data-id="1"]')
    assert page.get_attribute("#wall-sound", "aria-pressed") == "false"
    console.kill()
    page.wait_for_selector("body.stale #wall-stale:not([hidden])", timeout=15_000)
    assert page.is_visible('.wall-call[data-id="1"]'), "what was known stays, and is said to be old"
    console.start()
    console.append({"do": "press", "incident": 2, "person": 1})
    page.wait_for_selector('.wall-call[data-id="2"]')
    page.wait_for_selector("body:not(.stale)")
    context.close()
