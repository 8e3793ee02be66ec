"""Which devices the store finds: those whose cases may change, by label and number, with their settings."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.dispatch.listed_places import NW
from gateway.watched_fleet import DAY_MS, NOW, WANTED, WELL, Fleet
from siaga_gateway.domain.device_status import REJECTED_MS, RESTART_MS, DeviceStatus
from siaga_gateway.domain.frame import CommandCode, Receipt, Result
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.supervision import UNSIGNED_MS, Case, Cause, judge, problems
from siaga_gateway.domain.value import copied
from siaga_gateway.service.downlink.device_commands import CommandIssuer, take_receipt
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases, close_case
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import SupervisionFilter
from siaga_gateway.service.store.maintenance import FleetFilter


def test_the_sieve_holds_back_exactly_those_that_the_rule_would(fleet: Fleet) -> None:
    chance = random.Random(8)
    with fleet.store.transaction() as transaction:
        for number in range(1, 1201):
            device_id = number.to_bytes(8, "big")
            transaction.add_device(
                Device(
                    device_id,
                    number.to_bytes(64, "big"),
                    fleet.owner_id,
                    chance.choice(list(RegistrationState)),
                    f"Contoh {number}",
                    NOW - chance.choice([DAY_MS // 2, DAY_MS, 90 * DAY_MS]),
                    valid_until_ms=chance.choice([None, NOW, NOW + 1]),
                    checkin_s=chance.choice([None, 60, 21_600, 86_400]),
                    sim_quota_mb=chance.choice([None, None, None, None, 0, 19, 20, 500]),
                    sim_until_ms=chance.choice(
                        [
                            None,
                            None,
                            None,
                            None,
                            None,
                            *(NOW + days * DAY_MS + odd for days in (0, 7, 30) for odd in (0, 1)),
                        ]
                    ),
                )
            )
            if chance.random() < 0.1:
                continue
            version = chance.choice([None, (1, 2, 0), (1, 1, 255), (0, 9, 9), (2, 0, 0)])
            transaction.put_status(
                DeviceStatus(
                    device_id,
                    1,
                    chance.choice([100, 199, 200, 250]),
                    100,
                    NOW - chance.choice([0, 179_999, 180_000, 3 * 21_600_000, 3 * 86_400_000]),
                    low_battery=chance.random() < 0.2,
                    tamper_open=chance.random() < 0.3,
                    health=None if version is None else replace(WELL, version=version),
                    restarts=chance.choice([0, 1, 5]),
                    restarts_until_ms=NOW + chance.choice([-1, 0, 1, 4 * RESTART_MS, 4 * RESTART_MS + 1]),
                    rejected_until_ms=chance.choice([0, NOW + 19 * 3_600_000, NOW + 19 * 3_600_000 + 1]),
                    tampered_ms=chance.choice([None, NOW - DAY_MS // 3, NOW - 40 * DAY_MS]),
                    counter_fault_ms=chance.choice([None, None, None, None, NOW - 5000]),
                    jumped_over=chance.choice([0, 0, 60]),
                    mac_since_ms=chance.choice([None, NOW - UNSIGNED_MS, NOW - UNSIGNED_MS + 1]),
                    mac_until_ms=chance.choice([None, NOW, NOW - 5, NOW - 5]),
                )
            )
    before = {60: NOW - 180_000, 21_600: NOW - 3 * 21_600_000, 86_400: NOW - 3 * 86_400_000}

    def suspects() -> dict[bytes, frozenset[Cause]]:
        found, after = {}, b""
        while page := fleet.store.suspects(SupervisionFilter(NOW, WANTED, before), after, 100):
            for one in page:
                found[one.device.device_id] = frozenset(case.cause for case in one.standing)
            after = page[-1].device.device_id
        return found

    def troubled() -> dict[bytes, frozenset[Cause]]:
        everyone = fleet.store.watched(limit=10_000)
        found = {one.device.device_id: problems(one.device, one.status, NOW, WANTED, []) for one in everyone}
        return {device_id: frozenset(causes) for device_id, causes in found.items() if causes}

    assert 200 < len(troubled()) < 1000
    everyone = {one.device.device_id: one for one in fleet.store.watched(limit=10_000)}
    for device_id in suspects().keys() ^ troubled().keys():
        raise AssertionError(f"the sieve and the rule differ over {everyone[device_id]}")
    fleet.supervisor = Supervisor(
        fleet.store, JournalNotifier(), fleet.clock, WANTED, ways=lambda: fleet.ways, mass=10_000
    )
    fleet.supervisor._store.deafness = lambda ways, since_ms: []  # type: ignore[attr-defined,method-assign]
    fleet.supervisor.look(NOW)
    assert suspects() == {}
    everyone = fleet.store.watched(limit=10_000)
    assert {
        one.device.device_id: frozenset(case.cause for case in one.standing) for one in everyone if one.standing
    } == troubled()


def test_the_sieve_lets_through_what_is_worse_than_a_person_accepted_and_nothing_else(fleet: Fleet) -> None:
    """Else nobody is told that a box whose opening was explained is opened once more."""
    chance = random.Random(9)
    causes = {
        Cause.TAMPER: lambda now: {"tampered_ms": NOW - now * 60_000},
        Cause.RESTARTS: lambda now: {"restarts_until_ms": NOW + now * RESTART_MS},
        Cause.REJECTED: lambda now: {"rejected_until_ms": NOW + 8 * now * REJECTED_MS},
        Cause.COUNTER_GAP: lambda now: {"highest_counter": 100 + 50 * now},
        Cause.OLD_VERSION: lambda now: {"health": replace(WELL, version=(1, 1, now))},
        Cause.COUNTERS: lambda now: {"counter_fault_ms": NOW - now * 60_000},
        Cause.QUOTA_LOW: lambda now: {"sim_quota_mb": max(0, now - 5)},
    }
    devices, worse = dict[bytes, Cause](), set[bytes]()
    for number in range(1, 241):
        cause = list(causes)[number % len(causes)]
        now = chance.randint(1, 12)
        one = fleet.device(number, **causes[cause](now))
        device, status = fleet.store.enrolled([one])[one].device, fleet.store.watched_by([one])[one].status
        found = problems(device, status, NOW, WANTED, [], frozenset({cause}))
        level = found.get(cause, 0) + chance.choice([-120, -100, -99, -60, -20, -5, -4, -1, 0, 0, 1])
        with fleet.store.transaction() as transaction:
            transaction.put_case(
                Case(transaction.next_case_id(), one, cause, level, NOW - 5, NOW - 1, "Dewi", "dilihat")
            )
        devices[one] = cause
        if judge(found, fleet.store.cases_of(one), WANTED).gone or not found:
            worse.add(one)
    sieve = SupervisionFilter(NOW, WANTED, {60: NOW - 180_000})
    assert {one.device.device_id for one in fleet.store.suspects(sieve, b"", 1_000)} == worse
    assert {devices[one] for one in worse} == set(causes) == {devices[one] for one in devices.keys() - worse}
    again = fleet.device(300, tampered_ms=NOW - DAY_MS)
    fleet.supervisor.look(NOW)
    (case,) = fleet.store.cases_of(again)
    close_case(fleet.store, fleet.clock, WANTED, case.id, "Dewi", "kotak dibuka untuk baterai")
    fleet.says(again, tampered_ms=NOW + 60_000)
    fleet.supervisor.look(NOW + 60_000)
    assert [one.closed_ms is None for one in fleet.store.cases_of(again)] == [True, False], "opened once more"


def test_devices_are_found_by_label_and_by_number(fleet: Fleet) -> None:
    for number in range(1, 61):
        fleet.device(number, low_battery=number % 20 == 0)
    fleet.supervisor.look(NOW)
    labels: list[str] = []
    after: tuple[str, bytes] | None = None
    while page := fleet.store.watched(after=after, limit=25):
        labels += [one.device.label for one in page]
        after = (page[-1].device.label, page[-1].device.device_id)
    assert labels == [f"Contoh {number:05d}" for number in range(1, 61)]
    assert [one.device.label for one in fleet.store.watched(text="TOH 00007")] == ["Contoh 00007"]
    assert [one.device.label for one in fleet.store.watched(text="000000000000000f")] == ["Contoh 00015"]
    assert len(fleet.store.watched(text="00000000000000", limit=100)) == 60
    assert [one.device.label[-2:] for one in fleet.store.watched(troubled=True)] == ["20", "40", "60"]
    assert fleet.store.watched(text="%") == [] == fleet.store.watched(text="_")


def test_the_list_is_filtered_as_the_filter_says(fleet: Fleet) -> None:
    fleet.device(1, battery=9)
    fleet.device(2, health=replace(WELL, version=(1, 1, 9)), last_seen_ms=NOW - 7 * DAY_MS, sim_quota_mb=19)
    fleet.device(3, state="suspended", sim_until_ms=NOW + DAY_MS)
    with fleet.store.transaction() as transaction:
        far = transaction.add_owner(Owner(0, "Contoh Budi", "9900000000000002", "+620000000002", "Jl. Contoh 2"), NOW)
        for number, until in ((4, NOW), (5, NOW + 1)):
            name = number.to_bytes(8, "big")
            active = RegistrationState.ACTIVE
            transaction.add_device(Device(name, name * 8, far, active, f"Contoh {number:05d}", NOW - 1, until))
        transaction.put_stations([copied(NW, key="polsek-x", parent=None), copied(NW, key="pos-x", parent="polsek-x")])
        transaction.set_home_station(far, "pos-x")

    def found(**only: object) -> list[int]:
        wanted = FleetFilter(NOW, **only)  # type: ignore[arg-type]
        return [int(one.device.label[-5:]) for one in fleet.store.watched(only=wanted)]

    assert found() == [1, 2, 3, 4, 5]
    assert found(below_battery=10) == [1] and found(below_battery=9) == []
    assert found(below_version=(1, 2, 0)) == [2]
    assert found(silent_since_ms=NOW - 3 * DAY_MS) == [2, 4, 5], "never heard is silent too"
    assert found(state=RegistrationState.SUSPENDED) == [3]
    assert found(state=RegistrationState.EXPIRED) == [4], "its date has passed, though its row says active"
    assert found(state=RegistrationState.ACTIVE) == [1, 2, 5]
    assert found(below_quota_mb=20) == [2] and found(below_quota_mb=19) == []
    assert found(sim_until_ms=NOW + DAY_MS) == [3] and found(sim_until_ms=NOW) == []
    cases = MaintenanceCases(fleet.store, JournalNotifier(), fleet.clock, WANTED)
    assert found(stations=cases.stations_below("polsek-x")) == [4, 5] == found(stations=["pos-x", "elsewhere"])
    assert found(stations=cases.stations_below("nowhere")) == [] and cases.stations_below("pos-x") == {"pos-x"}
    assert found(below_battery=10, state=RegistrationState.SUSPENDED) == []


@pytest.mark.parametrize(
    ("settings", "result", "expected"),
    [
        ('{"profile":"deep"}', Result.DONE, 86_400),
        ('{"checkin_s":900,"profile":"deep"}', Result.DONE, 900),
        ('{"checkin_s":0}', Result.DONE, None),
        ('{"hold_ms":3000}', Result.DONE, 60),
        ('{"profile":"deep"}', Result.FAILED, 60),
    ],
)
def test_settings_that_a_device_has_taken_change_what_is_expected_of_it(
    fleet: Fleet, settings: str, result: Result, expected: int | None
) -> None:
    one = fleet.device(1)
    given = CommandIssuer(fleet.store, fleet.clock).ask(one, CommandCode.SETTINGS, settings, actor="Contoh")
    with fleet.store.transaction() as transaction:
        transaction.lock([one])
        take_receipt(transaction, one, 101, Receipt(given.down_counter, result), NOW)
    assert fleet.store.enrolled([one])[one].device.checkin_s == expected
