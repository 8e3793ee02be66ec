"""What an owner tells for helpers and his photograph, on his page of the registry: who may, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from pwdlib.hashers.argon2 import Argon2Hasher

from gateway import sample_store
from gateway.adapters.test_photograph_conversion import from_a_phone
from gateway.fake_account_store import FakeAccountStore, accounts_on, no_accounts
from gateway.fake_ports import ManualClock
from gateway.sample_site import SITE, WIB
from gateway.sample_store import NOW_MS
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.owners.test_owner_pages import Desk
from siaga_gateway.adapters.photograph_conversion import PhotographConversion, is_small_jpeg
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.consent import CURRENT, Consent
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import LARGEST_UPLOAD
from siaga_gateway.domain.owner_profile import NOTHING_TOLD, fingerprint_of
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.session.security_headers import LARGEST_BODY

OWNER = "/registry/owners/1"
TOLD = {
    "hazards": ["dog", "threat"],
    "hazard_note": "Mantan suami <b>mengancam</b>",
    "conditions": ["heart"],
    "people": "3",
    "contact_name": ["Contoh Sari", "", ""],
    "contact_relation": ["anak", "", ""],
    "contact_phone": ["0812 0000 0031", "", ""],
}
HASH = Argon2Hasher(time_cost=1, memory_cost=64).hash("x")


@dataclass
class Office:
    store: SqlStore
    disclosures: FakeDisclosures

    def browser(self, role: Role | None = None) -> TestClient:
        """role: of who is signed in; None: a console without accounts."""
        clock = ManualClock(NOW_MS + 60_000)
        accounts = no_accounts(clock)
        if role is not None:
            kept = FakeAccountStore()
            kept.put_account(Account(OPERATOR, role, HASH, 0, 0))
            accounts = accounts_on(kept, clock)
        app = create_app(
            reader=self.store,
            operate=Desk(self.store).operator,
            disclosures=self.disclosures,
            sign_ins=FakeSignIns(),
            accounts=accounts,
            notifier=FakeBell(),
            clock=clock,
            options=ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32),
            registry=RegistryDirectory(self.store, clock, RegistryBook(self.store, clock, JournalNotifier(), WIB)),
            converted=PhotographConversion().converted,
        )
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.post("/sign-in", data={"name": OPERATOR, "password": "x"}).status_code == 303
        return client


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.add_consent(1, Consent(CURRENT, "2026-09-01", NOW_MS, "Rina"))
    yield Office(store, FakeDisclosures())
    store.close()


def seen(page: str) -> str:
    found = re.search(r'/profile">\s*<input type="hidden" name="seen" value="([0-9a-f]{16})"', page)
    assert found is not None
    return found[1]


def send(browser: TestClient, raw: bytes, field: str = "photo") -> Response:
    return browser.post(f"{OWNER}/photograph", files={field: ("../../x.html", raw, "text/html")})


def test_what_is_told_is_kept_shown_escaped_and_noted(office: Office) -> None:
    browser = office.browser()
    page = browser.get(OWNER).text
    assert "Nothing is told." in page and seen(page) == fingerprint_of(NOTHING_TOLD)
    answer = browser.post(f"{OWNER}/profile", data={**TOLD, "seen": seen(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, OWNER)
    stored = office.store.profile_of(1)
    assert stored is not None and stored.profile.contacts[0].phone == "+6281200000031"
    page = browser.get(OWNER).text
    assert "threatened by somebody known, dog" in page and "Mantan suami &lt;b&gt;mengancam" in page
    assert 'value="dog" checked' in page and 'value="Contoh Sari"' in page
    assert (OPERATOR, "registration", (1,)) in office.disclosures.told
    again = browser.post(f"{OWNER}/profile", data={**TOLD, "seen": fingerprint_of(NOTHING_TOLD)})
    assert again.status_code == 409 and "load it again" in again.text and 'value="Contoh Sari"' in again.text


def test_what_is_wrong_is_named_and_what_was_typed_stays(office: Office) -> None:
    browser = office.browser()
    wrong = {**TOLD, "seen": fingerprint_of(NOTHING_TOLD), "contact_phone": ["tidak ada", "", ""]}
    answer = browser.post(f"{OWNER}/profile", data=wrong)
    assert answer.status_code == 409 and "contact 1" in answer.text and "&lt;b&gt;mengancam" in answer.text
    assert office.store.profile_of(1) is None
    assert browser.post(f"{OWNER}/profile", data={**wrong, "hazard_note": "x" * 2_000}).status_code == 422


def test_it_is_offered_only_with_the_consent_that_names_it(office: Office) -> None:
    browser = office.browser()
    with office.store.transaction() as transaction:
        transaction.add_consent(1, Consent("2026-1", "2026-09-02", NOW_MS, "Rina"))
    page = browser.get(OWNER).text
    assert "Needs the consent to text 2026-2" in page and f'action="{OWNER}/profile"' not in page
    answer = browser.post(f"{OWNER}/profile", data={**TOLD, "seen": fingerprint_of(NOTHING_TOLD)})
    assert answer.status_code == 409 and "2026-2" in answer.text and 'value="Contoh Sari"' in answer.text


def test_what_his_consent_covers_no_more_is_erased_by_a_button(office: Office) -> None:
    browser = office.browser()
    assert browser.post(f"{OWNER}/profile", data={**TOLD, "seen": fingerprint_of(NOTHING_TOLD)}).status_code == 303
    with office.store.transaction() as transaction:
        transaction.add_consent(1, Consent("2026-1", "2026-09-02", NOW_MS, "Rina"))
    page = browser.get(OWNER).text
    assert "Erase what was told for helpers" in page and 'name="hazard_note"' not in page
    seen = page.partition(f'action="{OWNER}/profile"')[2].partition('name="seen" value="')[2].partition('"')[0]
    assert browser.post(f"{OWNER}/profile", data={"seen": seen}).status_code == 303
    assert office.store.profile_of(1) is None and "Erase what was told" not in browser.get(OWNER).text


def test_a_photograph_is_kept_bare_whatever_it_is_called(office: Office) -> None:
    browser = office.browser()
    assert browser.get(f"{OWNER}/photograph").status_code == 404
    assert send(browser, from_a_phone()).status_code == 303
    shown = browser.get(f"{OWNER}/photograph")
    assert shown.headers["content-type"] == "image/jpeg" and "no-store" in shown.headers["cache-control"]
    assert is_small_jpeg(shown.content) and b"Exif" not in shown.content
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert (OPERATOR, "photograph", (1,)) in office.disclosures.told
    assert f'src="{OWNER}/photograph?at=' in browser.get(OWNER).text
    assert browser.post(f"{OWNER}/photograph/remove").status_code == 303
    assert browser.get(f"{OWNER}/photograph").status_code == 404


@pytest.mark.parametrize(
    "raw",
    [b"", b"<svg onload=alert(1)>", b"GIF89a" + bytes(40), b"%PDF-1.7", b"\xff\xd8\xff" + b"x" * 200, b"PK\x03\x04zip"],
)
def test_what_is_no_picture_is_refused_with_a_reason(office: Office, raw: bytes) -> None:
    answer = send(office.browser(), raw)
    assert answer.status_code == 409 and 'role="alert"' in answer.text
    assert office.store.owner_photograph_ms(1) is None


def test_another_field_and_one_that_is_too_large_are_refused(office: Office) -> None:
    browser = office.browser()
    assert send(browser, from_a_phone(), "image").status_code == 409
    assert send(browser, bytes(LARGEST_UPLOAD + LARGEST_BODY)).status_code == 413
    big = browser.post(f"{OWNER}/profile", data={"seen": "", "hazard_note": "x" * LARGEST_BODY})
    assert big.status_code == 413, "only the photograph's own address takes more"
    assert office.store.owner_photograph_ms(1) is None


def test_from_another_page_nothing_is_taken(office: Office) -> None:
    browser = office.browser()
    for path in ("profile", "photograph", "photograph/remove"):
        assert browser.post(f"{OWNER}/{path}", headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [(Role.REGISTRAR, True, True), (Role.SUPERVISOR, True, False), (Role.AUDITOR, False, False)],
)
def test_who_is_shown_it(office: Office, role: Role, sees: bool, changes: bool) -> None:
    first = office.browser()
    assert first.post(f"{OWNER}/profile", data={**TOLD, "seen": fingerprint_of(NOTHING_TOLD)}).status_code == 303
    assert send(first, from_a_phone()).status_code == 303
    browser = office.browser(role)
    page = browser.get(OWNER).text
    assert ("Contoh Sari" in page, f'action="{OWNER}/profile"' in page) == (sees, changes)
    assert browser.get(f"{OWNER}/photograph").status_code == (200 if sees else 404)
    assert browser.post(f"{OWNER}/photograph/remove").status_code == (303 if changes else 403)
