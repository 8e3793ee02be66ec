"""Battery and signal by the hour: a row for each button and day, found and removed without reading all of them."""

from __future__ import annotations

import re

import pytest

from databases import Place, rows
from gateway import sample_store
from gateway.fake_ports import ManualClock
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore, events
from siaga_gateway.domain.battery_history import day_of
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.service.registry import retention
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy

NOW_MS = sample_store.NOW_MS
TODAY = day_of(NOW_MS)
POLICY = RetentionPolicy(365, 365, 90, 90, 3_650, history_days=90)
OTHER = PressingButton()


def hours(day: int) -> bytes:
    return bytes([day % 100, 256 - 80]) * 24


def filled(place: Place, days: range) -> SqlStore:
    """A store with two devices of two owners, which were heard on each of these days."""
    store = sample_store.new_store(place)
    device = sample_store.with_device(store)
    with store.transaction() as transaction:
        owner = transaction.add_owner(sample_store.owner("9900000000000002"), NOW_MS)
        state = RegistrationState.REMOVED
        transaction.add_device(Device(OTHER.device_id, OTHER.public_xy, owner, state, "Rumah", NOW_MS))
        for day in days:
            transaction.add_day(device.device_id, day, hours(day))
            transaction.add_day(OTHER.device_id, day, hours(day + 1))
    return store


def test_a_devices_days_are_its_own_and_in_order(place: Place) -> None:
    store = filled(place, range(TODAY - 9, TODAY))
    assert store.days_of(sample_store.DEVICE_ID, 0) == [(day, hours(day)) for day in range(TODAY - 9, TODAY)]
    assert store.days_of(OTHER.device_id, TODAY - 2) == [(day, hours(day + 1)) for day in range(TODAY - 2, TODAY)]
    assert store.days_of(b"unknown!", 0) == []
    both = [sample_store.DEVICE_ID, OTHER.device_id, b"unknown!"]
    assert store.days_of_each(both, TODAY - 2) == {each: store.days_of(each, TODAY - 2) for each in both[:2]}
    assert store.days_of_each([], 0) == {}
    store.close()


def test_old_days_and_days_to_come_go_in_small_steps(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million buttons bring a million rows a day: one statement for them would be given up, each day anew."""
    store = filled(place, range(TODAY - 97, TODAY + 5))
    monkeypatch.setattr(retention, "_DAYS", 3)
    assert Retention(store, ManualClock(NOW_MS), POLICY).run(dry=True).days == 2 * (7 + 3)
    assert Retention(store, ManualClock(NOW_MS), POLICY).run().days == 2 * (7 + 3)
    assert store.fetch("SELECT min(day), max(day), count(*) FROM device_day") == [(TODAY - 90, TODAY + 1, 2 * 92)]
    with store.transaction() as transaction:
        transaction.add_day(OTHER.device_id, 1, hours(1))
        transaction.add_day(sample_store.DEVICE_ID, 2, hours(2))
        assert transaction.forget_days(TODAY, TODAY + 1, 1) == 1
    assert store.fetch("SELECT count(*) FROM device_day WHERE day = 1") == [(0,)], "the oldest first"
    assert rows(store, "device_day") == 2 * 92 + 1
    store.close()


def test_the_days_of_an_erased_persons_buttons_go_and_no_others(place: Place) -> None:
    store = filled(place, range(TODAY - 3, TODAY))
    Retention(store, ManualClock(NOW_MS), POLICY).erase(2, "asked for it", "admin")
    assert store.days_of(OTHER.device_id, 0) == []
    assert len(store.days_of(sample_store.DEVICE_ID, 0)) == 3
    store.close()


def test_a_devices_days_are_found_by_day_and_device(place: Place) -> None:
    """Not by reading the index from the first day on: at a million buttons that is ninety million rows."""
    store = filled(place, range(TODAY - 9, TODAY))
    with store.engine.transaction() as session:
        if place.conninfo:
            session.run("SET LOCAL session_replication_role = replica")  # no foreign keys
            session.run(
                "INSERT INTO device_day (day, device_id, hours) SELECT day, int8send(button), 'hours' "
                "FROM generate_series(1, 30) AS day, generate_series(1, 2000) AS button"
            )
            session.run("ANALYZE device_day")
            plan = session.fetch(f"EXPLAIN (ANALYZE) {events.OF_DEVICE}", (sample_store.DEVICE_ID, 0))
            text = "\n".join(row[0] for row in plan)
            found = "day = days.day" in text and "device_id = " in text and "Index Cond" in text
            # From 18 on it may go through the days by itself: it looks the device up once a day ("skip scan").
            skips = [int(count) for count in re.findall(r"Index Searches: (\d+)", text)]
            found = found or ("Index Cond: (device_id = " in text and 30 <= max(skips, default=0) <= 60)
        else:
            plan = session.fetch(f"EXPLAIN QUERY PLAN {events.OF_DEVICE}", (sample_store.DEVICE_ID, 0))
            text = "\n".join(row[3] for row in plan)
            found = "SEARCH device_day USING PRIMARY KEY (day=? AND device_id=?)" in text
    assert found, text
    store.close()
