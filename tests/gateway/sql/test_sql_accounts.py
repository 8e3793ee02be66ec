"""The contract of service/store/accounts.py, kept by both engines and the fake; and what AccountBook does on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.listed_places import SW
from gateway.fake_account_store import FakeAccountStore
from gateway.fake_ports import ManualClock
from siaga_gateway.domain.accounts import SESSION_MS, Account, ConsoleSession, last_administrator, permissions_of
from siaga_gateway.domain.permissions import OF_ROLE, WITHOUT_ACCOUNTS, Role
from siaga_gateway.domain.value import copied
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.service.accounts.account_changes import AccountError
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import RowUnreadable

NOW_MS = 1_800_000_000_000
RINA = Account("Rina", Role.OPERATOR, "$argon2id$rina", NOW_MS, NOW_MS)
SITI = Account("Siti Ä.", Role.DISPATCHER, "$argon2id$siti", NOW_MS, NOW_MS + 1, "polres-sw", NOW_MS + 2, "root")
FIRST = ConsoleSession("a" * 64, "Rina", NOW_MS, True, "10.0.0.1")
SECOND = ConsoleSession("b" * 64, "Rina", NOW_MS + 1, True, "10.0.0.2", NOW_MS + 2)
OTHER = ConsoleSession("c" * 64, "Siti Ä.", NOW_MS + 2, False)


@pytest.fixture(params=[*ENGINES, "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "fake":
        fake = FakeAccountStore()
        fake.listed = [SW]
        yield fake
        return
    kept = sample_store.new_store(Place(request.param, tmp_path))
    with kept.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([SW])
    yield kept
    kept.close()


def test_accounts_are_kept_as_they_are_and_changed_by_name(store: Any) -> None:
    with store.transaction() as transaction:
        transaction.lock_accounts()
        for each in (SITI, RINA):
            transaction.put_account(each)
        assert transaction.account("Siti Ä.") == SITI and transaction.account("siti ä.") is None
        assert list(transaction.accounts()) == [RINA, SITI]
    changed = copied(RINA, role=Role.AUDITOR)
    with store.transaction() as transaction:
        transaction.put_account(changed)
    assert list(store.accounts()) == [changed, SITI]


def test_sessions_end_one_by_one_all_of_a_name_and_by_age(store: Any) -> None:
    with store.transaction() as transaction:
        for each in (FIRST, SECOND, OTHER, copied(FIRST, name="Somebody else")):
            transaction.add_session(each)
        assert transaction.session(FIRST.token_hash) == FIRST, "one that is there stays"
        assert transaction.session("d" * 64) is None
    assert list(store.sessions()) == [OTHER, SECOND, FIRST]
    with store.transaction() as transaction:
        transaction.lock_session(FIRST.token_hash, NOW_MS + 5)
        transaction.lock_session(SECOND.token_hash, None)
    assert [each.locked_ms for each in store.sessions()] == [None, None, NOW_MS + 5]
    with store.transaction() as transaction:
        assert transaction.end_sessions("Rina", but=SECOND.token_hash) == 1
        assert transaction.end_session(OTHER.token_hash) and not transaction.end_session(OTHER.token_hash)
    assert [each.token_hash for each in store.sessions()] == [SECOND.token_hash]
    with store.transaction() as transaction:
        transaction.forget_sessions(SECOND.begun_ms)
        assert transaction.session(SECOND.token_hash) is not None
        transaction.forget_sessions(SECOND.begun_ms + 1)
    assert list(store.sessions()) == []


def test_accounts_of_which_none_can_be_read_are_not_none(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    with store.transaction() as transaction:
        transaction.put_account(RINA)
    with store.engine.transaction() as session:
        session.run("UPDATE account SET role = 'king'")
    with pytest.raises(RowUnreadable):
        store.accounts()
    store.close()


def noted(store: Any) -> list[tuple[str, dict[str, Any], str | None]]:
    if isinstance(store, FakeAccountStore):
        return [(kind, dict(facts), actor) for kind, facts, actor in store.noted]
    entries = store.journal_after(0, 1_000)
    return [(each.kind, dict(each.facts), each.actor) for each in entries if each.kind in journal.ACCOUNT_KINDS]


def test_every_change_is_in_the_journal_with_who_and_nothing_secret(store: Any) -> None:
    book = AccountBook(store, ManualClock(NOW_MS))
    book.add("  Rina   W. ", "administrator", "$argon2id$secret", None, "root")
    book.add("Siti", "operator", "$argon2id$secret", None, "Rina W.")
    for number in "ab":
        book.begin(number * 64, "Siti", "$argon2id$secret", "")
    book.set_role("Siti", "dispatcher", SW.key, "Rina W.")
    book.begin("c" * 64, "Siti", "$argon2id$secret", "")
    book.set_password("Siti", "$argon2id$secret2", "Siti", "c" * 64)
    assert [each.token_hash for each in store.sessions()] == ["c" * 64]
    for _ in range(2):
        book.lock("c" * 64)
    assert book.sign_out("Siti", "Rina W.", "c" * 64) == 1
    assert book.sign_out("Siti", "Rina W.", "c" * 64) == 0
    for _ in range(2):
        book.disable("Siti", "Rina W.")
    book.enable("Siti", "Rina W.")
    found = noted(store)
    assert [(kind, actor) for kind, _, actor in found] == [
        (journal.ACCOUNT_ADDED, "root"),
        (journal.ACCOUNT_ADDED, "Rina W."),
        (journal.ACCOUNT_ROLE, "Rina W."),
        (journal.ACCOUNT_REKEYED, "Siti"),
        (journal.CONSOLE_LOCKED, "Siti"),
        (journal.SESSIONS_ENDED, "Rina W."),
        (journal.ACCOUNT_DISABLED, "Rina W."),
        (journal.ACCOUNT_ENABLED, "Rina W."),
    ]
    assert found[2][1] == {
        "account": "Siti",
        "before": "operator",
        "role": "dispatcher",
        "jurisdiction": SW.key,
        "sessions": 2,
    }
    assert "argon2" not in str(found)


def test_what_cannot_be_is_refused_and_changes_nothing(store: Any) -> None:
    book = AccountBook(store, ManualClock(NOW_MS))
    book.add("Rina", "administrator", "x", None, "root")
    book.add("Siti", "operator", "x", None, "root")
    before = list(store.accounts())
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: book.add("R", "operator", "x", None, "root"), "no name"),
        (lambda: book.add("Rina", "operator", "x", None, "root"), "already"),
        (lambda: book.add("Budi", "king", "x", None, "root"), "no role"),
        (lambda: book.add("Budi", "operator", "x", SW.key, "root"), "belongs to a dispatcher"),
        (lambda: book.add("Budi", "dispatcher", "x", None, "root"), SW.key),
        (lambda: book.add("Budi", "dispatcher", "x", "polres-x", "root"), SW.key),
        (lambda: book.disable("Rina", "Rina"), "last administrator"),
        (lambda: book.set_role("Rina", "operator", None, "Rina"), "last administrator"),
        (lambda: book.set_password("Budi", "x", "Rina"), "Rina, Siti"),
        (lambda: book.add("api: CAD", "operator", "x", None, "root"), "name of a program"),
        (lambda: book.begin("a" * 64, "Budi", "x", ""), "may not"),
        (lambda: book.begin("a" * 64, "Siti", None, ""), "may not"),
    ]
    for step, why in refused:
        with pytest.raises(AccountError, match=why):
            step()
    assert list(store.accounts()) == before and not store.sessions()
    book.set_role("Siti", "administrator", None, "Rina")
    book.disable("Rina", "Siti")
    with pytest.raises(AccountError, match="may not"):
        book.begin("a" * 64, "Rina", "x", "")


def test_no_session_begins_by_a_password_that_was_changed_after_its_check(store: Any) -> None:
    book = AccountBook(store, ManualClock(NOW_MS))
    book.add("Rina", "operator", "hash of the known one", None, "root")
    verified = next(each.password for each in store.accounts())
    book.set_password("Rina", "hash of another", "Rina")
    with pytest.raises(AccountError, match="may not"):
        book.begin("a" * 64, "Rina", verified, "")
    assert not store.sessions()
    book.begin("b" * 64, "Rina", "hash of another", "")
    assert [each.by_password for each in store.sessions()] == [True]


def test_of_two_administrators_who_disable_each_other_at_once_one_stays(store: Any) -> None:
    book = AccountBook(store, ManualClock(NOW_MS))
    for name in ("Rina", "Siti"):
        book.add(name, "administrator", "x", None, "root")
    both, refusals = threading.Barrier(2), list[AccountError]()

    def disable(name: str, actor: str) -> None:
        both.wait()
        try:
            book.disable(name, actor)
        except AccountError as error:
            refusals.append(error)

    threads = [threading.Thread(target=disable, args=names) for names in (("Rina", "Siti"), ("Siti", "Rina"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refusals) == 1 and len([each for each in store.accounts() if each.serves]) == 1


def test_operators_of_the_settings_become_accounts_once_and_the_store_counts_from_then_on(store: Any) -> None:
    book = AccountBook(store, ManualClock(NOW_MS))
    hashes = {"Rina": "hash of Rina", "Siti": "hash of Siti"}
    assert book.take_over(hashes, ["Siti"]) == ["Rina", "Siti"]
    assert {each.name: (each.role, each.password) for each in store.accounts()} == {
        "Rina": (Role.OPERATOR, "hash of Rina"),
        "Siti": (Role.SUPERVISOR, "hash of Siti"),
    }
    book.set_password("Rina", "another", "Rina")
    book.disable("Siti", "Rina")
    assert book.take_over({**hashes, "Budi": "hash of Budi"}, []) == ["Budi"]
    after = {each.name: each for each in store.accounts()}
    assert after["Rina"].password == "another" and not after["Siti"].serves
    assert [actor for kind, _, actor in noted(store) if kind == journal.ACCOUNT_ADDED] == [None] * 3


@given(
    role=st.sampled_from(Role),
    disabled=st.none() | st.integers(0, NOW_MS),
    by_password=st.booleans(),
    age_ms=st.integers(-SESSION_MS, 3 * SESSION_MS),
    accounts=st.booleans(),
    known=st.booleans(),
)
def test_a_session_may_what_its_account_may_and_never_more(
    role: Role, disabled: int | None, by_password: bool, age_ms: int, accounts: bool, known: bool
) -> None:
    account = Account("Rina", role, "x", 0, 0, None, disabled) if known else None
    session = ConsoleSession("a" * 64, "Rina", NOW_MS - age_ms, by_password)
    may = permissions_of(session, account, accounts=accounts, now_ms=NOW_MS)
    if may is None:
        assert age_ms >= SESSION_MS or accounts or by_password
    elif accounts:
        assert by_password and known and disabled is None and may == OF_ROLE[role]
    else:
        assert not by_password and may == WITHOUT_ACCOUNTS
    assert may is None or age_ms < SESSION_MS


def test_the_last_administrator() -> None:
    siti = copied(RINA, name="Siti", role=Role.ADMINISTRATOR)
    assert last_administrator([RINA, siti], "Siti") and not last_administrator([RINA, siti], "Rina")
    assert not last_administrator([siti, copied(siti, name="Budi")], "Siti")
    assert last_administrator([siti, copied(siti, name="Budi", disabled_ms=1)], "Siti")
