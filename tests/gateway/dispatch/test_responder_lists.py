"""A list of people or of shifts is taken whole or not at all, and whoever is removed is gone at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT, NE
from gateway.dispatch.listed_responders import BUDI, NOW_MS, POSITION, SAID
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.responder_csv import ResponderRow, responder_rows
from siaga_gateway.formats.shift_csv import ShiftRow, shift_rows
from siaga_gateway.formats.spreadsheet_csv import sheet
from siaga_gateway.service.dispatch.place_lists import Taken
from siaga_gateway.service.dispatch.responder_access import held_about_responder
from siaga_gateway.service.dispatch.responder_lists import (
    ResponderError,
    remove_responder,
    take_responders,
    take_shifts,
)
from siaga_gateway.service.journal import kinds as journal

CLOCK = ManualClock()


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> SqlStore:
    made = sample_store.new_store(tmp_path)
    with made.transaction() as transaction:
        transaction.put_stations(DISTRICT)
    request.addfinalizer(made.close)
    return made


def people(*lines: str) -> list[ResponderRow]:
    return responder_rows(sheet("\n".join(("key;name;station;telegram", *lines)).encode()))


def shifts(*lines: str) -> list[ShiftRow]:
    return shift_rows(sheet("\n".join(("key;hours", *lines)).encode()))


def told(taken: Taken) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.why.key) for fault in taken.faults]


THREE = people("budi;Contoh Budi;polsek-ne;100000001", "wati;Contoh Wati;;100000002", "joko;Contoh Joko;polres;")


def test_a_list_is_taken_again_without_harm_and_removes_only_when_told(store: SqlStore) -> None:
    dry = take_responders(store, CLOCK, THREE, actor="Dewi", dry_run=True)
    assert dry.added == ["budi", "wati", "joko"] and not store.responders()
    assert [(remark.line, remark.why.key) for remark in dry.remarks] == [(4, "responders.no_way")]
    assert take_responders(store, CLOCK, THREE, actor="Dewi").added == dry.added
    again = take_responders(store, CLOCK, THREE, actor="Dewi")
    assert again.unchanged == dry.added and not again.changes and store.responders_version() == 1
    fewer = people("budi;Lain;polsek-ne;100000001")
    assert take_responders(store, CLOCK, fewer, actor="Dewi").changed == ["budi"]
    assert len(store.responders()) == 3
    gone: list[Mapping[str, int]] = []
    added = store.responder_keys()
    replaced = take_responders(store, CLOCK, fewer, actor="Dewi", replace=True, gone=gone.append)
    assert replaced.removed == ["joko", "wati"]
    assert gone == [{key: added[key] for key in replaced.removed}], "all in one write"
    assert [each.key for each in store.responders()] == ["budi"]
    kinds = [entry.kind for entry in store.journal_after(0)]
    assert kinds.count(journal.RESPONDERS_IMPORTED) == 3 and kinds.count(journal.RESPONDER_REMOVED) == 2


def test_every_fault_is_told_with_its_line_and_nothing_changes(store: SqlStore) -> None:
    rows = people(
        "budi;Contoh Budi;polsek-nee;1", "budi;Contoh;;", "polres;Contoh;;", "wati;;nirgendwo;", "joko;Contoh;fern;"
    )
    taken = take_responders(store, CLOCK, rows, actor="Dewi")
    assert told(taken) == [
        (2, "cell.telegram"),
        (3, "responders.twice"),
        (4, "responders.station_s_key"),
        (5, "cell.empty"),
        (6, "responders.no_station"),
    ]
    near = take_responders(store, CLOCK, people("budi;Contoh;polsek-nee;"), actor="Dewi")
    assert told(near) == [(2, "responders.no_station_like")]
    assert told(take_responders(store, CLOCK, [], actor="Dewi")) == [(None, "responders.empty")]
    assert not store.responders() and store.responders_version() == 0


def test_a_home_far_from_the_stations_is_asked_about(store: SqlStore) -> None:
    latitude, longitude = (f"{part / 10**7}" for part in NE.place)
    header = "key;name;lat;lon"
    text = "\n".join((header, f"budi;Contoh;{latitude};{longitude}", f"wati;Contoh;{latitude[1:]};{longitude}"))
    rows = responder_rows(sheet(text.encode()))
    assert told(take_responders(store, CLOCK, rows, actor="Dewi")) == [(3, "places.meant")]
    assert take_responders(store, CLOCK, rows, actor="Dewi", sure=True).added == ["budi", "wati"]


def test_shifts_are_those_of_the_list_and_no_others(store: SqlStore) -> None:
    take_responders(store, CLOCK, THREE, actor="Dewi")
    first = take_shifts(store, CLOCK, shifts("budi;08:00-16:00", "budi;Sab 20:00-22:00", "wati;24h"), actor="Dewi")
    assert first.added == ["budi", "wati"] and len(store.shifts()) == 3
    second = shifts("budi;08:00-16:00")
    assert (
        take_shifts(store, CLOCK, second, actor="Dewi", dry_run=True).changed == ["budi"] and len(store.shifts()) == 3
    )
    assert take_shifts(store, CLOCK, second, actor="Dewi").changed == ["budi"]
    assert [each.responder for each in store.shifts()] == ["budi", "wati"]
    assert take_shifts(store, CLOCK, second, actor="Dewi", replace=True).removed == ["wati"]
    assert [each.responder for each in store.shifts()] == ["budi"]


def test_a_shift_of_nobody_or_twice_is_told(store: SqlStore) -> None:
    take_responders(store, CLOCK, THREE, actor="Dewi")
    rows = shifts("budy;24h", "mars;24h", "budi;08:00-16:00", "budi;08:00-16:00", "wati;")
    assert told(take_shifts(store, CLOCK, rows, actor="Dewi")) == [
        (2, "responders.unknown_like"),
        (3, "responders.unknown"),
        (5, "responders.shift_twice"),
        (6, "cell.no_hours"),
    ]
    assert told(take_shifts(store, CLOCK, [], actor="Dewi")) == [(None, "responders.no_shifts")] and not store.shifts()


def test_a_list_that_somebody_else_changed_meanwhile_is_not_taken(store: SqlStore) -> None:
    class Slow(list[ResponderRow]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            with store.transaction() as transaction:
                transaction.change_responders()
            return super().__iter__()

    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    gone: list[Mapping[str, int]] = []
    with pytest.raises(ResponderError, match="meanwhile"):
        take_responders(store, CLOCK, Slow(THREE[1:]), actor="Dewi", replace=True, gone=gone.append)
    assert [each.key for each in store.responders()] == ["budi"]
    assert gone == [], "who stays is not on the list that a restored backup is cleaned by"


def test_nobody_is_removed_who_cannot_be_put_on_the_list_of_the_erased(store: SqlStore) -> None:
    def full(_: Mapping[str, int]) -> None:
        raise Refused("erasures.line", path="x", number=1)

    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    with pytest.raises(Refused):
        take_responders(store, CLOCK, THREE[1:], actor="Dewi", replace=True, gone=full)
    with pytest.raises(Refused):
        remove_responder(store, CLOCK, "budi", actor="Dewi", reason="moved", gone=full)
    assert [each.key for each in store.responders()] == ["budi"] and store.responders_version() == 0
    assert not [one for one in store.journal_after(0) if one.kind == journal.RESPONDER_REMOVED]


def test_whoever_leaves_is_gone_in_the_same_moment(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
        transaction.declare(SAID)
        transaction.put_position(POSITION)
    gone: list[Mapping[str, int]] = []
    with pytest.raises(ResponderError, match="reason"):
        remove_responder(store, CLOCK, "budi", actor="Dewi", reason=" ")
    remove_responder(store, CLOCK, "budi", actor="Dewi", reason="moved", gone=gone.append)
    assert gone == [{"budi": BUDI.added_ms}]
    assert not store.responders() and not store.declared() and not store.token_hashes()
    assert not store.positions_of(["budi"]) and store.responders_version() == 1
    (entry,) = [one for one in store.journal_after(0) if one.kind == journal.RESPONDER_REMOVED]
    assert dict(entry.facts) == {"responder": "budi", "reason": "moved"}
    with pytest.raises(ResponderError, match="no responder budi"):
        remove_responder(store, CLOCK, "budi", actor="Dewi", reason="again", gone=gone.append)
    assert len(gone) == 1


def test_one_whom_the_store_cannot_read_can_be_removed(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    with store.engine.transaction() as session:
        session.run("UPDATE responder SET ways = 'x'")
    remove_responder(store, CLOCK, "budi", actor="Dewi", reason="moved")
    assert not store.fetch("SELECT * FROM responder")


def test_all_that_is_held_about_somebody_is_told_to_him(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_responders([BUDI, copied(BUDI, key="wati", name="Contoh Wati")])
        transaction.declare(SAID)
        transaction.put_position(POSITION)
        transaction.note(journal.WAY_PROVEN, NOW_MS, {"responder": "budi", "way": "telegram"})
        transaction.note(journal.WAY_PROVEN, NOW_MS, {"responder": "wati", "way": "telegram"})
    take_shifts(store, CLOCK, shifts("budi;24h"), actor="Dewi")
    told = held_about_responder(store, "budi")
    assert told["name"] == "Contoh Budi" and len(told["ways"]) == 2 and len(told["shifts"]) == 1
    assert told["home"] == {"latitude": -6.0, "longitude": 103.0} and told["declared"]["duty"] == "off"
    assert told["position"]["accuracy_m"] == 12 and [one["kind"] for one in told["journal"]] == ["way_proven"]
    with pytest.raises(ResponderError):
        held_about_responder(store, "nobody")
