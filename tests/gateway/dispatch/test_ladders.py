"""Whose ladder an incident climbs, and from where it is when no position came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.dispatch.listed_places import at
from siaga_gateway.config.dispatch import DispatchSettings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.escalation_settings import CallList, Ladder
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.routing import PressOrigin

USUAL, POLRES, SW = Ladder("usual"), Ladder("polres"), Ladder("polsek-sw")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def test_the_lowest_station_with_a_ladder_of_its_own_counts(district: CalledDistrict) -> None:
    in_sw, in_se = district.press(IN_SW), district.press(at(1.5, 0.5), counter=2)
    nowhere = district.press(None, counter=3)
    origins = Origins(district.store)

    def ladders(**own: Ladder) -> list[Ladder]:
        found = Ladders(USUAL, {key.replace("_", "-"): each for key, each in own.items()}, district.router, origins.of)
        return [found.of(each, district.clock.now_ms()) for each in (in_sw, in_se, nowhere)]

    assert ladders() == [USUAL, USUAL, USUAL]
    assert ladders(polres=POLRES) == [POLRES, POLRES, USUAL]
    assert ladders(polres=POLRES, polsek_sw=SW) == [SW, POLRES, USUAL]


def test_without_a_position_the_mounting_place_and_the_registered_area_count(district: CalledDistrict) -> None:
    incident = district.press(None)
    origins = Origins(district.store)
    assert origins.of(incident) == PressOrigin(None, None, None)
    with district.store.transaction() as transaction:
        transaction.set_home_station(district.store.owners()[0].id, "polsek-se")
    assert origins.of(incident) == PressOrigin(None, None, "polsek-se")
    with district.store.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        transaction.set_place(sample_store.DEVICE_ID, "Toko Contoh", IN_SW)
    assert origins.of(incident) == PressOrigin(None, IN_SW, "polsek-se")
    assert origins.of(district.press(at(1.5, 0.5), counter=2)) == PressOrigin(at(1.5, 0.5))


def test_a_ladder_in_the_settings() -> None:
    assert DispatchSettings().ladder.ladder() == Ladder("dispatch.ladder")
    given = DispatchSettings.model_validate(
        {
            "ladder": {"rungs": [{"name": "semua", "after_s": 0, "lists": ["everyone"]}], "again_s": [30]},
            "ladders": [{"station": "polres-contoh", "minutes": 20}],
        }
    )
    site, own = given.ladder.ladder(), given.ladders[0].ladder()
    assert [(rung.name, rung.after_s, rung.lists) for rung in site.rungs] == [("semua", 0, (CallList.EVERYONE,))]
    assert (site.again_s, own.jurisdiction, own.minutes) == ((30,), "polres-contoh", 20)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ladder": {"desk_s": 61}}, "desk_s = 61"),
        ({"ladder": {"rungs": []}}, "ends with nobody"),
        ({"ladder": {"again_s": []}}, "again_s"),
        ({"ladders": [{"station": "polres-a", "assign_s": 0}]}, "polres-a"),
        ({"ladders": [{"station": "polres-a"}, {"station": "polres-a"}]}, "polres-a has two"),
    ],
)
def test_a_wrong_ladder_is_refused_by_name(wrong: dict[str, object], named: str) -> None:
    with pytest.raises((SiagaError, ValueError), match=named):
        DispatchSettings.model_validate(wrong)
