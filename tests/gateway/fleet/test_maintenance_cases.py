"""Cases that a person closes: by whom and why, what stays quiet after that, a fold with all that it stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.watched_fleet import MINUTE, NOW, WANTED, WELL, Fleet
from siaga_gateway.domain.supervision import Cause
from siaga_gateway.service.fleet.maintenance_cases import CaseOvertaken, MaintenanceError, close_case
from siaga_gateway.service.journal import kinds as journal


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


def test_a_case_that_was_closed_or_grew_worse_since_one_looked_is_not_closed_over_it(fleet: Fleet) -> None:
    one = fleet.device(1)
    fleet.after(5 * MINUTE)
    (case,) = fleet.store.open_cases()
    with fleet.store.transaction() as transaction:
        transaction.put_case(replace(case, level=case.level + 2))
    with pytest.raises(CaseOvertaken, match="worse"):
        close_case(fleet.store, fleet.clock, WANTED, case.id, "Rina", "baterai", level=case.level)
    close_case(fleet.store, fleet.clock, WANTED, case.id, "Rina", "baterai", level=case.level + 2)
    with pytest.raises(CaseOvertaken, match="was closed by Rina, ") as refused:
        close_case(fleet.store, fleet.clock, WANTED, case.id, "Budi", "antena", level=case.level + 2)
    assert refused.value.case == fleet.store.cases_of(one)[0]
