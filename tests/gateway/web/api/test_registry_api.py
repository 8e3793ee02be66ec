"""The registry by its API, on a real store: enrolments by a button's own proof, owners, protocols, calls together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_ports import ManualClock
from gateway.sample_site import SITE, WIB
from gateway.web.conftest import ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.owners.test_owner_pages import Desk
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.api_tokens import hash_of
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.owner_cases import OwnerCaseLimits
from siaga_gateway.domain.permissions import OF_ROLE, Role
from siaga_gateway.domain.value import copied
from siaga_gateway.service.incidents.protocol_book import ProtocolBook
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.registry.search_indexing import SearchIndexing
from siaga_gateway.web.app import ConsoleOptions, create_app

BUTTON = PressingButton()
BUDI = {"name": "Budi Contoh", "nik": "1871010203900001", "phone": "0812 3456 7890", "address": "Jl. Contoh 7"}
WANTED = {
    "frame": BUTTON.enrol().hex(),
    "owner": BUDI,
    "label": "Toko Contoh 7",
    "latitude": -5.4292,
    "longitude": 105.261,
    "sim": {"number": "+62 812-0000-0001", "operator": "Contoh", "active_until": "2027-12-31"},
}


@dataclass
class Programs:
    """A store with owner 1 and his button, and a client for each role that has a token."""

    store: SqlStore
    clock: ManualClock = field(default_factory=lambda: ManualClock(sample_store.NOW_MS + 60_000))
    disclosures: FakeDisclosures = field(default_factory=FakeDisclosures)

    def __post_init__(self) -> None:
        accounts = FakeAccountStore()
        accounts.put_account(Account("Contoh Admin", Role.ADMINISTRATOR, "x", 0, 0))
        made = accounts_on(accounts, self.clock)
        notifier = JournalNotifier()
        desk = RegistryBook(self.store, self.clock, notifier, WIB)
        app = create_app(
            reader=self.store,
            operate=Desk(self.store).operator,
            disclosures=self.disclosures,
            sign_ins=FakeSignIns(),
            accounts=made,
            notifier=FakeBell(),
            clock=self.clock,
            options=ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32),
            registry=RegistryDirectory(self.store, self.clock, desk),
            owners=OwnerCases(self.store, notifier, self.clock, OwnerCaseLimits(), [], WIB),
            protocols=ProtocolBook(self.store, self.clock),
        )
        self.of: dict[Role, TestClient] = {}
        for role, letter in ((Role.INSTALLER, "a"), (Role.REGISTRAR, "b"), (Role.SUPERVISOR, "c")):
            token, ends_ms = "siaga_" + letter * 43, self.clock.now_ms() + 86_400_000
            scopes = [each.value for each in OF_ROLE[role]]
            made.tokens.make(f"Contoh {role}", hash_of(token) or "", scopes, ends_ms, "Dewi")
            self.of[role] = TestClient(
                app, base_url=f"{ORIGIN}/api/v1", headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"}
            )

    def notes(self) -> list[tuple[str, str | None]]:
        return [(entry.kind, entry.actor) for entry in self.store.journal_after(0, 100)]


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    indexing = SearchIndexing(store, lambda: None)
    while indexing.step():
        pass
    made = Programs(store)
    yield made
    for each in made.of.values():
        each.close()
    store.close()


def test_an_installer_enrols_by_the_buttons_proof_and_a_registrar_confirms(programs: Programs) -> None:
    installer, registrar = programs.of[Role.INSTALLER], programs.of[Role.REGISTRAR]
    posted = installer.post("enrolments", json=WANTED)
    assert posted.status_code == 201, posted.text
    told = posted.json()
    assert (told["device"], told["state"], told["owner"]) == (BUTTON.device_id.hex(), "pending", 2)
    assert BUDI["name"] not in posted.text and BUDI["nik"] not in posted.text
    again = installer.post("enrolments", json=WANTED)
    assert (again.status_code, again.json()) == (200, told), "a lost answer may be asked for again"
    assert len(programs.store.owners()) == 2 and len(programs.store.devices()) == 2
    assert programs.store.sims([BUTTON.device_id])[BUTTON.device_id].number == "+6281200000001"
    owner = programs.store.owner(2)
    assert owner is not None and owner.phone == "+6281234567890"
    address = f"enrolments/{told['device']}"
    assert installer.post(f"{address}/confirm").status_code == 403, "whoever installs does not confirm"
    assert [each["device"] for each in registrar.get("enrolments").json()["items"]] == [told["device"]]
    confirmed = registrar.post(f"{address}/confirm")
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "active")
    assert registrar.post(f"{address}/confirm").status_code == 200
    assert installer.get(address).json()["state"] == "active"
    assert [each for each in programs.notes() if each[0] in ("enrolled", "registration_changed")] == [
        ("enrolled", "API: Contoh installer"),
        ("registration_changed", "API: Contoh registrar"),
    ]


def test_a_button_whose_owner_nobody_tells_waits_in_the_quarantine(programs: Programs) -> None:
    installer = programs.of[Role.INSTALLER]
    posted = installer.post("enrolments", json={"frame": WANTED["frame"]})
    assert (posted.status_code, posted.json()["state"], posted.json()["proven"]) == (201, "quarantined", True)
    assert installer.post("enrolments", json={"frame": WANTED["frame"]}).status_code == 200
    assert [each.device_id for each in programs.store.strangers()] == [BUTTON.device_id]
    assert installer.post("enrolments", json=WANTED).json()["state"] == "pending"
    assert programs.store.strangers() == []


@pytest.mark.parametrize(
    ("changes", "status", "key"),
    [
        ({"frame": "00"}, 409, "enrol.no_frame"),
        ({"frame": BUTTON.press(1_790_000_000).hex()}, 409, "enrol.no_enrol"),
        ({"owner": {**BUDI, "nik": "1"}}, 409, "enrol.nik"),
        ({"owner": {**BUDI, "nik": "9900000000000001"}, "sure": True}, 409, "enrol.registrar_looks"),
        ({"owner": {**BUDI, "nik": "1871013002900001"}}, 409, "registration.owner_doubted"),
        ({"longitude": None}, 409, "enrol.no_position"),
        ({"latitude": 0, "longitude": 0}, 409, "registration.place_zero"),
        ({"label": None}, 409, "enrol.empty"),
        ({"sim": {"number": "abc"}}, 409, "sim.number"),
        ({"frame": "xyz"}, 422, "error.form"),
        ({"nick": "x"}, 422, "error.form"),
    ],
)
def test_what_cannot_be_enrolled_leaves_nothing_behind(
    programs: Programs, changes: dict[str, Any], status: int, key: str
) -> None:
    refused = programs.of[Role.INSTALLER].post("enrolments", json={**WANTED, **changes})
    assert (refused.status_code, refused.json()["key"]) == (status, key), refused.text
    assert len(programs.store.owners()) == 1 and len(programs.store.devices()) == 1


def test_somebody_elses_button_is_not_enrolled_again(programs: Programs) -> None:
    installer = programs.of[Role.INSTALLER]
    installer.post("enrolments", json=WANTED)
    other = {**BUDI, "nik": "1871010203900002", "name": "Citra Contoh"}
    assert installer.post("enrolments", json={**WANTED, "owner": other}).status_code == 409
    assert len(programs.store.owners()) == 2


def test_an_installer_cannot_find_out_whose_a_nik_is_by_enrolling(programs: Programs) -> None:
    installer, registrar = programs.of[Role.INSTALLER], programs.of[Role.REGISTRAR]
    known = {"owner": {**BUDI, "nik": "9900000000000001"}, "sure": True}
    told = registrar.post("enrolments", json={**WANTED, **known})
    assert told.json()["key"] == "lists.other_name" and "owner 1" in told.text, "who may read owners is told which"
    installer.post("enrolments", json=WANTED)
    button = {**WANTED, "owner": {**BUDI, "nik": "1871010203900002"}}  # whose button it is, is told no more
    other = {**WANTED, **known, "frame": PressingButton().enrol().hex()}
    answers = [installer.post("enrolments", json=each) for each in (other, button) * 5]
    assert {(each.status_code, each.json()["key"], each.json()["detail"]) for each in answers} == {
        (409, "enrol.registrar_looks", answers[0].json()["detail"])
    }
    assert "owner 1" not in answers[0].text and BUTTON.device_id.hex() not in answers[1].text
    limited = installer.post("enrolments", json=other)
    assert (limited.status_code, limited.json()["key"]) == (429, "error.guesses"), limited.text
    assert registrar.post("enrolments", json={**WANTED, **known}).status_code == 409, "everybody has his own limit"
    programs.clock.at_ms += 3_600_000
    assert all(installer.post("enrolments", json=WANTED).status_code == 200 for _ in range(20)), "right ones are free"


def test_what_another_enrolled_at_the_same_time_is_there_and_no_error(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer, store = programs.of[Role.INSTALLER], programs.store
    told = installer.post("enrolments", json=WANTED).json()
    read, stale = store.enrolled, [{}]
    monkeypatch.setattr(store, "enrolled", lambda ids: stale.pop() if stale else read(ids))
    again = installer.post("enrolments", json=WANTED)
    assert (again.status_code, again.json()) == (200, told), again.text
    assert not stale and len(store.owners()) == 2


def test_owners_are_listed_and_searched_by_registrars_and_noted(programs: Programs) -> None:
    programs.of[Role.INSTALLER].post("enrolments", json=WANTED)
    registrar = programs.of[Role.REGISTRAR]
    first = registrar.get("owners", params={"limit": 1}).json()
    second = registrar.get("owners", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [each["id"] for page in (first, second) for each in page["items"]] == [1, 2]
    last = registrar.get("owners", params={"cursor": second["next_cursor"]}).json()
    assert last == {"items": [], "next_cursor": None}
    found = registrar.post("owners/search", json={"query": "wati"}).json()
    assert [each["id"] for each in found["owners"]] == [1] and not found["more"]
    assert ("API: Contoh registrar", "search", (1,)) in programs.disclosures.told
    assert registrar.post("owners/search", json={"query": "wa"}).json()["key"] == "registry.short"
    assert programs.of[Role.INSTALLER].post("owners/search", json={"query": "wati"}).status_code == 403
    assert programs.of[Role.INSTALLER].get("owners").status_code == 403


def test_a_supervisor_saves_a_protocol_and_never_over_anothers(programs: Programs) -> None:
    supervisor = programs.of[Role.SUPERVISOR]
    kinds = {each["kind"]: each for each in supervisor.get("protocols").json()["items"]}
    assert kinds["silent"]["version"] == 0 and kinds["silent"]["steps_id"]
    body = {"steps_id": ["Satu", "Dua"], "steps_en": ["One", "Two"], "version": 0}
    saved = supervisor.post("protocols/silent", json=body).json()
    assert (saved["version"], saved["steps_en"], saved["saved_by"]) == (1, ["One", "Two"], "API: Contoh supervisor")
    assert supervisor.post("protocols/silent", json=body).json()["version"] == 1, "the same is no other version"
    late = supervisor.post("protocols/silent", json={**body, "steps_id": ["Tiga", "Empat"]})
    assert (late.status_code, late.json()["key"]) == (409, "protocol.overtaken")
    assert supervisor.post("protocols/silent", json={**body, "steps_id": []}).status_code == 422
    assert programs.of[Role.REGISTRAR].post("protocols/silent", json=body).status_code == 403


def test_several_calls_are_put_together_and_stepped_on_at_once(programs: Programs) -> None:
    supervisor, store = programs.of[Role.SUPERVISOR], programs.store
    incidents = [sample_store.open_incident(store, counter) for counter in (1, 2, 3)]
    with store.transaction() as transaction:
        for each in incidents:
            transaction.put_incident(copied(each, device_id=sample_store.DEVICE_ID))
    joined = supervisor.post("majors/1/join", json={"incidents": [2, 3, 99]})
    assert joined.status_code == 200 and joined.json() == {"done": [2, 3], "left": [99]}

    def as_seen(number: int) -> dict[str, Any]:
        answer = supervisor.get(f"incidents/{number}")
        return {
            "id": number,
            "progress": answer.headers["ETag"].strip('"').partition(".")[0],
            "wave": answer.json()["wave"],
            "presses": answer.json()["presses"],
        }

    calls = [as_seen(2), as_seen(3)]
    assert supervisor.post("majors/1/seen", json={"calls": calls}).json() == {"done": [2, 3], "left": []}
    sent = supervisor.post("majors/1/assign", json={"calls": [calls[0], as_seen(3)], "unit": "Sabhara  12"}).json()
    assert sent == {"done": [3], "left": [2]}, "of 2 a step was taken since"
    assert supervisor.post("majors/1/leave", json={"incidents": [3]}).json() == {"done": [3], "left": []}
    closed = {"calls": [as_seen(2), as_seen(3)], "disposition": "accidental"}
    assert 3 in supervisor.post("majors/1/close", json=closed).json()["left"], "it is no member any more"
