"""Reports on a real store: which calls belong to whom, in the site's days, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT, NE, POLDA, POLRES, SW
from gateway.fake_ports import ManualClock
from gateway.reports.counted_calls import NOW_MS, call
from gateway.sample_site import BERLIN, WIB, WITA
from gateway.sample_store import DEVICE_ID
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.report_period import Period
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.figures_file import figures_csv
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.reports import figure_reports
from siaga_gateway.service.reports.figure_reports import FigureReports, ReportSlow, UnknownStation

HOUR_MS = 3_600_000
WHERE = (SW.key, SW.key, NE.key, POLRES.key, POLDA.key, "polsek-gone", None)
MONDAY = date(2026, 9, 21)
THAT_DAY = Period(MONDAY, MONDAY)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """A call at each of WHERE, an hour before now."""
    made = sample_store.new_store(tmp_path)
    sample_store.with_device(made)
    with made.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations(DISTRICT)
        transaction.put_areas(AREAS)
    for number, station in enumerate(WHERE, 1):
        sample_store.open_incident(made, number)
        with made.transaction() as transaction:
            transaction.put_call_records([call(NOW_MS - HOUR_MS, number, station=station)])
    yield made
    made.close()


def reports(store: SqlStore, local: LocalTime = WIB) -> FigureReports:
    return FigureReports(store, ManualClock(NOW_MS), local)


def rows(store: SqlStore, station: str | None) -> dict[str | None, int]:
    found = reports(store).report(station, THAT_DAY)
    assert found.total.calls == sum(row.figures.calls for row in found.rows)
    return {None if row.station is None else row.station.key: row.figures.calls for row in found.rows}


@pytest.mark.parametrize(
    ("station", "expected"),
    [
        (None, {POLDA.key: 1, POLRES.key: 4, None: 2}),
        (POLDA.key, {POLDA.key: 1, POLRES.key: 4}),
        (POLRES.key, {POLRES.key: 1, SW.key: 2, NE.key: 1}),
        (SW.key, {SW.key: 2}),
        ("polsek-se", {}),
    ],
)
def test_a_station_s_calls_are_its_own_and_of_all_under_it(
    store: SqlStore, station: str | None, expected: dict[str | None, int]
) -> None:
    assert rows(store, station) == expected


def test_of_several_highest_stations_each_has_a_row(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.remove_stations([POLDA.key])
        transaction.put_stations([copied(NE, parent=None)])
    assert rows(store, None) == {POLRES.key: 3, NE.key: 1, None: 3}


def test_a_report_in_pages_is_the_same(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reports(store).report(None, THAT_DAY)
    monkeypatch.setattr(figure_reports, "_PAGE", 2)
    assert reports(store).report(None, THAT_DAY) == whole


@pytest.mark.parametrize(("local", "hour"), [(WIB, 20), (WITA, 21), (BERLIN, 15)])
def test_a_report_is_in_the_site_s_days_and_hours(store: SqlStore, local: LocalTime, hour: int) -> None:
    found = reports(store, local).report(None, THAT_DAY)
    assert [number for number, count in enumerate(found.hours) if count] == [hour]
    before = Period(date(2026, 9, 20), date(2026, 9, 20))
    assert reports(store, local).report(None, before).total.calls == 0


def test_where_clocks_change_each_call_has_the_hour_of_its_day(store: SqlStore) -> None:
    winter_ms = Period(date(2026, 11, 2), date(2026, 11, 2)).bounds(BERLIN)[0] + 9 * HOUR_MS
    sample_store.open_incident(store, 8)
    with store.transaction() as transaction:
        transaction.put_call_records([call(winter_ms, 8)])
    found = reports(store, BERLIN).report(None, Period(MONDAY, date(2026, 11, 2)))
    assert {number: count for number, count in enumerate(found.hours) if count} == {9: 1, 15: 7}
    assert found.by_week is False and len(found.steps) == 43


def test_a_station_that_is_not_on_the_list_is_refused(store: SqlStore) -> None:
    with pytest.raises(UnknownStation) as refused:
        reports(store).report("polsek-gone", THAT_DAY)
    assert "polsek-gone" in str(refused.value)


def test_a_report_that_takes_too_long_ends(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_reports, "_LONGEST_S", -1.0)
    with pytest.raises((ReportSlow, ValueError)) as refused:
        reports(store).report(None, THAT_DAY)
    assert isinstance(refused.value, ReportSlow)


def test_while_one_report_is_made_the_next_waits_for_a_bounded_time(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure_reports, "_LONGEST_S", 0.01)
    made = reports(store)
    assert made._turns.take(0)
    with pytest.raises(ReportSlow) as refused:
        made.report(None, THAT_DAY)
    assert refused.value.key == "figures.busy"
    made._turns.give_back()
    assert made.report(None, THAT_DAY).total.calls


def test_a_report_says_that_older_calls_are_still_being_counted(store: SqlStore) -> None:
    assert not reports(store).report(None, THAT_DAY).behind
    with store.transaction() as transaction:
        for _ in range(figure_reports._BEHIND + 1):
            transaction.note(journal.REPEATED, NOW_MS)
    behind = reports(store).report(None, THAT_DAY)
    assert behind.behind and text("figures.behind", "en") in figures_csv(behind, "en").decode()


def test_availability_is_of_the_buttons_of_a_station_until_now(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_case(Case(1, DEVICE_ID, Cause.SILENT, 3_600, NOW_MS + HOUR_MS))
    later = FigureReports(store, ManualClock(NOW_MS + 2 * HOUR_MS), WIB)
    found = later.report(None, THAT_DAY).availability
    assert (found.buttons, found.ppm, found.silent_ms) == (1, 0, 2 * HOUR_MS)
    assert later.report(SW.key, THAT_DAY).availability.buttons == 0, "its owner is registered in nobody's area"
    with store.transaction() as transaction:
        transaction.set_home_station(1, SW.key)
    assert later.report(POLRES.key, THAT_DAY).availability == found
    assert later.report(NE.key, THAT_DAY).availability.buttons == 0
    future = Period(date(2027, 1, 1), date(2027, 1, 1))
    assert later.report(None, future).availability.ppm is None


def test_a_report_of_a_gateway_for_exercises_says_so_and_counts_them(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_call_records([call(NOW_MS - HOUR_MS, 1, mode="exercise", station=SW.key)])
    found = FigureReports(store, ManualClock(NOW_MS), WIB, Mode.EXERCISE).report(None, THAT_DAY)
    assert (found.exercise, found.total.calls, found.total.left_out) == (True, 1, 6)
    usual = reports(store).report(None, THAT_DAY)
    assert (usual.exercise, usual.total.calls, usual.total.left_out) == (False, 6, 1)
    assert b"LATIHAN" in figures_csv(found, "id") and b"LATIHAN" not in figures_csv(usual, "id")


def test_few_calls_are_told(store: SqlStore) -> None:
    assert reports(store).report(None, THAT_DAY).few, "two calls of no known station"
    assert not reports(store).report("polsek-se", THAT_DAY).few, "none is nobody"
