"""Supervision on a real store: cases opened once and closed by themselves or by a person, masses folded, deafness."""

from __future__ import annotations

from dataclasses import replace

from gateway.rule_values import incident
from gateway.watched_fleet import DAY_MS, MINUTE, NOW, WANTED, WELL, Fleet
from siaga_gateway.domain.device_status import RESTART_MS
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.domain.supervision import UNSIGNED_MS, Cause
from siaga_gateway.service.fleet.maintenance_cases import close_case
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.sim_cards import set_sim


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


def test_a_button_that_falls_silent_within_an_incident_is_told_with_it(fleet: Fleet) -> None:
    pressed, other = fleet.device(1), fleet.device(2)
    with fleet.store.transaction() as transaction:
        transaction.put_incident(incident(device_id=pressed, owner=fleet.store.owner(fleet.owner_id)))
    fleet.after(5 * MINUTE)
    cases = [each for each in fleet.store.journal_last(20) if each.kind == journal.MAINTENANCE_OPENED]
    assert {each.device_id: each.incident_id for each in cases} == {pressed: 5, other: None}


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
        fleet.store, JournalNotifier(), fleet.clock, WANTED, ways=lambda: {"mqtt": True, "lorawan": radio}, mass=10
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
    fleet.device(8, counter_faults=1, counter_fault_ms=NOW - 1000)
    fleet.device(9, mac_since_ms=NOW - UNSIGNED_MS - 1000, mac_until_ms=NOW - 1000)
    for number, days in ((10, 30), (11, 7), (12, 0), (13, 31)):
        fleet.device(number, sim_until_ms=NOW + days * DAY_MS)
    fleet.device(14, sim_quota_mb=19)
    fleet.device(15, sim_quota_mb=20)
    fleet.supervisor.look(NOW)
    assert sorted(fleet.open()) == [
        (1, Cause.LOW_BATTERY),
        (2, Cause.OLD_VERSION),
        (3, Cause.TAMPER),
        (4, Cause.COUNTER_GAP),
        (5, Cause.RESTARTS),
        (6, Cause.REJECTED),
        (8, Cause.COUNTERS),
        (9, Cause.UNSIGNED),
        (10, Cause.SIM_ENDING),
        (11, Cause.SIM_ENDING_SOON),
        (12, Cause.SIM_LAPSED),
        (14, Cause.QUOTA_LOW),
    ]
    assert fleet.store.census().cases == {**dict.fromkeys(Cause, 1), Cause.SILENT: 0}
    assert fleet.store.census().devices == {"active": 14, "suspended": 1}


def test_one_case_of_a_sim_card_follows_the_other_until_it_is_topped_up(fleet: Fleet) -> None:
    button = fleet.device(1, sim_until_ms=NOW + 31 * DAY_MS)
    seen = []
    for day in (0, 1, 23, 24, 30, 31, 40):
        fleet.clock.at_ms = NOW + day * DAY_MS
        fleet.listen()
        fleet.says(button)
        fleet.supervisor.look(fleet.clock.at_ms)
        seen.append([cause for _, cause in fleet.open()])
    soon, urgent, lapsed = [Cause.SIM_ENDING], [Cause.SIM_ENDING_SOON], [Cause.SIM_LAPSED]
    assert seen == [[], soon, soon, urgent, urgent, lapsed, lapsed]
    set_sim(fleet.store, fleet.clock, button, SimCard(active_until_ms=NOW + 400 * DAY_MS), actor="Dewi")
    fleet.supervisor.look(fleet.clock.at_ms)
    assert fleet.open() == []
    told = [entry.facts["cause"] for entry in fleet.store.journal_after(0) if entry.kind == journal.MAINTENANCE_OPENED]
    assert told == ["sim_ending", "sim_ending_soon", "sim_lapsed"], "each stage is told once"


def test_little_data_is_a_case_before_it_is_used_up_and_once_more_when_nothing_is_left(fleet: Fleet) -> None:
    button = fleet.device(1)

    def recorded(quota_mb: int | None) -> list[bool]:
        set_sim(fleet.store, fleet.clock, button, SimCard(quota_mb=quota_mb), actor="Dewi")
        fleet.supervisor.look(NOW)
        return [case.closed_ms is None for case in fleet.store.cases_of(button)]

    assert recorded(20) == [] and recorded(19) == [True]
    assert fleet.facts(journal.MAINTENANCE_OPENED)["quota_mb"] == 19
    case = fleet.store.cases_of(button)[0]
    close_case(fleet.store, fleet.clock, WANTED, case.id, "Dewi", "pemilik mengisi ulang besok")
    assert recorded(12) == [False], "each list that is imported would ask again"
    assert recorded(0) == [True, False], "now it is silent"
    assert recorded(500) == [False, False] and recorded(3) == [True, False, False]
    assert recorded(None) == [False, False, False], "nothing is known"


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
