"""The contract of service/store/tokens.py, kept by both engines and the fake; and what TokenBook does on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_account_store import FakeAccountStore
from gateway.fake_ports import ManualClock
from gateway.sql.test_sql_accounts import noted
from siaga_gateway.domain.api_tokens import GRANTABLE, LONGEST_DAYS, ApiToken, hash_of, is_programs, scopes_of
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.value import copied
from siaga_gateway.service.accounts.token_book import TokenBook
from siaga_gateway.service.accounts.token_changes import TokenError
from siaga_gateway.service.journal import kinds as journal

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
CAD = ApiToken("CAD Contoh", "a" * 64, "incidents.read incidents.step", NOW_MS, "Dewi", NOW_MS + DAY_MS)
OLD = ApiToken("Peta Ä.", "b" * 64, "incidents.read", NOW_MS, "Dewi", NOW_MS + DAY_MS, NOW_MS + 1, "Siti", NOW_MS + 2)


@pytest.fixture(params=[*ENGINES, "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeAccountStore()
        return
    kept = sample_store.new_store(Place(request.param, tmp_path))
    yield kept
    kept.close()


def test_tokens_are_kept_as_they_are_and_replaced_by_name(store: Any) -> None:
    with store.transaction() as transaction:
        transaction.lock_accounts()
        for each in (OLD, CAD):
            transaction.put_token(each)
        assert transaction.token("Peta Ä.") == OLD and transaction.token("peta ä.") is None
    assert list(store.tokens()) == [CAD, OLD]
    renewed = copied(OLD, token_hash="c" * 64, revoked_ms=None, revoked_by=None, used_ms=None)
    with store.transaction() as transaction:
        transaction.put_token(renewed)
    assert list(store.tokens()) == [CAD, renewed]


def test_its_last_use_goes_forward_only(store: Any) -> None:
    with store.transaction() as transaction:
        transaction.put_token(CAD)
    for at_ms, kept in ((NOW_MS + 5, NOW_MS + 5), (NOW_MS + 3, NOW_MS + 5), (NOW_MS + 9, NOW_MS + 9)):
        with store.transaction() as transaction:
            transaction.token_used(CAD.token_hash, at_ms)
        assert [each.used_ms for each in store.tokens()] == [kept]


def test_making_and_revoking_are_in_the_journal_without_the_token(store: Any) -> None:
    clock = ManualClock(NOW_MS)
    book = TokenBook(store, clock)
    assert book.make("  CAD   Contoh ", "a" * 64, ["incidents.step", "incidents.read"], NOW_MS + DAY_MS, "Dewi") == (
        "CAD Contoh"
    )
    book.used("a" * 64)
    (made,) = store.tokens()
    assert made == copied(CAD, used_ms=NOW_MS)
    for _ in range(2):
        book.revoke("CAD Contoh", "Siti")
    (revoked,) = store.tokens()
    assert (revoked.revoked_ms, revoked.revoked_by, revoked.serves(NOW_MS)) == (NOW_MS, "Siti", False)
    found = noted(store)
    assert [(kind, actor) for kind, _, actor in found] == [
        (journal.PROGRAM_ADMITTED, "Dewi"),
        (journal.PROGRAM_REVOKED, "Siti"),
    ]
    assert found[0][1] == {"token": "CAD Contoh", "scopes": CAD.scopes, "expires_ms": NOW_MS + DAY_MS}
    assert "a" * 64 not in str(found)
    book.make("CAD Contoh", "d" * 64, ["incidents.read"], NOW_MS + DAY_MS, "Dewi")
    clock.at_ms += DAY_MS
    book.make("CAD Contoh", "e" * 64, ["incidents.read"], NOW_MS + 2 * DAY_MS, "Dewi")
    assert [each.token_hash for each in store.tokens()] == ["e" * 64], "a name is free once its token has ended"


def test_what_cannot_be_is_refused_and_changes_nothing(store: Any) -> None:
    book = TokenBook(store, ManualClock(NOW_MS))
    book.make("CAD Contoh", "a" * 64, ["incidents.read"], NOW_MS + DAY_MS, "Dewi")
    before, later = list(store.tokens()), NOW_MS + DAY_MS
    too_late = NOW_MS + LONGEST_DAYS * DAY_MS + 1
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: book.make("C", "b" * 64, ["incidents.read"], later, "Dewi"), "no name"),
        (lambda: book.make("CAD Contoh", "b" * 64, ["incidents.read"], later, "Dewi"), "still serves"),
        (lambda: book.make("Peta", "b" * 64, [], later, "Dewi"), "incidents.read"),
        (lambda: book.make("Peta", "b" * 64, ["incidents.eat"], later, "Dewi"), "incidents.read"),
        (lambda: book.make("Peta", "b" * 64, ["accounts.change"], later, "Dewi"), "nothing that a program"),
        (lambda: book.make("Peta", "b" * 64, ["incidents.read"], NOW_MS, "Dewi"), "days"),
        (lambda: book.make("Peta", "b" * 64, ["incidents.read"], too_late, "Dewi"), "days"),
        (lambda: book.revoke("Peta", "Dewi"), "CAD Contoh"),
    ]
    for step, why in refused:
        with pytest.raises(TokenError, match=why):
            step()
    assert list(store.tokens()) == before


@given(scopes=st.sets(st.sampled_from(Permission)), at_ms=st.integers(0, 2 * NOW_MS), revoked=st.booleans())
def test_a_program_may_what_it_was_given_and_never_change_accounts(
    scopes: set[Permission], at_ms: int, revoked: bool
) -> None:
    token = copied(CAD, scopes=scopes_of(scopes), revoked_ms=NOW_MS if revoked else None)
    assert token.permissions == scopes & GRANTABLE and Permission.ACCOUNTS_CHANGE not in token.permissions
    assert token.serves(at_ms) is (not revoked and at_ms < token.expires_ms)


def test_only_what_looks_like_a_token_is_looked_up() -> None:
    assert hash_of("siaga_" + "x" * 43) is not None
    assert all(
        hash_of(each) is None for each in ("", "siaga_", "x" * 49, "siaga_" + "x" * 44, "siaga_" + "x" * 42 + "ä")
    )
    assert is_programs(CAD.actor) and is_programs("api:") and not is_programs("Apiani")
