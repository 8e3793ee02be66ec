"""Supervision on a real store: cases opened once and closed by themselves or by a person, masses folded, deafness."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from fakes import ManualClock

from databases import Place
from siaga_gateway.domain.frame import CommandCode, Receipt, Result
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.report import Status
from siaga_gateway.domain.status import RESTART_MS, DeviceStatus
from siaga_gateway.domain.supervision import Cause, Wanted, problems
from siaga_gateway.service import journal
from siaga_gateway.service.commands import Commander, take_receipt
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.maintenance_desk import MaintenanceError, close_case
from siaga_gateway.service.store import Sieve
from siaga_gateway.service.supervise import Supervisor

NOW = 1_790_000_000_000
DAY_MS = 24 * 3600 * 1000
MINUTE = 60_000
WANTED = Wanted(checkin_s=60, version=(1, 2, 0))
WELL = Status((1, 2, 0), -80, 1, 0, 5, 0, 0)


class Fleet:
    """Enrolled devices and the supervisor over them."""

    def __init__(self, place: Place) -> None:
        self.store = place.open(NOW)
        self.clock = ManualClock(NOW)
        self.ways: dict[str, bool] = {"mqtt": True}
        self.supervisor = self.fresh()
        with self.store.transaction() as transaction:
            owner = Owner(0, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1")
            self.owner_id = transaction.add_owner(owner, NOW)
        self.listen()

    def fresh(self) -> Supervisor:
        """As after a restart of the gateway."""
        return Supervisor(self.store, JournalBell(), self.clock, WANTED, ways=lambda: self.ways, mass=10)

    def listen(self) -> None:
        self.supervisor.listen()

    def device(self, number: int, checkin_s: int | None = 60, **changes: object) -> bytes:
        device_id = number.to_bytes(8, "big")
        with self.store.transaction() as transaction:
            transaction.add_device(
                Device(
                    device_id,
                    number.to_bytes(64, "big"),
                    self.owner_id,
                    RegistrationState(str(changes.pop("state", "active"))),
                    f"Contoh {number:05d}",
                    NOW - 30 * DAY_MS,
                    checkin_s=checkin_s,
                )
            )
        self.says(device_id, **changes)
        return device_id

    def says(self, device_id: bytes, **changes: object) -> None:
        status = DeviceStatus(device_id, 1, 100, 100, self.clock.at_ms, battery=80, health=WELL)
        with self.store.transaction() as transaction:
            transaction.put_status(replace(status, **changes))  # type: ignore[arg-type]

    def after(self, ms: int, *alive: bytes) -> None:
        """Let time pass; the gateway listens all the while, and these devices check in at its end."""
        end = self.clock.at_ms + ms
        while self.clock.at_ms < end:
            self.clock.at_ms = min(end, self.clock.at_ms + MINUTE // 2)
            self.listen()
        for device_id in alive:
            self.says(device_id)
        self.supervisor.look(self.clock.at_ms)

    def open(self) -> list[tuple[int, Cause]]:
        return [
            (0 if case.device_id is None else int.from_bytes(case.device_id, "big"), case.cause)
            for case in self.store.open_cases(limit=10_000)
        ]

    def told(self) -> Counter[str]:
        return Counter(entry.kind for entry in self.store.journal_after(0, 10_000) if "maintenance" in entry.kind)

    def facts(self, kind: str) -> Mapping[str, object]:
        return [entry for entry in self.store.journal_after(0, 10_000) if entry.kind == kind][-1].facts


@pytest.fixture
def fleet(place: Place) -> Iterator[Fleet]:
    made = Fleet(place)
    yield made
    made.store.close()


def test_a_case_is_opened_once_and_closes_itself_when_the_device_is_back(fleet: Fleet) -> None:
    one, two = fleet.device(1), fleet.device(2)
    fleet.after(2 * MINUTE, one, two)
    assert fleet.open() == []
    for _ in range(5):
        fleet.after(MINUTE, two)
    assert fleet.open() == [(1, Cause.SILENT)]
    assert fleet.told() == {journal.MAINTENANCE_OPENED: 1}
    assert fleet.facts(journal.MAINTENANCE_OPENED) == {"case": 1, "cause": "silent", "silent_s": 180}
    fleet.after(MINUTE, one, two)
    assert fleet.open() == []
    assert fleet.told() == {journal.MAINTENANCE_OPENED: 1, journal.MAINTENANCE_CLOSED: 1}
    (case,) = fleet.store.cases_of(one)
    assert (case.closed_by, case.stands) == (None, False) and case.closed_ms == fleet.clock.at_ms


def test_a_gateway_that_was_away_itself_opens_no_case_for_all(fleet: Fleet) -> None:
    devices = [fleet.device(number) for number in range(1, 31)]
    fleet.after(MINUTE, *devices)
    fleet.clock.at_ms += 9 * 3600 * 1000  # a power cut in the command centre
    fleet.supervisor = fleet.fresh()
    fleet.listen()
    fleet.supervisor.look(fleet.clock.at_ms)
    assert fleet.open() == []
    fleet.after(2 * MINUTE, *devices[1:])
    assert fleet.open() == []
    fleet.after(MINUTE, *devices[1:])
    assert fleet.open() == [(1, Cause.SILENT)], "what is silent now is silent by itself"


def test_silence_while_the_broker_is_away_is_nobodys(fleet: Fleet) -> None:
    devices = [fleet.device(number) for number in range(1, 31)]
    fleet.after(MINUTE, *devices)
    fleet.ways["mqtt"] = False
    for _ in range(60):
        fleet.clock.at_ms += MINUTE
        fleet.listen()
        fleet.supervisor.work()
    fleet.ways["mqtt"] = True
    fleet.listen()
    fleet.supervisor.work()
    assert fleet.open() == [] and not fleet.told()
    fleet.after(MINUTE, *devices)
    assert fleet.open() == []


def test_a_device_on_lorawan_is_not_blamed_for_the_network_server(fleet: Fleet) -> None:
    fleet.ways["lorawan"] = True
    fleet.listen()
    by_radio = replace(WELL, bearer=3)
    fleet.device(1, health=by_radio)
    fleet.device(2)
    fleet.ways["lorawan"] = False
    fleet.after(30 * MINUTE)
    assert fleet.open() == [(2, Cause.SILENT)]
    fleet.ways["lorawan"] = True
    fleet.after(MINUTE)
    assert fleet.open() == [(2, Cause.SILENT)]
    fleet.after(3 * MINUTE)
    assert fleet.open() == [(2, Cause.SILENT), (1, Cause.SILENT)]


def test_what_another_worker_hears_is_heard(fleet: Fleet) -> None:
    """The first worker has the network server's link, the second looks at the devices."""
    first = Supervisor(
        fleet.store, JournalBell(), fleet.clock, WANTED, ways=lambda: {"mqtt": True, "lorawan": radio}, mass=10
    )
    fleet.ways["mqtt"] = False
    radio = True
    first.listen()
    fleet.device(1, health=replace(WELL, bearer=3))
    fleet.device(2)
    radio = False
    for _ in range(20):
        fleet.clock.at_ms += MINUTE // 2
        first.listen()
        fleet.listen()
        fleet.supervisor.work()
    assert fleet.open() == [(2, Cause.SILENT)]
    radio = True
    for _ in range(20):
        fleet.clock.at_ms += MINUTE // 2
        first.listen()
        fleet.supervisor.work()
    assert fleet.open() == [(2, Cause.SILENT), (1, Cause.SILENT)]


def test_many_at_once_are_one_notice_and_come_apart_when_few_are_left(fleet: Fleet) -> None:
    devices = [fleet.device(number) for number in range(1, 51)]
    fleet.after(MINUTE, *devices)
    fleet.after(3 * MINUTE, *devices[40:])
    assert fleet.open() == [(0, Cause.SILENT)], "one notice stands for forty"
    ((fold, members),) = fleet.store.open_folds()
    assert members == 40 and fleet.told() == {journal.MAINTENANCE_MASS: 1}
    assert fleet.facts(journal.MAINTENANCE_MASS) == {"case": fold.id, "cause": "silent", "devices": 40, "bearer": "lte"}
    fleet.after(3 * MINUTE)  # the rest as well
    assert fleet.store.open_folds()[0][1] == 50
    assert len(fleet.store.open_cases(fold=fold.id)) == 50
    fleet.after(MINUTE, *devices[3:])
    assert fleet.open() == [(1, Cause.SILENT), (2, Cause.SILENT), (3, Cause.SILENT)]
    assert fleet.told() == {journal.MAINTENANCE_MASS: 1, journal.MAINTENANCE_MASS_OVER: 1}
    fleet.after(MINUTE, *devices)
    assert fleet.open() == []


def test_cases_that_come_one_after_the_other_within_minutes_are_folded_too(fleet: Fleet) -> None:
    devices = [fleet.device(number) for number in range(1, 13)]
    for quiet in range(1, 13):
        fleet.after(MINUTE, *devices[quiet:])
    assert fleet.told()[journal.MAINTENANCE_OPENED] < 10
    fleet.after(3 * MINUTE)
    assert fleet.open() == [(0, Cause.SILENT)]
    assert fleet.store.open_folds()[0][1] == 12


def test_each_cause_has_a_case_of_its_own(fleet: Fleet) -> None:
    fleet.device(1, low_battery=True, battery=8)
    fleet.device(2, health=replace(WELL, version=(1, 1, 9)))
    fleet.device(3, tampered_ms=NOW, tamper_open=True)
    fleet.device(4, highest_counter=500)
    fleet.device(5, restarts_until_ms=NOW + 6 * RESTART_MS)
    fleet.device(6, rejected_until_ms=NOW + 30 * 3600 * 1000)
    fleet.device(7, low_battery=True, state="suspended")
    fleet.supervisor.look(NOW)
    assert sorted(fleet.open()) == [
        (1, Cause.LOW_BATTERY),
        (2, Cause.OLD_VERSION),
        (3, Cause.TAMPER),
        (4, Cause.COUNTER_GAP),
        (5, Cause.RESTARTS),
        (6, Cause.REJECTED),
    ]
    assert fleet.store.census().cases == {**dict.fromkeys(Cause, 1), Cause.SILENT: 0}
    assert fleet.store.census().devices == {"active": 6, "suspended": 1}


def test_a_housing_that_was_opened_waits_for_a_person(fleet: Fleet) -> None:
    one = fleet.device(1, tampered_ms=NOW, tamper_open=True)
    fleet.supervisor.look(NOW)
    fleet.says(one, tampered_ms=NOW, tamper_open=False)
    fleet.supervisor.look(NOW + MINUTE)
    ((_, cause),) = fleet.open()
    assert cause is Cause.TAMPER, "closed again, and nobody knows what was done to it"
    case = close_case(fleet.store, fleet.clock, WANTED, 1, "Contoh Teknisi", "baterai diganti")
    assert (case.closed_by, case.note) == ("Contoh Teknisi", "baterai diganti")
    fleet.supervisor.look(NOW + 2 * MINUTE)
    assert fleet.open() == [] and fleet.facts(journal.MAINTENANCE_CLOSED) == {"case": 1, "cause": "tamper"}
    fleet.says(one, tampered_ms=NOW + 2 * MINUTE)
    fleet.supervisor.look(NOW + 2 * MINUTE)
    assert fleet.open() == [(1, Cause.TAMPER)]


def test_what_a_person_closes_stays_quiet_until_it_was_gone(fleet: Fleet) -> None:
    one = fleet.device(1)
    fleet.after(5 * MINUTE)
    close_case(fleet.store, fleet.clock, WANTED, 1, "Contoh Teknisi", "dibawa ke bengkel")
    fleet.after(60 * MINUTE)
    assert fleet.open() == []
    fleet.after(MINUTE, one)
    fleet.after(5 * MINUTE)
    assert fleet.open() == [(1, Cause.SILENT)]
    assert [case.id for case in fleet.store.cases_of(one)] == [2, 1]


def test_a_fold_is_closed_with_all_that_it_stands_for(fleet: Fleet) -> None:
    devices = [fleet.device(number, health=replace(WELL, version=(1, 0, 0))) for number in range(1, 21)]
    fleet.supervisor.look(NOW)
    ((fold, members),) = fleet.store.open_folds()
    assert (fold.cause, members) == (Cause.OLD_VERSION, 20)
    close_case(fleet.store, fleet.clock, WANTED, fold.id, "Contoh Teknisi", "pembaruan dijadwalkan")
    fleet.supervisor.look(NOW)
    assert fleet.open() == [] and fleet.store.open_folds() == []
    (case,) = fleet.store.cases_of(devices[0])
    assert (case.closed_by, case.note, case.stands) == ("Contoh Teknisi", "pembaruan dijadwalkan", True)


@pytest.mark.parametrize(
    ("case_id", "actor", "note", "said"),
    [
        (9, "Contoh", "x", "there is no case 9"),
        (1, " ", "x", "a name has 1 to 80"),
        (1, "Contoh", " ", "say in a note"),
        (1, "Contoh", "x" * 2001, "say in a note"),
    ],
)
def test_a_case_is_closed_by_somebody_for_a_reason(
    fleet: Fleet, case_id: int, actor: str, note: str, said: str
) -> None:
    fleet.device(1, low_battery=True)
    fleet.supervisor.look(NOW)
    with pytest.raises(MaintenanceError, match=said):
        close_case(fleet.store, fleet.clock, WANTED, case_id, actor, note)
    assert len(fleet.open()) == 1


def test_a_closed_case_is_not_closed_again(fleet: Fleet) -> None:
    fleet.device(1, low_battery=True)
    fleet.supervisor.look(NOW)
    close_case(fleet.store, fleet.clock, WANTED, 1, "Contoh", "x")
    with pytest.raises(MaintenanceError, match="case 1 was closed by Contoh"):
        close_case(fleet.store, fleet.clock, WANTED, 1, "Lain", "y")


def test_the_rounds_look_once_a_minute_and_survive_a_clock_that_is_set_back(fleet: Fleet) -> None:
    fleet.device(1, low_battery=True)
    fleet.supervisor.work()
    assert fleet.open() == [(1, Cause.LOW_BATTERY)]
    fleet.says((1).to_bytes(8, "big"))
    fleet.clock.at_ms += 15_000
    fleet.supervisor.work()
    assert len(fleet.open()) == 1, "not yet"
    fleet.clock.at_ms -= DAY_MS
    fleet.supervisor.work()
    assert fleet.open() == []


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
                )
            )
    before = {60: NOW - 180_000, 21_600: NOW - 3 * 21_600_000, 86_400: NOW - 3 * 86_400_000}

    def suspects() -> dict[bytes, frozenset[Cause]]:
        found, after = {}, b""
        while page := fleet.store.suspects(Sieve(NOW, WANTED, before), after, 100):
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
    fleet.supervisor = Supervisor(fleet.store, JournalBell(), fleet.clock, WANTED, ways=lambda: fleet.ways, mass=10_000)
    fleet.supervisor._store.deafness = lambda ways, since_ms: []  # type: ignore[attr-defined,method-assign]
    fleet.supervisor.look(NOW)
    assert suspects() == {}
    everyone = fleet.store.watched(limit=10_000)
    assert {
        one.device.device_id: frozenset(case.cause for case in one.standing) for one in everyone if one.standing
    } == troubled()


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
    given = Commander(fleet.store, fleet.clock).ask(one, CommandCode.SETTINGS, settings, actor="Contoh")
    with fleet.store.transaction() as transaction:
        transaction.lock([one])
        take_receipt(transaction, one, 101, Receipt(given.down_counter, result), NOW)
    assert fleet.store.enrolled([one])[one].device.checkin_s == expected
