"""When a session ends: everywhere, for everybody who reads the store, and not for a store that fails."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore, accounts_on, book_on, operators
from gateway.fake_ports import ManualClock
from gateway.web.conftest import Console
from siaga_gateway.domain.accounts import Account, ConsoleSession
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.web.session import auth
from siaga_gateway.web.session import sign_in as signing
from siaga_gateway.web.session.auth import SESSION_MS, Sessions
from waiting import ENDS_S, eventually

NOW_MS = 1_800_000_000_000
NAMES = {"Rina": "hash of Rina", "Budi": "hash of Budi"}


@dataclass
class Two:
    """Two processes on one store."""

    store: FakeAccountStore
    clock: ManualClock
    book: AccountBook
    one: Sessions
    other: Sessions

    def ended(self, token: str) -> None:
        """It ends in both."""
        for each in (self.one, self.other):
            eventually(partial(_is_out, each, token), "the session has ended")


def _is_out(sessions: Sessions, token: str) -> bool:
    return sessions.read(token) is None


@pytest.fixture
def two() -> Two:
    store, clock = operators(NAMES), ManualClock(NOW_MS)
    made = [Sessions(accounts_on(store, clock), b"k" * 32, clock) for _ in range(2)]
    return Two(store, clock, book_on(store, clock), *made)


@pytest.mark.parametrize(
    "end",
    [
        lambda two: two.book.set_password("Rina", "another", "Budi"),
        lambda two: two.book.set_role("Rina", Role.AUDITOR, None, "Budi"),
        lambda two: two.book.disable("Rina", "Budi"),
        lambda two: two.book.sign_out("Rina", "Budi"),
        lambda two: two.book.sign_out("Rina", "Budi", two.store.sessions()[0].token_hash),
    ],
)
def test_it_ends_in_every_process_and_the_others_go_on(two: Two, end: Callable[[Two], object]) -> None:
    mine = two.one.begin("Budi", verified=NAMES["Budi"], address="")
    two.clock.at_ms += 1
    token = two.one.begin("Rina", verified=NAMES["Rina"], address="10.0.0.9")
    found = two.other.read(token)
    assert found is not None and (found.operator, found.role) == ("Rina", Role.OPERATOR)
    end(two)
    two.ended(token)
    assert two.one.read(mine) is not None and two.other.read(mine) is not None


def test_it_ends_at_sign_out_and_after_its_hours(two: Two) -> None:
    first, second = (two.one.begin("Rina", verified=NAMES["Rina"], address="") for _ in range(2))
    assert first != second, "each sign-in has a token of its own"
    found = two.one.read(first)
    assert found is not None
    two.one.end(found)
    assert two.one.read(first) is None
    two.ended(first)
    two.clock.at_ms += SESSION_MS - 1
    assert two.one.read(second) is not None
    two.clock.at_ms += 1
    assert two.one.read(second) is None


def test_what_is_changed_keeps_the_session_that_changed_it(two: Two) -> None:
    token, others = (two.one.begin("Rina", verified=NAMES["Rina"], address="") for _ in range(2))
    mine = two.one.read(token)
    assert mine is not None
    two.book.set_password("Rina", "another", "Rina", but=mine.token_hash)
    two.ended(others)
    assert two.other.read(token) is not None


def test_a_row_that_somebody_wrote_into_the_store_is_no_session(two: Two) -> None:
    for digest in (hashlib.sha256(b"token").hexdigest(), "token"):
        with two.store.transaction() as transaction:
            transaction.add_session(ConsoleSession(digest, "Rina", NOW_MS, True))
    assert len(two.store.sessions()) == 2
    assert two.one.read("token") is None


def test_a_full_disk_locks_nobody_out_and_what_ends_there_has_ended(two: Two) -> None:
    kept = two.one.begin("Rina", verified=NAMES["Rina"], address="")
    two.store.unwritable = True
    token = two.one.begin("Budi", verified=NAMES["Budi"], address="")
    assert two.one.read(token) is not None
    assert two.other.read(token) is None, "it lives in one process only"
    found = two.one.read(kept)
    assert found is not None
    two.one.end(found)
    assert two.one.read(kept) is None
    two.store.unwritable = False
    two.clock.at_ms += 1
    two.book.disable("Budi", "Rina")
    eventually(lambda: two.one.read(token) is None, "the session in memory ends too")


def test_while_the_store_cannot_be_read_what_was_read_goes_on(two: Two) -> None:
    token = two.one.begin("Rina", verified=NAMES["Rina"], address="")
    two.store.unreadable = True
    assert two.one.read(token) is not None
    assert two.one.read("another") is None


def test_the_first_account_ends_the_time_of_names_alone() -> None:
    store, clock = FakeAccountStore(), ManualClock(NOW_MS)
    sessions = Sessions(accounts_on(store, clock), b"k" * 32, clock)
    token = sessions.begin("Rina", verified=None, address="")
    assert not sessions.needs_password() and sessions.read(token) is not None
    book_on(store, clock).add("Sari", "administrator", "hash", None, "root")
    eventually(lambda: sessions.read(token) is None and sessions.needs_password(), "the name alone is not enough")


def test_a_console_for_other_machines_takes_no_name_alone(console: Console) -> None:
    browser = console.make(by_name=False)
    page = browser.get("/sign-in").text
    assert 'name="password"' in page and "siaga gateway account add" in page
    assert browser.post("/sign-in", data={"name": "Rina"}).status_code == 403


def test_an_account_added_while_it_runs_signs_in_at_once(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: (password, hashed) == ("x", "hash"))
    store = operators(NAMES)
    browser: TestClient = console.make(accounts=store)
    form = {"name": "Sari", "password": "x"}
    assert browser.post("/sign-in", data=form).status_code == 403
    book_on(store, console.clock).add("Sari", "operator", "hash", None, "root")
    sessions: Sessions = browser.app.state.context.sessions  # type: ignore[attr-defined]
    eventually(lambda: sessions.account("Sari"), "the next look, a twentieth of a second after the last")
    assert browser.post("/sign-in", data=form).status_code == 303


def test_unknown_names_make_nobody_read_the_store_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks = [100.0], list[float]()
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: now[0]))
    store, clock = operators(NAMES), ManualClock(NOW_MS)
    sessions = Sessions(accounts_on(store, clock), b"k" * 32, clock)
    look = store.accounts
    monkeypatch.setattr(store, "accounts", lambda: (looks.append(now[0]), look())[1])
    for each in range(100):
        assert sessions.account(f"Nobody {each}") is None
    assert looks == [100.0]
    now[0] += 0.06
    book_on(store, clock).add("Sari", "operator", "hash", None, "root")
    assert sessions.account("Sari") is not None, "added just now"
    sessions.refresh()
    assert looks == [100.0, now[0], now[0]], "whoever has changed it looks in any case"


def test_one_look_serves_all_who_waited_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock = operators(NAMES), ManualClock(NOW_MS)
    sessions = Sessions(accounts_on(store, clock), b"k" * 32, clock)
    look, began, go, looks = store.accounts, threading.Event(), threading.Event(), list[int]()

    def slow() -> Sequence[Account]:
        looks.append(1)
        began.set()
        assert go.wait(ENDS_S)
        return look()

    monkeypatch.setattr(store, "accounts", slow)
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: 100.0))
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(sessions.account, "Rina")
        assert began.wait(ENDS_S)
        sessions_seen = [pool.submit(sessions.has_accounts) for _ in range(4)]
        go.set()
        assert first.result(ENDS_S) is not None and all(each.result(ENDS_S) for each in sessions_seen)
    assert len(looks) == 1
