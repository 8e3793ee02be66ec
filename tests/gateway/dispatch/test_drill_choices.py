"""Which buttons a station answers for, and whom a search finds, on a real store with the invented district."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway.dispatch.called_district import CalledDistrict, choices_of
from gateway.dispatch.listed_places import at
from gateway.sample_store import NOW_MS
from pressing_button import PressingButton
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.drill import MOST_BUTTONS
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.jurisdiction import Point
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.service.dispatch.drills import DrillError

IN_HOLE, IN_NW, FAR_EAST = at(0.5, 0.5), at(0.5, 1.5), at(9, 1.5)


class Fleet:
    def __init__(self, place: Place) -> None:
        self.district = CalledDistrict(place)
        self.store = self.district.store
        self.choices = choices_of(self.store, self.district.clock)

    def add(
        self,
        label: str,
        mounted: Point | None = None,
        seen: Point | None = None,
        state: RegistrationState = RegistrationState.ACTIVE,
    ) -> bytes:
        button = PressingButton()
        latitude, longitude = (None, None) if mounted is None else mounted
        with self.store.transaction() as transaction:
            transaction.add_device(
                Device(button.device_id, button.public_xy, 1, state, label, NOW_MS, None, latitude, longitude)
            )
            if seen is not None:
                position = Position(*seen, 10, 0, "gnss", NOW_MS)
                transaction.put_status(DeviceStatus(button.device_id, 1, 1, 1, NOW_MS, position=position))
        return button.device_id

    def of(self, key: str) -> list[str]:
        return [each.label for each in self.choices.of_station(key).buttons]


@pytest.fixture(params=ENGINES)
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(Place(request.param, tmp_path))
    yield made
    made.district.close()


def test_a_station_has_the_buttons_of_its_area_and_of_those_below_it(fleet: Fleet) -> None:
    fleet.add("B, kasir", IN_NW, seen=at(1.5, 1.5))
    fleet.add("A, dibawa", seen=IN_NW)
    fleet.add("C, di lubang", IN_HOLE)
    fleet.add("D, jauh", FAR_EAST)
    fleet.add("E, rusak", IN_NW, state=RegistrationState.SUSPENDED)
    assert fleet.of("polsek-nw") == ["A, dibawa", "B, kasir"]
    found = fleet.choices.of_station("polsek-nw")
    assert (found.inactive, found.unplaced) == (1, 1), "the sample's own button is nowhere"
    assert fleet.of("polres") == ["A, dibawa", "B, kasir", "C, di lubang", "D, jauh"]
    assert fleet.of("polsek-ne") == ["D, jauh"], "nobody's area: the nearest answers"
    with pytest.raises(DrillError, match="no button in service is mounted"):
        fleet.of("polsek-sw")
    with pytest.raises(DrillError, match="there is no station polsek-xx"):
        fleet.of("polsek-xx")


def test_a_station_of_more_buttons_than_a_drill_can_have_is_refused_whole(fleet: Fleet) -> None:
    with fleet.store.transaction() as transaction:
        for number in range(MOST_BUTTONS + 1):
            device = Device(
                number.to_bytes(8), number.to_bytes(64), 1, RegistrationState.ACTIVE, "Toko", NOW_MS, None, *IN_NW
            )
            transaction.add_device(device)
    with pytest.raises(DrillError, match=r"answers for 201 buttons, and a drill has 200 at most"):
        fleet.of("polsek-nw")


def test_a_search_finds_labels_and_numbers_of_buttons_in_service(fleet: Fleet) -> None:
    wanted = fleet.add("Toko Contoh, pintu")
    fleet.add("Toko Contoh, lama", state=RegistrationState.EXPIRED)
    found, count = fleet.choices.find("CONTOH", 1)
    assert ([each.label for each in found], count) == (["Toko Contoh, kasir"], 2)
    for typed in (wanted.hex(), wanted.hex()[:6].upper(), f"{wanted.hex()}, xyz"):
        assert [each.device_id for each in fleet.choices.find(typed, 9)[0]] == [wanted]
    assert fleet.choices.find("f", 9)[0] == [] and fleet.choices.listed([]) == []
    assert [each.label for each in fleet.choices.listed([wanted, b"fremd-01"])] == ["Toko Contoh, pintu"]
