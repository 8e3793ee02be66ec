"""The contract of service/store/places.py, kept by both engines and by the fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT, NE, NW, ListedPlaces
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.jurisdiction import unpacked
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied


@pytest.fixture(params=[*ENGINES, "fake"])
def places(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Any:
    if request.param == "fake":
        return ListedPlaces()
    made = sample_store.new_store(lend(request.param))
    sample_store.with_device(made)
    request.addfinalizer(made.close)
    return made


FULL = copied(
    NE,
    contacts=(Contact(ContactWay.WHATSAPP, "+6281200000001"), Contact(ContactWay.PHONE, "110")),
    hours=parsed("Sen-Jum 22:00-06:00; Sab 08:00-12:00, 13:00-15:00"),
    address='Jl. "Contoh" 1, Kampung Ä',
    verified_by=None,
    verified_day=None,
    parent=None,
)


def test_what_is_put_is_read_in_the_order_of_the_keys(places: Any) -> None:
    assert (places.places_version(), list(places.stations()), list(places.areas())) == (0, [], [])
    with places.transaction() as transaction:
        assert transaction.change_places() == 0
        transaction.put_stations([NW, FULL])
        transaction.put_areas(AREAS)
    assert places.places_version() == 1
    assert list(places.stations()) == [FULL, NW]
    assert [each.station_key for each in places.areas()] == sorted(each.station_key for each in AREAS)
    assert list(places.areas()) == sorted(AREAS, key=lambda each: each.station_key)
    assert len(unpacked(places.areas()[-1].shape)[0]) == 2, "a hole is kept"


def test_what_has_a_key_is_changed_and_others_stay(places: Any) -> None:
    with places.transaction() as transaction:
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
    with places.transaction() as transaction:
        assert transaction.change_places() == 0
        transaction.put_stations([copied(NW, name="Lain")])
        transaction.put_areas([copied(AREAS[0], station_key="polsek-ne")])
        transaction.put_stations([])
        transaction.put_areas([])
    stations = {each.key: each for each in places.stations()}
    assert stations == {each.key: each for each in DISTRICT} | {NW.key: copied(NW, name="Lain")}
    assert {each.station_key: each.shape for each in places.areas()}["polsek-ne"] == AREAS[0].shape
    assert len(places.areas()) == len(AREAS)


def test_only_what_is_named_is_removed(places: Any) -> None:
    with places.transaction() as transaction:
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
        transaction.remove_stations([])
        transaction.remove_stations(["polda", "nobody"])
        transaction.remove_areas(["polres"])
    assert {each.key for each in places.stations()} == {each.key for each in DISTRICT} - {"polda"}
    assert "polres" not in {each.station_key for each in places.areas()} and len(places.areas()) == len(AREAS) - 1


def test_an_owner_is_registered_in_an_area(places: Any) -> None:
    assert (places.home_station(1), places.home_stations()) == (None, {})
    with places.transaction() as transaction:
        transaction.set_home_station(1, "polsek-ne")
    assert (places.home_station(1), places.home_stations()) == ("polsek-ne", {"polsek-ne": 1})
    assert places.home_station(2) is None
    with places.transaction() as transaction:
        transaction.set_home_station(1, None)
    assert (places.home_station(1), places.home_stations()) == (None, {})


def test_a_list_that_is_not_finished_changes_nothing(store: SqlStore) -> None:
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
        raise RuntimeError("in the middle")
    assert (store.places_version(), store.stations(), store.areas()) == (0, [], [])


def test_another_process_hears_of_a_change(place: Place, store: SqlStore) -> None:
    other = sample_store.new_store(place)
    with other.transaction() as transaction:
        assert transaction.change_places() == 0
        transaction.put_stations([NW])
    assert store.places_version() == 1 and list(store.stations()) == [NW]
    other.close()


def test_a_mounting_address_is_kept_encrypted_and_goes_with_its_owner(store: SqlStore) -> None:
    device_id = sample_store.DEVICE_ID
    assert store.mounting_address(device_id) is None
    version = store.registry_version()
    with store.transaction() as transaction:
        transaction.set_address(device_id, "Jl. Contoh 7, lantai 2")
    assert store.mounting_address(device_id) == "Jl. Contoh 7, lantai 2"
    assert list(store.devices_changed(version)) == [device_id]
    ((kept,),) = store.fetch("SELECT address FROM device")
    assert "Contoh" not in kept
    with store.engine.transaction() as session:
        session.run("UPDATE device SET address = ?", (kept[:20] + "AAAA" + kept[24:],))
    assert store.mounting_address(device_id) is None, "changed behind our back"
    with store.transaction() as transaction:
        transaction.set_address(device_id, "Jl. Contoh 8")
        transaction.set_home_station(1, "polres")
        transaction.erase_owner(1, sample_store.NOW_MS)
    assert store.mounting_address(device_id) is None and store.home_stations() == {}
    assert store.fetch("SELECT address FROM device") == [(None,)]


def test_an_address_is_encrypted_anew_under_a_new_key(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.set_address(sample_store.DEVICE_ID, "Jl. Contoh 7")
    before = store.fetch("SELECT address FROM device")[0][0].partition(".")[0]
    after = KeyFile(tmp_path / FILE_NAME).add().id
    store.sealing.has(after)
    store.sealed_by(after)
    store.reseal()
    assert store.fetch("SELECT address FROM device")[0][0].partition(".")[0] == after != before
    assert store.mounting_address(sample_store.DEVICE_ID) == "Jl. Contoh 7"
    store.close()


@pytest.mark.parametrize(
    "fault",
    [
        "kind = 'polsez'",
        "contacts = '[[\"phone\"'",
        "contacts = '7'",
        "hours = 'mon 08:00'",
        'contacts = \'[["fax", "1"]]\'',
    ],
)
def test_a_station_that_is_damaged_leaves_the_others_until_its_list_comes_again(
    store: SqlStore, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    with store.transaction() as transaction:
        transaction.put_stations(DISTRICT)
    with store.engine.transaction() as session:
        session.run(f"UPDATE station SET {fault} WHERE station_key = ?", (NW.key,))
    assert {each.key for each in store.stations()} == {each.key for each in DISTRICT} - {NW.key}
    assert NW.key in caplog.text
    with store.transaction() as transaction:
        transaction.put_stations([NW])
    assert {each.key for each in store.stations()} == {each.key for each in DISTRICT}
