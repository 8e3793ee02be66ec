"""The lock of a screen, on the routes: what a locked session may still ask for, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore
from gateway.web.conftest import Console
from gateway.web.declared_routes import address
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.session import sign_in as signing
from siaga_gateway.web.session.route_table import LOCKED_MAY, ROUTES, Access
from siaga_gateway.web.session.unlock_pauses import FREE, LONGEST_MS
from waiting import eventually

HTML = {"Accept": "text/html"}
KEDATON = {"latitude": -53835400, "longitude": 1052596000}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAccountStore]:
    """Rina is an administrator; her password's hash is what it begins with."""
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: hashed == f"hash of {password}")
    monkeypatch.setattr(signing, "_nobodys_hash", lambda: "nobody")
    made = FakeAccountStore()
    made.put_account(Account("Rina", Role.ADMINISTRATOR, "hash of Rina", 0, 0))
    yield made


@pytest.fixture
def seat(console: Console, store: FakeAccountStore) -> Callable[[], TestClient]:
    def sit() -> TestClient:
        browser = console.make(accounts=store)
        for each in ("streams", "program_streams"):
            getattr(browser.app.state.context, each).close()  # type: ignore[attr-defined]
        assert browser.post("/sign-in", data={"name": "Rina", "password": "Rina"}).status_code == 303
        return browser

    return sit


def test_a_locked_session_hears_that_something_rings_and_is_refused_all_else(
    console: Console, seat: Callable[[], TestClient]
) -> None:
    rina = seat()
    console.book.press(1)
    assert rina.post("/lock").status_code == 204
    for (method, path), needed in ROUTES.items():
        if needed is Access.PUBLIC or (method, path) in (("POST", "/unlock"),):
            continue
        answer = rina.request(method, address(path))
        assert (answer.status_code == 423) is ((method, path) not in LOCKED_MAY), (method, path, answer.status_code)
        assert "Sari" not in answer.text, path
    found = rina.get("/ringing").json()
    assert [(each["id"], each["sound"]) for each in found["calls"]] == [(1, "first")]
    assert found["title"] == "1 PANGGILAN BERDERING" and found["lines"][0].startswith("Tingkat 2, sejak")
    assert set(found) == {"calls", "title", "lines"} and set(found["calls"][0]) == {"id", "sound", "level"}
    assert rina.get("/wall", headers=HTML).status_code == 200, "it is for visitors' eyes, and goes on"
    for path in ("/", "/accounts", "/incidents/1/report"):
        assert rina.get(path, headers=HTML).headers["Location"] == "/locked"
    page = rina.get("/locked", headers=HTML).text
    assert "Layar terkunci" in page and "Sari" not in page


def test_the_lock_opens_by_the_password_of_who_locked_it_under_short_pauses_of_its_own(
    console: Console, seat: Callable[[], TestClient], store: FakeAccountStore
) -> None:
    rina = seat()
    rina.post("/lock")
    told = console.sign_ins.told
    told.clear()
    wrong = rina.post("/unlock", data={"password": "no"})
    assert wrong.status_code == 403 and "Kata sandi salah" in wrong.text and told == [("refused", "Rina", "wrong")]
    answers = [rina.post("/unlock", data={"password": "no"}, headers=HTML).status_code for _ in range(FREE)]
    assert answers == [403] * (FREE - 1) + [429]
    assert rina.post("/unlock", data={"password": "Rina"}).status_code == 429, "the right one waits, too"
    for _ in range(signing.OF_BROWSER.allowed + signing.OF_NAME.allowed):
        console.clock.ahead_ms += LONGEST_MS
        assert rina.post("/unlock", data={"password": "no"}).status_code == 403
    console.clock.ahead_ms += LONGEST_MS  # never longer, however many were wrong
    assert rina.get("/incidents").status_code == 423
    assert rina.post("/unlock", data={"password": "Rina"}).status_code == 204
    assert rina.get("/incidents").status_code == 200
    rina.post("/lock")
    assert rina.post("/unlock", data={"password": "Rina"}, headers=HTML).headers["Location"] == "/"
    assert seat().get("/incidents").status_code == 200, "wrong ones at the lock keep nobody from signing in"
    kinds = [kind for kind, _, _ in store.noted]
    assert kinds == [journal.CONSOLE_LOCKED, journal.CONSOLE_UNLOCKED] * 2


def test_a_page_of_somebody_elses_is_not_uncovered_by_who_signed_in_after_him(seat: Callable[[], TestClient]) -> None:
    rina = seat()
    rina.post("/lock")
    assert rina.post("/unlock", data={"username": "Budi", "password": "Rina"}).status_code == 409
    page = rina.post("/unlock", data={"username": "Budi", "password": "Rina"}, headers=HTML)
    assert page.headers["Location"] == "/locked"
    assert rina.get("/incidents").status_code == 423
    assert rina.post("/unlock", data={"username": "Rina", "password": "Rina"}).status_code == 204


def test_it_is_locked_in_every_process_and_no_other_session_is(seat: Callable[[], TestClient]) -> None:
    rina, elsewhere, other = seat(), seat(), seat()
    elsewhere.cookies = rina.cookies
    rina.post("/lock")
    eventually(lambda: elsewhere.get("/incidents").status_code == 423, "locked there too")
    assert other.get("/incidents").status_code == 200
    assert elsewhere.post("/unlock", data={"password": "Rina"}).status_code == 204
    eventually(lambda: rina.get("/incidents").status_code == 200, "open here too")


def test_a_store_that_cannot_be_written_locks_all_the_same_and_keeps_nobody_out(
    seat: Callable[[], TestClient], store: FakeAccountStore
) -> None:
    rina = seat()
    store.unwritable = True
    assert rina.post("/lock").status_code == 503, "asked for again by the page"
    assert rina.get("/incidents").status_code == 423
    assert rina.post("/unlock", data={"password": "Rina"}).status_code == 204
    assert rina.get("/incidents").status_code == 200
    store.unwritable = False
    assert rina.post("/lock").status_code == 204
    store.unwritable = True
    assert rina.post("/unlock", data={"password": "Rina"}).status_code == 204
    assert rina.get("/incidents").status_code == 200


def test_a_console_without_accounts_is_not_locked(console: Console) -> None:
    answer = console.browser.post("/lock")
    assert answer.status_code == 409 and "account add" in answer.text
    assert console.browser.get("/incidents").status_code == 200
    assert "data-lock" not in console.browser.get("/").text
