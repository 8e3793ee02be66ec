"""Every route of the console has its permission, and every route is tried as every role."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore
from gateway.web.conftest import Console
from gateway.web.declared_routes import address, declared
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.permissions import OF_ROLE, WITHOUT_ACCOUNTS, Permission, Role
from siaga_gateway.web.session import sign_in as signing
from siaga_gateway.web.session.route_table import ROUTES, Access

# Without argon2, which takes a quarter of a second for each of them.
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"


@pytest.fixture
def sign_in(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Role], TestClient]]:
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: True)
    store = FakeAccountStore()
    for role in Role:
        store.put_account(Account(f"Contoh {role}", role, HASH, 0, 0))
    browser = console.make(accounts=store)
    context = browser.app.state.context  # type: ignore[attr-defined]
    for each in (context.streams, context.program_streams):
        each.close()  # a live stream ends at once

    def signed_in(role: Role) -> TestClient:
        browser.cookies.clear()
        answer = browser.post("/sign-in", data={"name": f"Contoh {role}", "password": "x"})
        assert answer.status_code == 303
        return browser

    yield signed_in


def test_every_route_stands_in_the_table_and_nothing_else_does(console: Console) -> None:
    app = console.browser.app
    assert isinstance(app, FastAPI)
    assert declared(app.routes) == set(ROUTES)


def test_nobody_gets_further_than_the_public_pages(console: Console) -> None:
    stranger = console.make()
    for (method, path), needed in ROUTES.items():
        answer = stranger.request(method, address(path))
        refused = answer.status_code == 401 or answer.headers.get("Location") == "/sign-in"
        if path == "/sign-out":
            continue
        assert refused is (needed is not Access.PUBLIC), (method, path, answer.status_code)


@pytest.mark.parametrize("role", Role)
def test_every_route_as_every_role(sign_in: Callable[[Role], TestClient], role: Role) -> None:
    browser = sign_in(role)
    for (method, path), needed in ROUTES.items():
        if path in ("/sign-out", "/sign-in"):
            continue
        may = isinstance(needed, Access) or needed in OF_ROLE[role]
        answer = browser.request(method, address(path))
        if path == "/lock":
            browser.post("/unlock", data={"password": "x"})
        assert (answer.status_code == 403) is not may, (role, method, path, answer.status_code)
        assert answer.status_code != 401, (role, method, path, answer.status_code)


def test_a_route_that_is_in_no_table_is_refused_to_everybody(console: Console) -> None:
    app = console.browser.app
    assert isinstance(app, FastAPI)
    app.add_api_route("/new", lambda: "secret", methods=["GET"])
    assert console.browser.get("/new").status_code == 403
    assert console.make().get("/new").status_code == 404


def test_a_role_that_has_no_queue_begins_on_its_own_page(sign_in: Callable[[Role], TestClient]) -> None:
    homes = {role: sign_in(role).get("/").headers.get("Location") for role in Role}
    assert {role: home for role, home in homes.items() if home is not None} == {
        Role.REGISTRAR: "/registry",
        Role.INSTALLER: "/maintenance",
    }


def test_no_page_leads_to_where_its_reader_may_not_go(sign_in: Callable[[Role], TestClient]) -> None:
    page = sign_in(Role.DISPATCHER).get("/").text
    assert 'href="/owners"' not in page and 'href="/drills"' not in page


def test_what_each_role_is_for() -> None:
    """What an operator could do before there were roles, he can; nobody but an administrator has everything."""
    assert OF_ROLE.keys() == set(Role)
    not_his = {
        *(Permission.REGISTRY_READ, Permission.REGISTRY_CHANGE),
        *(Permission.PROTOCOLS_CHANGE, Permission.ENROLMENTS_ADD, Permission.PLACES_CHANGE, Permission.LISTS_BRING),
    }
    assert OF_ROLE[Role.OPERATOR] == WITHOUT_ACCOUNTS - not_his
    assert OF_ROLE[Role.SUPERVISOR] >= OF_ROLE[Role.OPERATOR]
    assert [role for role in Role if Permission.ACCOUNTS_CHANGE in OF_ROLE[role]] == [Role.ADMINISTRATOR]
    assert OF_ROLE[Role.ADMINISTRATOR] == set(Permission)
    assert not [each for each in OF_ROLE[Role.AUDITOR] if not each.value.endswith(".read")], "he changes nothing"
