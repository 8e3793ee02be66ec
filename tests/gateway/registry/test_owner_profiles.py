"""What an owner tells for helpers, and his photograph: sealed, with his consent only, and gone with him."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.sample_site import WIB
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.encryption import NoKeys, Sealing
from siaga_gateway.domain.consent import CURRENT, Consent
from siaga_gateway.domain.owner_profile import NOTHING_TOLD, EmergencyContact, OwnerProfile, fingerprint_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.profile_book import profile_of
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.registry_changes import OwnerDoubted
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy
from siaga_gateway.service.registry.subject_access import held_about

KEEPS = RetentionPolicy(positions_days=0, notes_days=0, personal_days=0, quarantine_days=0, figures_days=0)
JPEG = b"\xff\xd8\xff" + bytes(range(256)) * 40
IMAGE = base64.b64encode(JPEG).decode()
EMPTY = fingerprint_of(NOTHING_TOLD)
TYPED: dict[str, Any] = {
    "hazards": ["dog", "gas"],
    "hazard_note": "Anjing di halaman belakang",
    "conditions": ["heart"],
    "people": "4",
    "cannot_walk": 1,
    "languages": "Jawa,  Lampung",
    "contacts": [
        {"name": "Contoh Sari", "relation": "anak", "phone": "+620000000031"},
        {"name": "", "relation": "", "phone": ""},
    ],
}
TOLD = OwnerProfile(
    hazards=("gas", "dog"),
    hazard_note="Anjing di halaman belakang",
    conditions=("heart",),
    people=4,
    cannot_walk=1,
    languages="Jawa, Lampung",
    contacts=(EmergencyContact("Contoh Sari", "anak", "+620000000031"),),
)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With owner 1, who has agreed, and his button."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    agree(kept)
    yield kept
    kept.close()


def agree(store: SqlStore, version: str = CURRENT) -> None:
    with store.transaction() as transaction:
        transaction.add_consent(1, Consent(version, "2026-09-01", NOW_MS, "Rina"))


def book(store: SqlStore) -> RegistryBook:
    return RegistryBook(store, ManualClock(NOW_MS), JournalNotifier(), WIB)


def tell(store: SqlStore) -> None:
    book(store).change_profile(1, EMPTY, TYPED, False, "Rina")
    book(store).set_photograph(1, IMAGE, "Rina")


def rows(store: SqlStore) -> list[int]:
    return [store.fetch(f"SELECT count(*) FROM {table}")[0][0] for table in ("owner_profile", "owner_photograph")]


def test_it_is_kept_sealed_and_the_journal_names_only_what_was_changed(store: SqlStore) -> None:
    tell(store)
    stored = store.profile_of(1)
    assert stored is not None and stored.profile == TOLD and not stored.unreadable
    assert (store.owner_photograph(1), store.owner_photograph_ms(1)) == (JPEG, NOW_MS)
    assert store.profile_of(2) is store.owner_photograph(2) is store.owner_photograph_ms(2) is None
    raw = str(store.fetch("SELECT profile FROM owner_profile") + store.fetch("SELECT image FROM owner_photograph"))
    assert "Sari" not in raw and "heart" not in raw and "/9j/" not in raw
    noted = [each for each in store.journal_after(0, 100) if each.kind == journal.OWNER_CHANGED]
    fields = ["hazards", "hazard_note", "conditions", "people", "cannot_walk", "languages", "contacts"]
    assert [each.facts["fields"] for each in noted] == [fields, ["photograph"]]
    assert "Sari" not in json.dumps([dict(each.facts) for each in noted])


def test_two_who_change_it_at_once_are_told_and_nothing_told_leaves_no_row(store: SqlStore) -> None:
    tell(store)
    with pytest.raises(EnrolError) as refused:
        book(store).change_profile(1, EMPTY, {}, False, "Budi")
    assert refused.value.key == "profile.changed" and rows(store) == [1, 1]
    book(store).change_profile(1, fingerprint_of(TOLD), TYPED, False, "Budi")
    book(store).change_profile(1, fingerprint_of(TOLD), {}, False, "Budi")
    for _ in range(2):
        book(store).remove_photograph(1, "Budi")
    assert rows(store) == [0, 0]
    assert [each.kind for each in store.journal_after(0, 100)].count(journal.OWNER_CHANGED) == 4


def test_what_no_consent_covers_any_more_can_be_cleared_but_not_changed(store: SqlStore) -> None:
    tell(store)
    agree(store, "2026-1")
    with pytest.raises(EnrolError) as refused:
        book(store).change_profile(1, fingerprint_of(TOLD), {**TYPED, "hazards": []}, False, "Rina")
    assert refused.value.key == "profile.no_consent" and rows(store) == [1, 1]
    book(store).change_profile(1, fingerprint_of(TOLD), {}, False, "Rina")
    book(store).remove_photograph(1, "Rina")
    assert rows(store) == [0, 0]


def test_nothing_is_kept_without_a_consent_that_names_it(store: SqlStore) -> None:
    agree(store, "2026-1")
    for step in (
        lambda: book(store).change_profile(1, EMPTY, TYPED, False, "Rina"),
        lambda: book(store).set_photograph(1, IMAGE, "Rina"),
    ):
        with pytest.raises(EnrolError) as refused:
            step()
        assert refused.value.key == "profile.no_consent"
    assert rows(store) == [0, 0]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ({"hazards": ["dragon"]}, "profile.unknown"),
        ({"conditions": ["dog"]}, "profile.unknown"),
        ({"people": "-1"}, "profile.count"),
        ({"people": "1.5"}, "profile.count"),
        ({"children": "100"}, "profile.count"),
        ({"cannot_walk": "²"}, "profile.count"),
        ({"medical_note": "x" * 501}, "enrol.long"),
        ({"languages": "x" * 81}, "enrol.long"),
        ({"hazard_note": "a\u202eb"}, "text.hidden"),
        ({"contacts": [{"name": "A", "phone": "tidak ada"}]}, "profile.phone"),
        ({"contacts": [{"name": " ", "phone": "+620000000031"}]}, "profile.contact_name"),
        ({"contacts": [{"name": "A", "phone": "+620000000031"}] * 6}, "profile.contacts"),
    ],
)
def test_what_cannot_be_right_is_named(typed: dict[str, Any], key: str) -> None:
    with pytest.raises(Exception) as refused:
        profile_of(typed)
    assert getattr(refused.value, "key", None) == key
    assert all(getattr(refused.value, "say")(language) for language in ("id", "en"))  # noqa: B009


def test_a_number_that_no_telephone_has_is_asked_about(store: SqlStore) -> None:
    typed = {"contacts": [{"name": "A", "phone": "08001"}]}
    with pytest.raises(EnrolError):
        book(store).change_profile(1, EMPTY, typed, False, "Rina")
    typed = {"contacts": [{"name": "A", "phone": "+62 811 11"}]}
    with pytest.raises(OwnerDoubted):
        book(store).change_profile(1, EMPTY, typed, False, "Rina")
    book(store).change_profile(1, EMPTY, typed, True, "Rina")
    assert rows(store) == [1, 0]


@pytest.mark.parametrize("image", ["", "not base64!", base64.b64encode(b"<svg>").decode(), IMAGE[:8] + "A" * 500_000])
def test_no_photograph_that_is_none_is_kept(store: SqlStore, image: str) -> None:
    with pytest.raises(EnrolError) as refused:
        book(store).set_photograph(1, image, "Rina")
    assert refused.value.key == "profile.no_jpeg" and rows(store) == [0, 0]


def test_it_goes_with_the_owner_and_a_consent_of_the_erased_writes_nothing(store: SqlStore) -> None:
    tell(store)
    held = held_about(store, store.owner(1))["owner"]  # type: ignore[arg-type]
    assert held["told_for_helpers"]["contacts"][0]["name"] == "Contoh Sari"
    assert base64.b64decode(held["photograph"]["jpeg"]) == JPEG
    with store.transaction() as transaction:
        transaction.erase_owner(1, NOW_MS)
    assert rows(store) == [0, 0]
    with pytest.raises(EnrolError):
        book(store).change_profile(1, EMPTY, TYPED, False, "Rina")
    with pytest.raises(EnrolError):
        book(store).set_photograph(1, IMAGE, "Rina")
    assert rows(store) == [0, 0]


def test_what_an_older_gateway_left_of_whom_it_erased_goes_with_the_next_run(store: SqlStore) -> None:
    tell(store)
    retention = Retention(store, ManualClock(NOW_MS), KEEPS)
    retention.run()
    assert rows(store) == [1, 1]
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET name = '', nik = '', phone = '', key_id = '', erased_at_ms = 1 WHERE id = 1")
        session.run("DELETE FROM owner_consent WHERE owner_id = 1")  # nothing else is left that would be looked for
    retention.run(dry=True)
    assert rows(store) == [1, 1]
    retention.run()
    assert rows(store) == [0, 0]


def test_a_new_key_seals_it_anew_and_a_missing_one_hides_it_alone(store: SqlStore, tmp_path: Path) -> None:
    tell(store)
    new = KeyFile(tmp_path / FILE_NAME).add().id
    assert store.sealing.has(new)
    store.reseal()
    for column, table in (("profile", "owner_profile"), ("image", "owner_photograph")):
        assert store.fetch(f"SELECT {column} FROM {table}")[0][0].startswith(f"{new}.")
    stored = store.profile_of(1)
    assert stored is not None and stored.profile == TOLD and store.owner_photograph(1) == JPEG
    store.sealing = Sealing(NoKeys(), store.sealing._sealed_by)
    hidden = store.profile_of(1)
    assert hidden is not None and hidden.unreadable and hidden.profile == NOTHING_TOLD
    assert store.owner_photograph(1) is None and store.owner_photograph_ms(1) == NOW_MS


def test_one_that_was_moved_does_not_open(store: SqlStore) -> None:
    tell(store)
    with store.engine.transaction() as session:
        session.run("UPDATE owner_photograph SET image = (SELECT profile FROM owner_profile)")
    assert store.owner_photograph(1) is None


def test_what_cannot_be_read_is_not_written_over(store: SqlStore) -> None:
    tell(store)
    with store.engine.transaction() as session:
        session.run("UPDATE owner_profile SET profile = '0000ffff.lost'")
    with pytest.raises(EnrolError) as refused:
        book(store).change_profile(1, EMPTY, TYPED, False, "Rina")
    assert refused.value.key == "profile.sealed"
