"""What is no longer needed goes, and the evidence stays: by policy and for one person, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from databases import Place
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.sample_site import WIB
from pressing_button import LAMPUNG, PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.notice_snapshots import fields
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.retention import (
    DAY_MS,
    EVERY_S,
    DailyRetention,
    Retention,
    RetentionError,
    RetentionPolicy,
)
from siaga_gateway.service.registry.retention_run import UNTOUCHED_MS, RetentionRun, tell_unfinished
from siaga_gateway.service.registry.subject_access import held_about
from siaga_gateway.service.scheduling.periodic_jobs import Job, Leases, PeriodicJobs, each_day
from siaga_gateway.service.store import Attempt, DeliveryState, StoreFailing, UnknownDevice
from siaga_gateway.service.store.expiry import TOUCHED, UNTOLD
from siaga_gateway.service.store.photographs import Photograph

POLICY = RetentionPolicy(positions_days=30, notes_days=60, personal_days=90, quarantine_days=10, figures_days=0)
NOTE = "Korban dibawa ke RS Contoh"


@dataclass
class Past:
    """A gateway with a button that pressed, was helped and closed with a note, and whose messages were delivered."""

    desk: IngestHarness
    button: PressingButton
    clock: ManualClock

    @property
    def store(self) -> SqlStore:
        return self.desk.store

    def retention(self, **policy: int) -> Retention:
        return Retention(self.store, self.clock, replace(POLICY, **policy))

    def end(self, state: RegistrationState = RegistrationState.EXPIRED) -> None:
        with self.store.transaction() as transaction:
            transaction.set_registration(self.button.device_id, state, self.clock.now_ms())

    def deliver(self) -> None:
        with self.store.transaction() as transaction:
            pending = [one for output in ("cad", "trainer") for one in self.store.pending(output)]
            transaction.record([Attempt(one.id, NOW_MS, DeliveryState.DELIVERED, "taken") for one in pending])

    def everything(self) -> str:
        tables = ("owner", "device", "device_status", "incident", "notice")
        return "\n".join(repr(row) for table in tables for row in self.store.fetch(f"SELECT * FROM {table}"))


@pytest.fixture
def past(place: Place) -> Iterator[Past]:
    desk = IngestHarness(place)
    clock = ManualClock(NOW_MS)
    button = desk.button(installed=LAMPUNG)
    made = Past(desk, button, clock)
    desk.take(button.press(NOW_S, latitude=-54_000_123, longitude=1_052_600_456, accuracy=9, fix_age=1, flags=1 << 8))
    operator = IncidentActions(desk.store, desk.keyring, SentAnswers(), JournalNotifier(), clock, outputs=("cad",))
    operator.seen(1, "Rina")
    operator.close(1, "Rina", "verified", NOTE)
    made.deliver()
    yield made
    desk.close()


def evidence(store: SqlStore) -> tuple[object, ...]:
    frames = [(event.frame, event.signature) for event in store.event_rows_after(0, 99)]
    return frames, [entry.id for entry in store.journal_after(0) if entry.kind == journal.INCIDENT_OPENED]


def test_positions_go_and_the_evidence_stays(past: Past) -> None:
    kept = evidence(past.store)
    past.clock.at_ms += 29 * DAY_MS
    assert past.retention().run().facts() == {
        "statuses": 1,
        "incidents": 0,
        "notes": 0,
        "owners": 0,
        "strangers": 0,
        "notifications": 0,
        "figures": 0,
        "cases": 0,
        "days": 0,
        "cells": 0,
        "remarks": 0,
    }
    past.clock.at_ms += 2 * DAY_MS
    assert past.retention().run(dry=True).facts()["incidents"] == 1
    assert "54000123" in past.everything()
    done = past.retention().run("Dewi")
    assert (done.statuses, done.incidents, done.notes) == (0, 1, 0)
    assert "54000123" not in past.everything(), "neither in the status, the incident nor the notices"
    incident, status = past.store.incident(1), past.store.status(past.button.device_id)
    assert incident is not None and status is not None
    assert (incident.position, incident.note, incident.told_place, status.position) == (None, NOTE, None, None)
    assert evidence(past.store) == kept
    assert past.retention().run().facts()["incidents"] == 0
    entry = [entry for entry in past.store.journal_after(0) if entry.kind == journal.RETENTION_RUN][1]
    assert (entry.actor, entry.facts["incidents"]) == ("Dewi", 1)
    verify(past.store)


def test_notes_go_later(past: Past) -> None:
    past.clock.at_ms += 61 * DAY_MS
    done = past.retention().run()
    assert (done.incidents, done.notes) == (1, 1)
    incident = past.store.incident(1)
    assert incident is not None and incident.note is None
    assert fields(past.store.fetch("SELECT incident FROM notice WHERE sequence = 3")[0][0])["note"] is None


def test_what_is_open_or_not_delivered_yet_stays(past: Past) -> None:
    past.desk.take(past.button.press(NOW_S + 9, latitude=-54_000_123, longitude=1_052_600_456))
    past.clock.at_ms += 400 * DAY_MS
    past.end()
    past.clock.at_ms += 400 * DAY_MS
    done = past.retention().run()
    assert (done.incidents, done.owners) == (1, 0), "the closed one's position; not the open one's, nor its owner"
    operator = IncidentActions(
        past.store, past.desk.keyring, SentAnswers(), JournalNotifier(), past.clock, outputs=("cad",)
    )
    operator.close(2, "Rina", "unfounded", "")
    past.clock.at_ms += 400 * DAY_MS
    assert past.retention().run().incidents == 0, "the CAD has not heard of it yet"
    past.deliver()
    assert past.retention().run().owners == 1


@pytest.mark.parametrize("state", [RegistrationState.ACTIVE, RegistrationState.SUSPENDED, RegistrationState.STOLEN])
def test_an_owner_stays_whose_registration_has_not_ended(past: Past, state: RegistrationState) -> None:
    past.end(state)
    past.clock.at_ms += 1_000 * DAY_MS
    assert past.retention().run().owners == 0


@pytest.mark.parametrize("state", [RegistrationState.EXPIRED, RegistrationState.REMOVED])
def test_an_owner_goes_after_the_last_registration_ended(past: Past, state: RegistrationState) -> None:
    past.end(state)
    past.clock.at_ms += 89 * DAY_MS
    assert past.retention().run().owners == 0
    past.clock.at_ms += 2 * DAY_MS
    assert past.retention(personal_days=0).run().owners == 0, "0: for ever"
    assert past.retention().run().owners == 1
    assert past.store.owner(past.desk.owner_id) is None
    assert past.retention().run().owners == 0


def test_unknown_devices_go(past: Past) -> None:
    with past.store.transaction() as transaction:
        transaction.quarantine(
            [UnknownDevice(bytes([n]) * 8, n, NOW_MS + n * DAY_MS, 1, b"f", None) for n in range(4)], 9
        )
    past.clock.at_ms += 12 * DAY_MS
    assert past.retention().run(dry=True).strangers == 2
    assert past.retention().run().strangers == 2
    assert len(past.store.strangers()) == 2


def test_a_person_is_erased_and_the_chain_stays_whole(past: Past) -> None:
    kept = evidence(past.store)
    told: list[tuple[int, int]] = []
    retention = Retention(past.store, past.clock, POLICY, lambda *erased: told.append(erased))
    with pytest.raises(RetentionError, match="siaga gateway state DEVICE expired"):
        retention.erase(past.desk.owner_id, "asked for it", "Dewi")
    assert retention.erase(past.desk.owner_id, "asked for it", "Dewi", suspend=True) == 1
    assert told == [(past.desk.owner_id, NOW_MS)]
    left = past.everything()
    assert [part for part in ("Toko Contoh", "54000", "10526", "note") if part in left] == []
    incident = past.store.incident(1)
    assert incident is not None
    assert (incident.owner, incident.note, incident.device_label) == (None, None, "-")
    enrolled = past.store.enrolled([past.button.device_id])[past.button.device_id]
    assert (enrolled.owner, enrolled.device.state, enrolled.device.installed_latitude) == (None, "suspended", None)
    assert evidence(past.store) == kept
    entry = past.store.journal_last(1)[0]
    assert (entry.kind, entry.actor) == (journal.OWNER_ERASED, "Dewi")
    assert entry.facts == {"owner_id": past.desk.owner_id, "reason": "asked for it", "devices": 1, "incidents": 1}
    verify(past.store)
    with pytest.raises(RetentionError, match="erased already"):
        retention.erase(past.desk.owner_id, "again", "Dewi")
    assert past.store.owner_by_nik("9900000000000001") is None, "and can come back as somebody new"


def test_no_button_of_an_erased_person_serves_again_when_its_suspension_would_have_ended(past: Past) -> None:
    until_ms = past.clock.now_ms() + 5 * DAY_MS
    with past.store.transaction() as transaction:
        transaction.lock([past.button.device_id])
        transaction.set_registration(past.button.device_id, RegistrationState.SUSPENDED, NOW_MS, until_ms)
    with pytest.raises(RetentionError, match=past.button.device_id.hex()):
        past.retention().erase(past.desk.owner_id, "asked for it", "Dewi")
    past.retention().erase_again(past.desk.owner_id)
    device = past.store.enrolled([past.button.device_id])[past.button.device_id].device
    assert (device.state, past.store.suspended()) == (RegistrationState.SUSPENDED, {})


def test_nobody_is_erased_while_help_is_under_way(past: Past) -> None:
    past.desk.take(past.button.press(NOW_S + 9))
    with pytest.raises(RetentionError, match="incident 2 of owner 1 is open"):
        past.retention().erase(past.desk.owner_id, "asked for it", "Dewi", suspend=True)
    assert past.store.owner(past.desk.owner_id) is not None


def test_a_press_after_the_erasing_is_a_held_call_without_a_name(past: Past) -> None:
    past.retention().erase(past.desk.owner_id, "asked for it", "Dewi", suspend=True)
    past.desk.take(past.button.press(NOW_S + 9))
    incident = past.desk.only()
    assert (incident.held, incident.owner, incident.device_label) == (True, None, "-")


def test_a_person_gets_a_copy_of_all_that_is_held(past: Past) -> None:
    past.desk.take(past.button.follow(Kind.CHECKIN, NOW_S, battery=81))
    owner = past.store.owner(past.desk.owner_id)
    assert owner is not None
    (there,) = past.store.incidents_of(owner.id)
    with past.store.transaction() as transaction:
        transaction.add_photograph(Photograph(there, 1, "budi", NOW_MS), b"\xff\xd8\xff")
    told = json.loads(json.dumps(held_about(past.store, owner, WIB)))
    assert told["owner"]["nik"] == "9900000000000001"
    (button,) = told["buttons"]
    assert button["installed"] == {"latitude": "-5.4000000", "longitude": "105.2600000"}
    (press,) = button["frames"]
    assert press["position"] == {"latitude": "-5.4000123", "longitude": "105.2600456"}
    assert press["kind"] == "press"
    assert button["history"] == [{"at": "2026-09-21T21:00:00.000+07:00", "battery_percent": 81, "signal_dbm": None}]
    (incident,) = told["incidents"]
    assert (incident["note"], incident["closed_at"]) == (NOTE, "2026-09-21T21:13:20.000+07:00")
    assert "incident_opened" in [entry["kind"] for entry in incident["journal"]]
    (photograph,) = incident["photographs"]
    assert (photograph["by"], photograph["jpeg"]) == ("budi", "/9j/")


def test_it_runs_once_a_day_whoever_asks(past: Past) -> None:
    days: list[str] = []

    def rounds(worker: str) -> PeriodicJobs:
        daily = DailyRetention(past.store, past.retention(), past.clock, JournalNotifier())
        jobs = [
            Job("audit head", EVERY_S, each_day(past.clock, lambda: days.append(worker))),
            Job("retention", EVERY_S, daily.work, shared=True),
        ]
        return PeriodicJobs(jobs, Leases(past.store, worker))

    def runs() -> int:
        return sum(entry.kind == journal.RETENTION_RUN for entry in past.store.journal_after(0))

    workers = [rounds("one"), rounds("two")]
    now = 0.0
    for worker in workers:
        worker.turn(now)
    assert (runs(), days) == (1, [])
    past.clock.at_ms += DAY_MS
    for worker in workers * 2:
        now += EVERY_S
        worker.turn(now)
    assert (runs(), days) == (2, ["one", "two"]), "one of them removes; each says the head of the chain"
    for worker in workers:
        worker.stop()
    past.clock.at_ms += DAY_MS
    again = rounds("two")
    again.turn(now + EVERY_S)
    assert runs() == 3, "a worker that was started anew"


@pytest.mark.parametrize("actor", [None, "Dewi"])
def test_what_an_interrupted_run_has_removed_is_told(
    past: Past, monkeypatch: pytest.MonkeyPatch, actor: str | None
) -> None:
    past.desk.take(past.button.press(NOW_S + 9, latitude=-54_000_123, longitude=1_052_600_456))
    with past.store.transaction() as transaction:
        transaction.quarantine([UnknownDevice(b"12345678", 0, 0, 1, b"f", None)], 9)
    past.clock.at_ms += 61 * DAY_MS

    def killed(*_: object) -> int:
        raise StoreFailing("killed")

    def told() -> list[tuple[str | None, dict[str, object]]]:
        runs = [entry for entry in past.store.journal_after(0) if entry.kind == journal.RETENTION_RUN]
        return [(run.actor, {what: count for what, count in run.facts.items() if count}) for run in runs]

    with monkeypatch.context() as patched, pytest.raises(StoreFailing):
        patched.setattr(SqlTransaction, "forget_strangers", killed)
        past.retention().run(actor)
    assert told() == []
    past.clock.at_ms += UNTOUCHED_MS
    daily = DailyRetention(past.store, past.retention(), past.clock, JournalNotifier())  # of a new process
    daily.work()
    first = (actor, {"statuses": 1, "incidents": 1, "notes": 1, "unfinished": True})
    assert told() == [first, (None, {"strangers": 1})]
    daily.work()
    past.retention().run("Rina")
    assert told() == [first, (None, {"strangers": 1}), ("Rina", {})]
    verify(past.store)


def test_a_run_beside_another_takes_nothing_of_its_account(past: Past) -> None:
    """Whatever each tells, and when: together it is what was removed."""
    with past.store.transaction() as transaction:
        transaction.add_untold("Rina", {"strangers": 2}, past.clock.at_ms)
    past.clock.at_ms += 61 * DAY_MS
    past.retention().run("Dewi")
    with past.store.transaction() as transaction:
        transaction.add_untold("Rina", {"strangers": 3, "cases": 1}, past.clock.at_ms)
        assert transaction.untold() == {"Rina": past.clock.at_ms}
        assert transaction.take_untold("Dewi") == {}
        assert transaction.take_untold("Rina") == {"strangers": 3, "cases": 1}
        assert transaction.untold() == {}
    runs = [entry for entry in past.store.journal_after(0) if entry.kind == journal.RETENTION_RUN]
    assert [(run.actor, run.facts["strangers"]) for run in runs] == [("Rina", 2), ("Dewi", 0)]


def test_a_run_that_is_still_going_is_told_of_by_itself_alone(past: Past) -> None:
    """The daily job of another process looks every ten minutes, and somebody may start a run by hand."""
    past.clock.at_ms += 61 * DAY_MS
    going = RetentionRun(past.store, past.clock, "Rina")
    for _ in range(3):
        going.step(lambda step: {"strangers": 2})
        past.clock.at_ms += UNTOUCHED_MS - 1
        tell_unfinished(past.store, past.clock.at_ms)
        past.retention().run("Dewi")
    going.end(past.clock.at_ms)
    runs = [entry for entry in past.store.journal_after(0) if entry.kind == journal.RETENTION_RUN]
    assert [(run.actor, run.facts["strangers"]) for run in runs] == [("Dewi", 0)] * 3 + [("Rina", 6)]
    assert not any("unfinished" in run.facts for run in runs)
    assert past.store.remembered(TOUCHED) == "{}"


def test_of_a_clock_that_was_ahead_and_of_an_older_gateway_a_run_is_told_all_the_same(past: Past) -> None:
    with past.store.transaction() as transaction:
        transaction.add_untold("Rina", {"strangers": 2}, past.clock.at_ms + DAY_MS)
        transaction.add_untold("Dewi", {"strangers": 3}, past.clock.at_ms)
        transaction.remember(TOUCHED, "damaged")
        assert transaction.untold() == {"Rina": None, "Dewi": None}
        transaction.add_untold("Rina", {"strangers": 2}, past.clock.at_ms + DAY_MS)
    tell_unfinished(past.store, past.clock.at_ms)
    runs = [entry for entry in past.store.journal_after(0) if entry.kind == journal.RETENTION_RUN]
    assert {run.actor: run.facts["strangers"] for run in runs} == {"Rina": 4, "Dewi": 3}


def test_a_damaged_account_of_what_runs_removed_keeps_no_run_from_removing(past: Past) -> None:
    with past.store.transaction() as transaction:
        transaction.remember(UNTOLD, "damaged")
    past.clock.at_ms += 61 * DAY_MS
    assert past.retention().run().incidents == 1


def test_a_run_that_failed_in_the_middle_goes_on_at_the_next_turn(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    retention = past.retention()
    daily = DailyRetention(past.store, retention, past.clock, JournalNotifier())
    run, runs = retention.run, []

    def fails_once() -> object:
        runs.append(1)
        if len(runs) == 1:
            raise StoreFailing("the disk is full: make room")
        return run()

    monkeypatch.setattr(retention, "run", fails_once)
    with pytest.raises(StoreFailing):
        daily.work()
    daily.work()
    daily.work()
    assert len(runs) == 2, "tried again, and then not before the next day"
    assert sum(entry.kind == journal.RETENTION_RUN for entry in past.store.journal_after(0)) == 1
