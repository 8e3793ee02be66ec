"""Programs at the API: their tokens, and what is refused to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.web.conftest import ORIGIN, Console
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.api_tokens import USED_EVERY_MS, hash_of
from siaga_gateway.domain.permissions import Role
from siaga_gateway.web.session.bearer import REQUESTS, WRONG
from siaga_gateway.web.session.context import accepted_language
from waiting import eventually

TOKEN, OTHER = ("siaga_" + letter * 43 for letter in "ab")
DAY_MS = 86_400_000


class Programs:
    """A console to which programs come: one client without cookies and without an Origin."""

    def __init__(self, console: Console) -> None:
        self.clock = console.clock
        self.store = FakeAccountStore()
        self.store.put_account(Account("Contoh Admin", Role.ADMINISTRATOR, "x", 0, 0))
        self.tokens = accounts_on(self.store, console.clock).tokens
        self.client = TestClient(console.make(accounts=self.store).app, base_url=ORIGIN, follow_redirects=False)
        self.make("CAD Contoh", TOKEN, "incidents.read")

    def make(self, name: str, token: str, *scopes: str) -> None:
        self.tokens.make(name, hash_of(token) or "", scopes, self.clock.now_ms() + DAY_MS, "Dewi")

    def get(self, token: str, path: str = "/api/v1/me", **headers: str) -> tuple[int, dict[str, object]]:
        answer = self.client.get(path, headers={"Authorization": f"Bearer {token}", **headers})
        return answer.status_code, answer.json()


@pytest.fixture
def programs(console: Console) -> Iterator[Programs]:
    made = Programs(console)
    yield made
    made.client.close()


def test_a_token_says_who_it_is_and_ends_when_it_is_revoked_or_over(programs: Programs) -> None:
    assert programs.get(TOKEN) == (
        200,
        {"name": "API: CAD Contoh", "program": True, "scopes": ["incidents.read"]},
    )
    programs.make("Peta", OTHER, "areas.read")
    eventually(lambda: programs.get(OTHER)[0] == 200, "one that was made just now serves")
    programs.tokens.revoke("CAD Contoh", "Dewi")
    eventually(lambda: programs.get(TOKEN)[0] == 401, "the revoked one ends")
    assert programs.get(OTHER)[0] == 200
    programs.clock.ahead_ms += DAY_MS
    assert programs.get(OTHER)[0] == 401


def test_what_is_no_token_is_refused_with_a_reason_in_the_readers_language(programs: Programs) -> None:
    for token in ("", "x", OTHER, TOKEN[:-1], TOKEN.upper()):
        status, told = programs.get(token, **{"Accept-Language": "fr, en;q=0.8, id;q=0.5"})
        assert (status, told["key"], told["status"]) == (401, "error.token", 401), token
        assert "token make" in str(told["detail"]) and "This token" in str(told["detail"])
    answer = programs.client.get("/api/v1/me")
    assert answer.status_code == 401 and answer.json()["key"] == "error.signed_out"
    assert answer.headers["Content-Type"] == "application/problem+json"
    wrong = programs.client.get("/api/v1/me", headers={"Authorization": "Bearer x"})
    assert "Token ini" in wrong.json()["detail"] and wrong.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_counts_for_the_api_alone_and_a_cookie_beside_it_does_not(console: Console, programs: Programs) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert programs.client.get("/session", headers=bearer).status_code == 401
    browser = console.browser  # signed in
    assert browser.get("/api/v1/me").json()["program"] is False
    assert browser.get("/api/v1/me", headers=bearer).status_code == 401, "the cookie is not asked"


def test_wrong_tokens_are_limited_by_address_and_right_ones_are_not(programs: Programs) -> None:
    found = [programs.get(OTHER)[0] for _ in range(WRONG.allowed + 1)]
    assert found == [401] * WRONG.allowed + [429]
    answer = programs.client.get("/api/v1/me", headers={"Authorization": f"Bearer {OTHER}"})
    assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= WRONG.window_ms // 1000
    assert programs.get(TOKEN)[0] == 200, "another program of that address goes on"


def test_a_program_that_asks_without_end_is_told_to_wait(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga_gateway.web.session.bearer.REQUESTS", type(REQUESTS)("requests", 3, 60_000))
    assert [programs.get(TOKEN)[0] for _ in range(4)] == [200] * 3 + [429]
    programs.make("Peta", OTHER, "areas.read")
    eventually(lambda: programs.get(OTHER)[0] == 200, "nobody else waits for it")


def test_its_last_use_is_written_once_a_minute_and_a_full_disk_stops_nobody(programs: Programs) -> None:
    began = programs.clock.now_ms()
    for _ in range(3):
        programs.get(TOKEN)
    first = programs.store.tokens()[0].used_ms
    assert first is not None and began <= first
    programs.get(TOKEN)
    assert programs.store.tokens()[0].used_ms == first
    programs.clock.ahead_ms += USED_EVERY_MS
    programs.store.unwritable = True
    assert programs.get(TOKEN)[0] == 200
    programs.store.unwritable = False
    programs.clock.ahead_ms += USED_EVERY_MS
    programs.get(TOKEN)
    assert (programs.store.tokens()[0].used_ms or 0) >= first + 2 * USED_EVERY_MS


def test_while_the_store_cannot_be_read_what_was_read_goes_on(programs: Programs) -> None:
    programs.get(TOKEN)
    programs.store.unreadable = True
    assert programs.get(TOKEN)[0] == 200
    assert programs.get(OTHER)[0] == 401


def test_no_token_stands_in_the_log(programs: Programs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    programs.store.unreadable = True
    for token in (TOKEN, OTHER):
        programs.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert TOKEN not in caplog.text and OTHER not in caplog.text and (hash_of(TOKEN) or "") not in caplog.text


def test_the_language_of_an_answer() -> None:
    for header, language in (
        ("", None),
        ("fr", None),
        ("en", "en"),
        ("ID-id", "id"),
        ("en;q=0.2, id;q=0.9", "id"),
        ("en;q=0, id;q=x", None),
        ("*", None),
    ):
        assert accepted_language(header) == language, header
