"""The contract of service/store/owner_cases.py, and suspensions with an end, kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.alarms import ENDED
from siaga_gateway.adapters.sql.owner_cases import CLOSED_CALLS
from siaga_gateway.domain.incident import Disposition, IncidentState, Mode
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind, OwnerCaseState
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store import StoreConflict

PRANKS, ACCIDENTS = OwnerCaseKind.PRANKS, OwnerCaseKind.ACCIDENTS
CASE = OwnerCase(0, 1, PRANKS, OwnerCaseState.OPEN, NOW_MS, 3)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With owner 1, his button, a call that was a prank and one that is open."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    closed = sample_store.open_incident(kept, 1)
    sample_store.open_incident(kept, 2)
    with kept.transaction() as transaction:
        ended = {"state": IncidentState.CLOSED, "closed_at_ms": NOW_MS + 5, "disposition": Disposition.ABUSE}
        transaction.put_incident(copied(closed, **ended))
    yield kept
    kept.close()


def add(store: SqlStore, case: OwnerCase = CASE) -> int:
    with store.transaction() as transaction:
        return transaction.add_owner_case(case)


def test_a_case_is_kept_whole_changed_and_found_in_order(store: SqlStore) -> None:
    number = add(store)
    whole = copied(
        CASE,
        id=number,
        state=OwnerCaseState.LIFTED,
        decided_ms=NOW_MS + 1,
        decided_by="Siti",
        reason="tiga kali",
        until_ms=NOW_MS + 9,
        ended_ms=NOW_MS + 2,
        ended_by="Budi",
        end_reason="keliru",
    )
    assert store.owner_case(number) == copied(CASE, id=number)
    with store.transaction() as transaction:
        transaction.put_owner_case(whole)
        assert transaction.owner_case(number) == whole == transaction.last_owner_case(1, PRANKS)
        assert transaction.owner_case(number + 1) is None and transaction.last_owner_case(1, ACCIDENTS) is None
    advice = add(store, copied(CASE, kind=ACCIDENTS))
    suspended = add(store, copied(CASE, state=OwnerCaseState.SUSPENDED, until_ms=NOW_MS + 9))
    assert [case.id for case in store.owner_cases_of(1)] == [suspended, advice, number]
    assert [case.id for case in store.owner_cases()] == [advice, suspended], "what is over waits for nobody"
    assert [case.id for case in store.owner_cases(after=advice)] == [suspended]
    assert store.open_owner_cases() == {ACCIDENTS: 1}
    assert store.owner_cases_of(2) == []


def test_of_one_kind_an_owner_has_one_open_case(store: SqlStore) -> None:
    add(store)
    add(store, copied(CASE, kind=ACCIDENTS))
    with pytest.raises(StoreConflict):
        add(store)


def test_a_transaction_sees_the_calls_that_it_has_just_closed_and_no_tests(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.lock_owner(1)
        second = transaction.incidents([2])[2]
        ended = {"state": IncidentState.CLOSED, "closed_at_ms": NOW_MS + 7, "disposition": Disposition.ACCIDENTAL}
        transaction.put_incident(copied(second, **ended))
        trial = copied(second, id=transaction.next_incident_id(), identifier="t", mode=Mode.TEST)
        transaction.put_incident(copied(trial, **ended))
        found = [(Disposition.ABUSE, NOW_MS + 5), (Disposition.ACCIDENTAL, NOW_MS + 7)]
        assert transaction.ended_calls_of(1, NOW_MS) == found == list(transaction.ended_calls_of(1, NOW_MS + 5))
        assert transaction.ended_calls_of(1, NOW_MS + 6) == found[1:]
        assert transaction.ended_calls_of(2, 0) == []


def test_a_record_has_all_calls_of_the_owner_of_that_time_the_open_ones_first(store: SqlStore) -> None:
    assert [call.id for call in store.calls_of(1)] == [2, 1]
    with store.transaction() as transaction:
        exercise = copied(transaction.incidents([2])[2], id=transaction.next_incident_id(), identifier="x", drill=1)
        transaction.put_incident(copied(exercise, mode=Mode.EXERCISE))
    assert [call.id for call in store.calls_of(1)] == [2, 1], "an exercise is none of his calls"
    assert [call.id for call in store.calls_of(1, limit=1)] == [2]
    assert store.calls_of(2) == []


def test_reasons_are_forgotten_once_a_case_is_long_over_and_an_erased_owner_has_none(store: SqlStore) -> None:
    reason = {"reason": "tiga kali", "decided_by": "Siti", "decided_ms": NOW_MS}
    waiting = add(store, copied(CASE, state=OwnerCaseState.SUSPENDED, **reason))
    over = add(store, copied(CASE, state=OwnerCaseState.DISMISSED, **reason))
    assert (store.expired_owner_cases(NOW_MS), store.expired_owner_cases(NOW_MS + 1)) == (0, 1)
    with store.transaction() as transaction:
        assert (transaction.forget_owner_cases(NOW_MS, 9), transaction.forget_owner_cases(NOW_MS + 1, 9)) == (0, 1)
    kept = {case.id: case.reason for case in store.owner_cases_of(1)}
    assert kept == {waiting: "tiga kali", over: None} and store.expired_owner_cases(NOW_MS + 1) == 0
    with store.transaction() as transaction:
        transaction.lock([DEVICE_ID])
        transaction.erase_owner(1, NOW_MS)
    assert store.owner_cases_of(1) == []


def test_a_suspension_has_an_end_until_the_state_is_another(store: SqlStore) -> None:
    def until() -> int | None:
        return store.enrolled([DEVICE_ID])[DEVICE_ID].device.suspended_until_ms

    assert (until(), store.suspended()) == (None, {})
    with store.transaction() as transaction:
        transaction.set_registration(DEVICE_ID, RegistrationState.SUSPENDED, NOW_MS, NOW_MS + 9)
    assert (until(), store.suspended()) == (NOW_MS + 9, {DEVICE_ID: NOW_MS + 9})
    with store.transaction() as transaction:
        transaction.set_registration(DEVICE_ID, RegistrationState.ACTIVE, NOW_MS)
    assert (until(), store.suspended()) == (None, {})


def test_an_owners_ended_calls_are_found_by_an_index(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    for statement in (ENDED, CLOSED_CALLS):
        plan = "\n".join(str(row) for row in store.fetch(f"EXPLAIN QUERY PLAN {statement}", (1, 1)))
        assert "incident_owner" in plan, plan
    store.close()
