"""What a desk sees of who called: dangers first, the rest beside name and number; no number under duress by reflex."""

from __future__ import annotations

import re

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from gateway.fake_account_store import FakeAccountStore
from gateway.web.conftest import OPERATOR, Console
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.owner_profile import NOTHING_TOLD, EmergencyContact, OwnerProfile
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.store.owner_profiles import StoredProfile

TOLD = OwnerProfile(
    hazards=("threat", "dog", "drone"),
    hazard_note="Mantan suami <b>membawa parang</b>",
    conditions=("speech",),
    medical_note="Insulin di kulkas",
    people=4,
    cannot_walk=1,
    languages="Jawa",
    contacts=(EmergencyContact("Contoh Sari", "anak", "+6281200000031"),),
)
PHONE = 'href="tel:+6281200000031"'
PICTURE = "/incidents/1/holder-photograph"


def part(page: str, name: str) -> str:
    found = re.search(rf'data-part="{name}".*?</(?:section|header)>', page, re.DOTALL)
    assert found is not None, name
    return found[0]


@pytest.fixture
def told(console: Console) -> Console:
    console.book.press(1)
    console.book.profiles[2] = StoredProfile(TOLD, 1)
    console.book.photographs[2] = b"\xff\xd8\xff"
    return console


def test_dangers_stand_at_the_head_and_everything_is_escaped(told: Console) -> None:
    page = told.browser.get("/incidents/1").text
    head, person = part(page, "head"), part(page, "person")
    assert "diancam orang yang dikenal, anjing, drone" in head and "&lt;b&gt;membawa parang" in head
    assert "<b>membawa" not in page
    for words in ("sulit bicara", "Insulin di kulkas", "4 penghuni, 1 tidak dapat berjalan", "Jawa", "Contoh Sari"):
        assert words in person
    assert PHONE in person and f'src="{PICTURE}?at=1"' in person


def test_the_photograph_is_shown_to_who_may_and_noted(told: Console) -> None:
    before = len(told.disclosures.told)
    picture = told.browser.get(PICTURE)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "no-store"
    assert told.disclosures.told[before:] == [(OPERATOR, "incident", (1,))]
    told.book.press(2)
    assert told.browser.get("/incidents/2/holder-photograph").status_code == 404
    assert told.browser.get("/incidents/99/holder-photograph").status_code == 404


@pytest.mark.parametrize("quiet", ["silent", "duress"])
def test_no_number_is_rung_by_reflex_where_the_holder_must_not_be_heard(console: Console, quiet: str) -> None:
    console.book.press(1, silent=quiet == "silent")
    if quiet == "duress":
        console.book.do(do="duress", incident=1)
    console.book.profiles[2] = StoredProfile(TOLD, 1)
    person = part(console.browser.get("/incidents/1").text, "person")
    numbers = person.split('data-keep="contacts"')[1]
    # Two folds to open: that of the contacts, and that of the number.
    assert re.search(rf'<details class="behind">\s*<summary>[^<]+</summary>\s*<a {re.escape(PHONE)}', numbers)
    assert "Putuskan dahulu" in numbers


def test_what_an_auditor_may_not_see_is_not_in_the_page(told: Console) -> None:
    kept = FakeAccountStore()
    kept.put_account(Account(OPERATOR, Role.AUDITOR, Argon2Hasher(time_cost=1, memory_cost=64).hash("x"), 0, 0))
    browser = told.make(accounts=kept)
    browser.post("/sign-in", data={"name": OPERATOR, "password": "x"})
    page = browser.get("/incidents/1").text
    assert "Peran Anda tidak menampilkan" in page
    assert not any(words in page for words in ("Insulin", "Contoh Sari", "parang", PICTURE, PHONE))
    assert browser.get(PICTURE).status_code == 404


def test_earlier_calls_are_counted_by_how_they_ended(console: Console) -> None:
    for number, ending in ((1, "abuse"), (2, "verified"), (3, "abuse"), (4, None)):
        console.book.press(number, person=1)
        if ending is not None:
            console.book.do(do="seen", incident=number, actor=OPERATOR)
            console.book.do(do="close", incident=number, actor=OPERATOR, disposition=ending, note="")
    person = part(console.browser.get("/incidents/4").text, "person")
    assert "Panggilan terdahulu:" in person and "2×" in person
    assert person.count("<li>") == 3, "not this one"
    console.book.press(5, person=2)
    assert "Panggilan terdahulu" not in part(console.browser.get("/incidents/5").text, "person")


def test_without_the_key_it_says_so_and_the_call_is_shown(console: Console) -> None:
    console.book.press(1)
    console.book.profiles[2] = StoredProfile(NOTHING_TOLD, 1, unreadable=True)
    page = console.browser.get("/incidents/1").text
    assert "kuncinya tidak ada di sini" in part(page, "person") and 'class="danger"' not in page
