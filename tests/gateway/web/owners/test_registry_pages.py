"""The registry's pages on a real store: a search, owners' data, consent, enrolments that wait, the form for paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock
from gateway.sample_site import SITE, WIB
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.owners.test_owner_pages import Desk
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.consent import CURRENT
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.registry.search_indexing import SearchIndexing
from siaga_gateway.service.store import UnknownDevice
from siaga_gateway.web.app import ConsoleOptions, create_app

STRANGER = PressingButton()
BUDI = {"name": "Budi Contoh", "nik": "9900000000000077", "phone": "+620000000077", "address": "Jl. Contoh 7"}


@dataclass
class Registry:
    """A store with owner 1, his button that waits to be confirmed, and a button in quarantine; a console on it."""

    store: SqlStore
    clock: ManualClock = field(default_factory=lambda: ManualClock(sample_store.NOW_MS + 60_000))
    disclosures: FakeDisclosures = field(default_factory=FakeDisclosures)

    def browser(self, language: str = "id") -> TestClient:
        desk = RegistryBook(self.store, self.clock, JournalNotifier(), WIB)
        app = create_app(
            reader=self.store,
            operate=Desk(self.store).operator,
            disclosures=self.disclosures,
            sign_ins=FakeSignIns(),
            accounts=no_accounts(self.clock),
            notifier=FakeBell(),
            clock=self.clock,
            options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32),
            registry=RegistryDirectory(self.store, self.clock, desk),
        )
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        return client

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.store.journal_after(0, 100)]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store, RegistrationState.PENDING)
    frame, seen_ms = STRANGER.enrol(), sample_store.NOW_MS
    with store.transaction() as transaction:
        transaction.quarantine([UnknownDevice(STRANGER.device_id, seen_ms, seen_ms, 2, frame, frame)], 10)
    indexing = SearchIndexing(store, lambda: None)
    while indexing.step():
        pass
    yield Registry(store)
    store.close()


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{16})"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "query",
    ["wati", "CONTOH wa", "+620000000001", "9900 0000 0000 0001", "1", sample_store.DEVICE_ID.hex(), "kasir toko"],
)
def test_an_owner_is_found_by_whatever_is_known_and_it_is_noted_who_looked(registry: Registry, query: str) -> None:
    answer = registry.browser().post("/registry", data={"query": query})
    assert answer.status_code == 200
    assert "Contoh Wati" in answer.text and 'href="/registry/owners/1"' in answer.text
    assert "9900000000000001" not in re.sub(r"<input[^>]*>", "", answer.text)
    assert (OPERATOR, "search", (1,)) in registry.disclosures.told


def test_a_search_says_why_it_found_nothing(registry: Registry) -> None:
    browser = registry.browser("en")
    assert "at least three letters" in browser.post("/registry", data={"query": "wa"}).text
    assert "Nothing found" in browser.post("/registry", data={"query": "tiada"}).text
    assert "still being made" not in browser.get("/registry").text
    with registry.store.engine.transaction() as session:
        session.run("UPDATE owner SET search_key = NULL")
    assert "still being made: 1 owners" in browser.get("/registry").text


def test_an_owner_is_registered_once_with_a_number_as_people_write_it(registry: Registry) -> None:
    browser = registry.browser()
    assert browser.post("/registry/owners", data={**BUDI, "phone": "tidak ada"}).status_code == 409
    added = browser.post("/registry/owners", data={**BUDI, "nik": "9900.0000.0000.0077", "phone": "0812 3456 7890"})
    assert added.headers["location"] == "/registry/owners/2"
    owner = registry.store.owner(2)
    assert owner is not None and (owner.nik, owner.phone) == (BUDI["nik"], "+6281234567890")
    again = browser.post("/registry/owners", data=BUDI)
    assert again.status_code == 409 and "pemilik 2" in again.text and BUDI["name"] in again.text


def test_an_unlikely_nik_is_asked_about_and_taken_when_somebody_has_checked(registry: Registry) -> None:
    browser = registry.browser("en")
    odd = {**BUDI, "nik": "1871013002900001"}
    asked = browser.post("/registry/owners", data=odd)
    assert asked.status_code == 409 and "no possible date of birth" in asked.text and 'name="sure"' in asked.text
    assert registry.store.owner(2) is None
    assert browser.post("/registry/owners", data={**odd, "sure": "true"}).status_code == 303


def test_a_change_is_journalled_without_what_was_in_it_and_never_over_somebody_elses(registry: Registry) -> None:
    browser = registry.browser()
    page = browser.get("/registry/owners/1").text
    form = {"name": "Wati Contoh Baru", "nik": "9900000000000001", "phone": "+620000000001", "address": "Jl. Baru 2"}
    version = registry.store.registry_version()
    changed = browser.post("/registry/owners/1", data={**form, "seen": seen(page)})
    assert changed.headers["location"] == "/registry/owners/1"
    owner = registry.store.owner(1)
    assert owner is not None and (owner.name, owner.address) == ("Wati Contoh Baru", "Jl. Baru 2")
    entry = registry.store.journal_after(0, 100)[-1]
    assert (entry.kind, entry.actor) == ("owner_changed", OPERATOR)
    assert entry.facts == {"owner_id": 1, "fields": ["name", "address"]}
    assert registry.store.devices_changed(version) == [sample_store.DEVICE_ID], "other processes read the owner anew"
    assert [found.id for found in registry.store.owners_named("baru", 5).owners] == [1]
    late = browser.post("/registry/owners/1", data={**form, "name": "Lain", "seen": seen(page)})
    assert late.status_code == 409 and "sudah diubah orang lain" in late.text and 'value="Lain"' in late.text
    assert registry.store.owner(1) == owner
    assert browser.get("/registry/owners/9").status_code == 404


def test_consent_is_recorded_with_its_text_its_day_and_by_whom(registry: Registry) -> None:
    browser = registry.browser("en")
    assert "No consent is recorded" in browser.get("/registry/owners/1").text
    for wrong in ({"version": "1900-1", "signed_on": "2026-01-02"}, {"version": CURRENT, "signed_on": "2099-01-01"}):
        assert browser.post("/registry/owners/1/consent", data=wrong).status_code == 409
    signed = {"version": CURRENT, "signed_on": "2026-01-02"}
    assert browser.post("/registry/owners/1/consent", data=signed).status_code == 303
    page = browser.get("/registry/owners/1").text
    assert f"Text {CURRENT}, signed on 2026-01-02" in page and OPERATOR in page
    assert "consent_recorded" in registry.kinds()
    with registry.store.transaction() as transaction:
        transaction.erase_owner(1, sample_store.NOW_MS)
    assert registry.store.consents_of(1) == []


def test_a_pending_enrolment_is_confirmed_once_or_refused_with_a_reason(registry: Registry) -> None:
    browser, device = registry.browser(), sample_store.DEVICE_ID
    page = browser.get("/registry/waiting").text
    assert "Contoh Wati" in page and device.hex() in page
    assert (OPERATOR, "pending", (1,)) in registry.disclosures.told
    unfounded = browser.post(f"/registry/devices/{device.hex()}/refuse", data={"reason": " "})
    assert unfounded.status_code == 409
    assert browser.post(f"/registry/devices/{device.hex()}/confirm").status_code == 303
    assert registry.store.registrations()[device] is RegistrationState.ACTIVE
    late = browser.post(f"/registry/devices/{device.hex()}/refuse", data={"reason": "salah formulir"})
    assert late.status_code == 409 and "salah formulir" not in browser.get("/registry/waiting").text
    assert registry.store.registrations()[device] is RegistrationState.ACTIVE


def test_a_button_of_the_quarantine_is_enrolled_or_taken_out(registry: Registry) -> None:
    browser, device = registry.browser(), STRANGER.device_id.hex()
    assert device in browser.get("/registry/waiting").text
    form = {"owner_id": "1", "label": "Gudang Contoh", "installed": "0, 0"}
    asked = browser.post(f"/registry/devices/{device}/enrol", data=form)
    assert asked.status_code == 409 and "laut dekat Afrika" in asked.text and 'value="Gudang Contoh"' in asked.text
    placed = browser.post(f"/registry/devices/{device}/enrol", data={**form, "installed": "-5.4292, 105.2610"})
    assert placed.headers["location"] == "/registry/owners/1"
    assert registry.store.strangers() == []
    assert "Gudang Contoh" in browser.get("/registry/owners/1").text
    gone = browser.post(f"/registry/devices/{device}/release", data={"reason": "bukan milik kita"})
    assert gone.status_code == 409 and "tidak ada di karantina" in gone.text


def test_taking_a_button_out_of_the_quarantine_says_why(registry: Registry) -> None:
    device = STRANGER.device_id.hex()
    released = registry.browser().post(f"/registry/devices/{device}/release", data={"reason": "tombol uji"})
    assert released.status_code == 303
    assert registry.store.strangers() == []
    assert "stranger_released" in registry.kinds()


def test_a_place_far_from_all_others_is_asked_about(registry: Registry) -> None:
    browser, device = registry.browser("en"), sample_store.DEVICE_ID.hex()
    address = f"/registry/owners/1/devices/{device}"
    with registry.store.transaction() as transaction:
        for number in range(1, 5):
            button = PressingButton()
            made = sample_store.Device(
                button.device_id, button.public_xy, 1, RegistrationState.ACTIVE, f"Contoh {number}", sample_store.NOW_MS
            )
            transaction.add_device(made)
            transaction.set_place(button.device_id, f"Contoh {number}", (-54_292_000 + number, 1_052_610_000))
    form = {"label": "Toko Contoh", "installed": "5.4292, 105.2610"}
    asked = browser.post(address, data=form)
    assert asked.status_code == 409 and "Did you mean -5.4292,105.261" in asked.text and "--yes" not in asked.text
    assert browser.post(address, data={**form, "sure": "true"}).status_code == 303
    assert "mounted at 5.4292,105.261" in browser.get("/registry/owners/1").text
    assert browser.post(f"/registry/owners/1/devices/{'0' * 16}", data=form).status_code == 404


@pytest.mark.parametrize("paper", ["id", "en"])
def test_the_form_for_paper_has_the_text_that_is_agreed_to(registry: Registry, paper: str) -> None:
    browser = registry.browser()
    empty = browser.get(f"/registry/form?paper={paper}").text
    filled = browser.get(f"/registry/owners/1/form?paper={paper}").text
    for page in (empty, filled):
        assert f'<html lang="{paper}">' in page and CURRENT in page and "UU 27/2022" in page and SITE.name in page
    assert "Contoh Wati" in filled and "Contoh Wati" not in empty
    assert "9900000000000001" in filled
    assert (OPERATOR, "form", (1,)) in registry.disclosures.told
