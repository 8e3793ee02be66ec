"""Accounts as an administrator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.dispatch.listed_places import SW
from gateway.gateway_folder import Office
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.service.accounts.account_book import AccountBook
from siaga_gateway.web.session import auth

BY = ("--by", "Dewi", "--language", "en")
EN = ("--language", "en")
PASSWORD = "kata sandi contoh\n"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(auth, "hash_password", lambda password: f"$argon2id$of {len(password)}")
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    store = made.store()
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([SW])
    store.close()
    return made


def test_from_the_first_administrator_to_a_dispatcher(office: Office) -> None:
    assert "account add --administrator" in office.does("account", "list", *EN)
    assert office.does("account", "add", "Contoh  Admin", "--administrator", *BY, typed=PASSWORD) == (
        "Account: Contoh Admin, administrator"
    )
    dispatcher = ("Contoh Petugas", "--role", "dispatcher")
    assert SW.key in office.refuses("account", "add", *dispatcher, *BY, typed=PASSWORD)
    office.does("account", "add", *dispatcher, "--station", SW.key, *BY, typed=PASSWORD)
    admin, officer = map(json.loads, office.does("account", "list", "--json").splitlines())
    assert (admin["name"], admin["role"], admin["created_by"], admin["sessions"]) == (
        "Contoh Admin",
        "administrator",
        "Dewi",
        0,
    )
    assert (officer["role"], officer["jurisdiction"], officer["disabled_ms"]) == ("dispatcher", SW.key, None)
    assert "argon2" not in office.does("account", "list", "--json")
    assert "supervisor now" in office.does("account", "role", "Contoh Petugas", "supervisor", *BY)
    office.does("account", "disable", "Contoh Petugas", *BY)
    assert "disabled since" in office.does("account", "list", *EN)
    office.does("account", "enable", "Contoh Petugas", *BY)
    office.does("account", "password", "Contoh Petugas", *BY, typed="another one\n")
    assert "last administrator" in office.refuses("account", "disable", "Contoh Admin", *BY)
    assert "no account 'Nobody'" in office.refuses("account", "sign-out", "Nobody", *BY)


def test_a_role_is_named_once_and_a_password_is_long_enough(office: Office) -> None:
    for roles in ((), ("--administrator", "--role", "operator")):
        assert "give one role" in office.refuses("account", "add", "Contoh", *roles, *BY, typed=PASSWORD)
    assert "8 characters" in office.refuses("account", "add", "Contoh", "--administrator", *BY, typed="short\n")
    assert "account add" in office.does("account", "list", *EN), "nothing was added"


def test_who_is_signed_in_is_listed_and_signed_out(office: Office) -> None:
    office.does("account", "add", "Contoh Admin", "--administrator", *BY, typed=PASSWORD)
    assert office.does("account", "sessions", *EN) == "Nobody is signed in"
    store = office.store()
    book = AccountBook(store, WallClock())
    for key in "ab":
        book.begin(key * 64, "Contoh Admin", f"$argon2id$of {len(PASSWORD) - 1}", "10.0.0.9")
    lines = office.does("account", "sessions", *EN).splitlines()
    assert len(lines) == 2 and all(line.startswith("Contoh Admin: since ") and "10.0.0.9" in line for line in lines)
    assert "2 sessions" in office.does("account", "sign-out", "Contoh Admin", *BY)
    assert not store.sessions()
    store.close()
