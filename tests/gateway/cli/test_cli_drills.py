"""Drills as they are typed: tried, ordered, listed, reported, ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT, at
from gateway.gateway_folder import Office
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.value import copied

BY = ("--by", "Dewi", "--language", "en")
BUTTON = sample_store.DEVICE_ID.hex()
ORDER = ("Latihan contoh", "--button", BUTTON, "--contact", "polsek-sw", "--contact", "polda")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    store = made.store()
    sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
        transaction.set_place(sample_store.DEVICE_ID, "Toko Contoh, kasir", at(0.3, 0.3))
    store.close()
    return made


def test_a_dry_run_tells_whom_each_rung_would_call_and_begins_nothing(office: Office) -> None:
    tried = office.run("drill", "start", *ORDER, "--dry-run", *BY)
    assert tried.exit_code == 0 and f"{BUTTON}: its clock is not proven" in tried.stderr
    lines = tried.stdout.splitlines()
    assert lines[0].startswith("Would be: Latihan contoh, ") and lines[1] == f"Button {BUTTON} would call"
    assert lines[2:] == [
        "after 0 s, stations, desk and responders: Polsek Sw",
        "after 10 s, chief: nobody",
        "after 20 s, region: Polda",
        "after 40 s, everyone: Polsek Sw, Polda",
    ]
    translated = office.run(
        "drill", "start", *ORDER, "--dry-run", "--by", "Dewi", "--language", "id"
    ).stdout.splitlines()
    assert translated[2] == "setelah 0 dtk, kantor, meja jaga, dan petugas: Polsek Sw"
    assert office.does("drill", "list", "--language", "en") == "There has been no drill yet."


def test_a_drill_from_its_order_to_its_report(office: Office) -> None:
    assert office.does("drill", "start", *ORDER, "--minutes", "30", *BY).startswith("Drill 1: Latihan contoh, ")
    assert "takes part in drill 1" in office.refuses("drill", "start", *ORDER, *BY)
    (told,) = map(json.loads, office.does("drill", "list", "--json").splitlines())
    assert (told["ordered_by"], told["buttons"], told["ends_ms"] - told["begins_ms"]) == ("Dewi", [BUTTON], 1_800_000)
    store = office.store()
    incident = copied(sample_store.open_incident(store), mode=Mode.EXERCISE, drill=1)
    with store.transaction() as transaction:
        transaction.put_incident(incident)
        transaction.note("seen", incident.opened_at_ms + 7_000, {}, incident_id=incident.id, actor="Siti")
    store.close()
    assert "EXERCISE" in office.does("incidents", "--language", "en")
    assert "LATIHAN" in office.does("incidents", "--language", "id")
    assert office.does("drill", "end", "1", *BY).splitlines()[-1].startswith("1 calls of it are still open")
    report = office.does("drill", "report", "1", "--language", "en").splitlines()
    assert "ended" in report[0] and report[1].startswith(incident.identifier)
    assert "seen by a desk 7.0 s" in report[2] and report[3] == "desk: Siti; answered: nobody"
    assert "dilihat meja 7,0 dtk" in office.does("drill", "report", "1", "--language", "id")
    (found,) = json.loads(office.does("drill", "report", "1", "--json"))["exercises"]
    assert (found["acknowledged_ms"], found["acknowledged_by"], found["real_ms"]) == (7_000, "Siti", None)
    assert "there is no drill 9" in office.refuses("drill", "report", "9", "--language", "en")


def test_a_call_that_became_real_does_not_end_with_its_drill(office: Office) -> None:
    office.does("drill", "start", *ORDER, *BY)
    store = office.store()
    incident = copied(sample_store.open_incident(store), mode=Mode.ACTUAL, drill=1)
    with store.transaction() as transaction:
        transaction.put_incident(incident)
    store.close()
    for _ in range(2):
        ended = office.run("drill", "end", "1", *BY)
        assert ended.exit_code == 0 and "close" not in ended.output
        assert f"Call {incident.identifier} became REAL: it is not over" in ended.stderr


def test_one_that_begins_later_is_planned(office: Office) -> None:
    office.does("drill", "start", *ORDER, "--in", "30", *BY)
    assert "planned" in office.does("drill", "list", "--language", "en")
    office.does("drill", "end", "1", *BY)
    (told,) = map(json.loads, office.does("drill", "list", "--json").splitlines())
    line = office.does("drill", "list", "--language", "en")
    assert "cancelled" in line and "ended" not in line
    local = LocalTime(UTC)
    assert told["ended_ms"] < told["begins_ms"] and local.at(told["ends_ms"]).strftime(":%M:%S") in line


def test_a_stations_buttons_are_listed_and_taken_only_once_somebody_has_seen_them(office: Office) -> None:
    order = ("Latihan contoh", "--station", "polsek-sw", "--contact", "polda")
    shown = office.run("drill", "start", *order, "--dry-run", *BY).stdout.splitlines()
    assert shown[0].startswith("Buttons of polsek-sw: 1;") and shown[1] == f"{BUTTON}  Toko Contoh, kasir"
    assert "look at the 1 buttons with --dry-run first" in office.refuses("drill", "start", *order, *BY)
    assert "there is no station polsek-xx" in office.refuses(
        "drill", "start", "X", "--station", "polsek-xx", *ORDER[3:5], *BY
    )
    assert office.does("drill", "list", "--language", "en") == "There has been no drill yet."
    office.does("drill", "start", *order, "--yes", "--at", tomorrow(), *BY)
    (told,) = map(json.loads, office.does("drill", "list", "--json").splitlines())
    assert told["buttons"] == [BUTTON] and "planned" in office.does("drill", "list", "--language", "en")
    for when, said in ((("--at", "08:30"), "08:30 is no time"), (("--at", tomorrow(), "--in", "5"), "not both")):
        assert said in office.refuses("drill", "start", *order, "--yes", *when, *BY)


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
