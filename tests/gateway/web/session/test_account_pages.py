"""Accounts on their page, and one's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from gateway.dispatch.listed_places import SW
from gateway.fake_account_store import FakeAccountStore
from gateway.web.conftest import Console
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.session import sign_in as signing
from waiting import eventually

HTML = {"Accept": "text/html"}
NEW = "kata sandi baru"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAccountStore]:
    """Rina is an administrator, Budi an operator; a password's hash is what it begins with."""
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: hashed == f"hash of {password}")
    monkeypatch.setattr(signing, "hash_password", lambda password: f"hash of {password}")
    signing._nobodys_hash.cache_clear()
    made = FakeAccountStore()
    made.listed = [SW]
    for name, role in (("Rina", Role.ADMINISTRATOR), ("Budi", Role.OPERATOR)):
        made.put_account(Account(name, role, f"hash of {name}", 0, 0))
    yield made
    signing._nobodys_hash.cache_clear()


@pytest.fixture
def seat(console: Console, store: FakeAccountStore) -> Callable[[str], TestClient]:
    def sit(name: str) -> TestClient:
        browser = console.make(accounts=store)
        browser.headers.update(HTML)
        assert enters(browser, name, name)
        return browser

    return sit


def enters(browser: TestClient, name: str, password: str) -> bool:
    return browser.post("/sign-in", data={"name": name, "password": password}).status_code == 303


def is_out(browser: TestClient) -> None:
    """It is a process of its own: it looks at the store twice a second."""
    eventually(lambda: browser.get("/session").status_code == 401, "the session has ended")


def test_an_administrator_adds_changes_and_disables(
    console: Console, seat: Callable[[str], TestClient], store: FakeAccountStore
) -> None:
    rina, budi = seat("Rina"), seat("Budi")
    assert 'href="/accounts"' in rina.get("/account").text and 'href="/accounts"' not in budi.get("/account").text
    new = {"name": "Siti", "role": "dispatcher", "station": SW.key, "password": NEW}
    assert rina.post("/accounts", data=new).headers["Location"] == "/accounts"
    page = rina.get("/accounts").text
    assert "Siti" in page and "hash of" not in page
    siti = console.make(accounts=store)
    assert enters(siti, "Siti", NEW)
    assert rina.post("/accounts/role", data={"name": "Siti", "role": "auditor"}).status_code == 303
    is_out(siti)
    assert rina.post("/accounts/password", data={"name": "Budi", "password": NEW}).status_code == 303
    is_out(budi)
    assert enters(budi, "Budi", NEW)
    session = next(each for each in store.sessions() if each.name == "Budi")
    assert rina.post("/accounts/sign-out", data={"name": "Budi", "key": session.token_hash}).status_code == 303
    is_out(budi)
    assert rina.post("/accounts/disable", data={"name": "Budi"}).status_code == 303
    assert not enters(budi, "Budi", NEW)
    assert rina.post("/accounts/enable", data={"name": "Budi"}).status_code == 303
    assert enters(budi, "Budi", NEW)
    assert {actor for _, _, actor in store.noted} == {"Rina"}
    assert store.noted[-1][0] == journal.ACCOUNT_ENABLED


@pytest.mark.parametrize(
    ("path", "form", "why"),
    [
        ("", {"name": "Siti", "role": "operator", "password": "pendek7"}, "8 sampai"),
        ("", {"name": "Budi", "role": "operator", "password": NEW}, "sudah ada"),
        ("", {"name": "S", "role": "operator", "password": NEW}, "bukan nama akun"),
        ("", {"name": "Siti", "role": "dispatcher", "password": NEW}, SW.key),
        ("/disable", {"name": "Rina"}, "administrator terakhir"),
        ("/role", {"name": "Rina", "role": "operator"}, "administrator terakhir"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    seat: Callable[[str], TestClient], store: FakeAccountStore, path: str, form: dict[str, str], why: str
) -> None:
    before = list(store.accounts())
    answer = seat("Rina").post(f"/accounts{path}", data=form)
    assert answer.status_code in (409, 422) and why in answer.text
    if not path:
        assert f'value="{form["name"]}"' in answer.text and form["password"] not in answer.text
    assert list(store.accounts()) == before


def test_ones_own_password_asks_for_the_present_one_and_ends_the_other_sessions(
    seat: Callable[[str], TestClient], store: FakeAccountStore
) -> None:
    budi, elsewhere = seat("Budi"), seat("Budi")
    form = {"before": "Budi", "password": NEW, "again": NEW}
    for wrong, status in (({"before": "no"}, 403), ({"again": "another one"}, 422), ({"password": "x"}, 422)):
        assert budi.post("/account/password", data={**form, **wrong}).status_code == status
    assert elsewhere.get("/session").status_code == 200
    assert budi.post("/account/password", data=form).headers["Location"] == "/account?done=1"
    is_out(elsewhere)
    assert budi.get("/session").status_code == 200
    assert enters(elsewhere, "Budi", NEW)
    mine = [each for each in store.sessions() if f'value="{each.token_hash}"' in budi.get("/account").text]
    assert len(mine) == 1, "this session itself is not offered"
    assert budi.post("/account/sign-out", data={"key": mine[0].token_hash}).status_code == 303
    is_out(elsewhere)


def test_nobody_ends_a_session_of_somebody_else_by_his_own_page(
    seat: Callable[[str], TestClient], store: FakeAccountStore
) -> None:
    rina, budi = seat("Rina"), seat("Budi")
    session = next(each for each in store.sessions() if each.name == "Rina")
    budi.post("/account/sign-out", data={"key": session.token_hash})
    assert rina.get("/session").status_code == 200


def test_guessing_the_present_password_is_limited_like_a_sign_in(seat: Callable[[str], TestClient]) -> None:
    budi = seat("Budi")
    form = {"before": "no", "password": NEW, "again": NEW}
    # This browser's attempts, and then those of the name.
    allowed = signing.OF_BROWSER.allowed + signing.OF_NAME.allowed
    answers = [budi.post("/account/password", data=form).status_code for _ in range(allowed + 1)]
    assert set(answers[:-1]) == {403} and answers[-1] == 429


def test_an_administrator_lets_a_program_in_by_a_token_that_is_shown_once(
    console: Console, seat: Callable[[str], TestClient], store: FakeAccountStore
) -> None:
    rina, budi = seat("Rina"), seat("Budi")
    form = {"name": "CAD Contoh", "days": "30", "scopes": ["incidents.read", "figures.read"]}
    assert budi.post("/accounts/tokens", data=form).status_code == 403
    answer = rina.post("/accounts/tokens", data=form)
    (token,) = set(re.findall(r"siaga_[A-Za-z0-9_-]{43}", answer.text))
    assert answer.status_code == 200 and token not in rina.get("/accounts").text
    program = console.make(accounts=store)
    bearer = {"Authorization": f"Bearer {token}"}
    assert set(program.get("/api/v1/me", headers=bearer).json()["scopes"]) == {"incidents.read", "figures.read"}
    (kept,) = store.tokens()
    assert kept.made_by == "Rina" and round((kept.expires_ms - kept.made_ms) / 86_400_000) == 30
    page = rina.get("/accounts").text
    assert "CAD Contoh" in page and "belum pernah" not in page, "it was used just now"
    assert rina.post("/accounts/tokens/revoke", data={"name": "CAD Contoh"}).headers["Location"] == "/accounts"
    eventually(lambda: program.get("/api/v1/me", headers=bearer).status_code == 401, "the token has ended")
    assert "dicabut" in rina.get("/accounts").text
    assert [kind for kind, _, _ in store.noted] == [journal.PROGRAM_ADMITTED, journal.PROGRAM_REVOKED]
    assert {actor for _, _, actor in store.noted} == {"Rina"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"scopes": []}, "boleh dilakukan program"),
        ({"scopes": ["accounts.change"]}, "accounts.change"),
        ({"days": "0"}, "hari"),
        ({"days": ""}, "hari"),
        ({"days": "٣"}, "hari"),
        ({"name": "x"}, "bukan nama program"),
    ],
)
def test_a_token_that_cannot_be_is_not_made_and_the_page_says_why(
    seat: Callable[[str], TestClient], store: FakeAccountStore, change: dict[str, object], why: str
) -> None:
    form = {"name": "CAD Contoh", "days": "30", "scopes": ["incidents.read"], **change}
    answer = seat("Rina").post("/accounts/tokens", data=form)
    assert answer.status_code == 409 and why in answer.text
    assert not store.tokens() and not re.findall(r"siaga_[A-Za-z0-9_-]{43}", answer.text)
