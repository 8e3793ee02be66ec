"""Ladders that would reach nobody are named before a press finds them out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import on_ntfy
from gateway.dispatch.listed_places import DISTRICT, POLDA, POLRES
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_settings import CallList, Ladder, Rung
from siaga_gateway.domain.places import SERIOUS, Contact, ContactWay, FindingKind, Station
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.ladders_check import check_ladders

NTFY = ContactWay.NTFY
USUAL = Ladder("usual")
UNMANNED, NOBODY = FindingKind.RUNG_UNMANNED, FindingKind.LADDER_NOBODY
Found = list[tuple[FindingKind, tuple[str, ...]]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    yield made
    made.close()


def check(
    store: SqlStore,
    stations: Collection[Station],
    ways: Collection[ContactWay] = (NTFY,),
    usual: Ladder = USUAL,
    **own: Ladder,
) -> Found:
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(stations)
    return [(each.kind, each.keys) for each in check_ladders(store, usual, own, ways)]


def test_where_everybody_has_a_way_nothing_is_wrong(store: SqlStore) -> None:
    assert check(store, [on_ntfy(each) for each in DISTRICT]) == []


def test_numbers_that_a_person_has_to_call_man_no_rung(store: SqlStore) -> None:
    assert check(store, DISTRICT) == [
        (NOBODY, ("polres", "everyone")),
        (UNMANNED, ("polres", "chief")),
        (UNMANNED, ("polres", "region")),
        (UNMANNED, ("polres", "stations")),
    ]


def test_a_short_number_is_for_people_to_dial(store: SqlStore) -> None:
    def on_phone(number: str) -> list[tuple[FindingKind, tuple[str, ...]]]:
        contacts = (Contact(ContactWay.PHONE, number),)
        return check(store, [copied(each, contacts=contacts) for each in DISTRICT], [ContactWay.PHONE])

    assert on_phone("+62721000001") == []
    assert (NOBODY, ("polres", "everyone")) in on_phone("110")


def test_a_way_that_is_not_set_up_is_none(store: SqlStore) -> None:
    found = check(store, [on_ntfy(each) for each in DISTRICT], [ContactWay.TELEGRAM])
    assert (NOBODY, ("polres", "everyone")) in found


def test_nothing_is_said_before_any_station_is_there(store: SqlStore) -> None:
    assert check(store, []) == []


def test_stations_without_any_way_set_up_are_one_serious_fault(store: SqlStore) -> None:
    assert check(store, [on_ntfy(each) for each in DISTRICT], []) == [(FindingKind.NO_WAY, ())]
    assert FindingKind.NO_WAY in SERIOUS


def test_one_rung_without_anybody_is_named_alone(store: SqlStore) -> None:
    others = [on_ntfy(each) for each in DISTRICT if each is not POLDA]
    assert check(store, [*others, POLDA]) == [(UNMANNED, ("polres", "region"))]


def test_a_chief_among_the_officers_mans_his_rung_once_his_way_is_proven(store: SqlStore) -> None:
    others = [on_ntfy(each) for each in DISTRICT if each is not POLRES]
    chief = Responder("r1", ResponderKind.OFFICER, "Contoh", "polres", skills=("Pimpinan",))
    assert check(store, [*others, POLRES]) == [(UNMANNED, ("polres", "chief"))]
    for proven_ms, found in ((None, [(UNMANNED, ("polres", "chief"))]), (NOW_MS, [])):
        way = ProvenWay(Contact(NTFY, "chief"), proven_ms)
        with store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([copied(chief, ways=(way,))])
        assert check(store, []) == found


def test_the_ladder_of_a_station_of_its_own_counts_for_it(store: SqlStore) -> None:
    others = [on_ntfy(each) for each in DISTRICT if each is not POLDA]
    short = copied(USUAL, rungs=(Rung("alle", 0, (CallList.STATIONS,)),))
    assert check(store, [*others, POLDA], polres=short) == []
    assert check(store, [], polda=short) == []
