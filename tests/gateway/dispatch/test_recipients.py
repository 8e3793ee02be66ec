"""Whom a contact is for, where the look-up of people fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from gateway.dispatch.called_district import LADDER, CalledDistrict
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.places import Point
from siaga_gateway.service.dispatch.recipients import Reach, Recipient, Recipients
from siaga_gateway.service.dispatch.routing import PressOrigin
from siaga_gateway.service.store import StoreDamaged, StoreFailing


class Failing:
    """Implements People: every look-up fails."""

    def __init__(self) -> None:
        self.error: Exception = OverflowError("date value out of range")

    def near(self, place: Point | None, now_ms: int) -> Sequence[Recipient]:
        raise self.error

    def chiefs(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        raise self.error

    def everyone(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        raise self.error

    def person(self, key: str) -> Recipient | None:
        raise self.error


@pytest.fixture
def people() -> Failing:
    return Failing()


@pytest.fixture
def district(tmp_path: Path, people: Failing) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path, people=people)
    yield made
    made.close()


def test_where_people_cannot_be_looked_up_the_stations_are_called_on_every_rung(
    district: CalledDistrict, people: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    incident = district.press()
    district.go_on()
    for _ in range(40):
        district.hand_over()
        district.go_on(1)
    assert district.called(incident) == ["stations", "chief", "region", "everyone"]
    assert district.whom(incident, "stations") == {"polsek-sw", "polsek-se", "polres"}
    assert district.whom(incident, "chief") == {"polres"}
    assert district.whom(incident, "region") == {"polda"}
    assert district.whom(incident, "everyone") >= {"polsek-sw", "polres", "polda"}
    logged = [each for each in caplog.records if each.exc_info and each.exc_info[1] is people.error]
    assert len(logged) == 3 and all(each.levelname == "ERROR" for each in logged)


def test_where_the_list_of_people_is_damaged_the_stations_are_called(district: CalledDistrict, people: Failing) -> None:
    people.error = StoreDamaged("store.damaged", why="page 77")
    incident = district.press()
    district.go_on()
    assert district.whom(incident, "stations") == {"polsek-sw", "polsek-se", "polres"}


def test_who_cannot_be_looked_up_is_not_asked_and_holds_up_nothing(district: CalledDistrict, people: Failing) -> None:
    recipients = Recipients(district.router, lambda incident: PressOrigin(), people, district.store.drill)
    contact = Contact(1, ContactKind.ASK, Why.SCENE_SILENT, 1, who="responder:a")
    incident, now_ms = district.press(), district.clock.now_ms()
    assert recipients.of(incident, contact, LADDER, (), tuple, now_ms) == Reach(())
    people.error = StoreFailing("away")
    with pytest.raises(StoreFailing):
        recipients.of(incident, contact, LADDER, (), tuple, now_ms)


def test_a_store_that_fails_is_waited_for(district: CalledDistrict, people: Failing) -> None:
    wanted, people.error = people.error, StoreFailing("away")
    incident = district.press()
    with pytest.raises(StoreFailing):
        district.waves.work()
    assert district.called(incident) == []
    people.error = wanted
    district.go_on()
    assert district.called(incident) == ["stations"]
