"""What installers and operators see of maintenance, and how they close a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from siaga_gateway.domain.supervision import Case, Cause, Wanted, problems
from siaga_gateway.service import journal
from siaga_gateway.service.ports import Bell, Clock
from siaga_gateway.service.store import Census, Store, Transaction, Watched
from siaga_gateway.service.supervise import note_case

_LONGEST_NOTE: Final = 2_000
_LONGEST_NAME: Final = 80


class MaintenanceError(Exception):
    """A case that cannot be closed so; the text says why."""


class MaintenanceDesk:
    """For the console. From any thread; every method raises StoreFailing."""

    def __init__(self, store: Store, bell: Bell, clock: Clock, wanted: Wanted) -> None:
        self._store = store
        self._bell = bell
        self._clock = clock
        self.wanted = wanted

    def folds(self) -> Sequence[tuple[Case, int]]:
        """Cases that stand for many devices, each with how many of these are open."""
        return self._store.open_folds()

    def cases(self, *, fold: int | None, after: int, limit: int) -> Sequence[tuple[Case, Watched | None]]:
        """Open cases of single devices with id > after, oldest first: a fold's, or those that no fold stands for."""
        cases = [
            case for case in self._store.open_cases(fold=fold, after=after, limit=limit) if case.device_id is not None
        ]
        watched = self._store.watched_by({case.device_id for case in cases if case.device_id is not None})
        return [(case, None if case.device_id is None else watched.get(case.device_id)) for case in cases]

    def devices(self, *, text: str, troubled: bool, after: tuple[str, bytes] | None, limit: int) -> Sequence[Watched]:
        """See service.store.Store.watched."""
        return self._store.watched(text=text, troubled=troubled, after=after, limit=limit)

    def census(self) -> Census:
        return self._store.census()

    def close(self, case_id: int, actor: str, note: str) -> Case:
        """Raises MaintenanceError."""
        case = close_case(self._store, self._clock, self.wanted, case_id, actor, note)
        self._bell.ring()
        return case


def close_case(store: Store, clock: Clock, wanted: Wanted, case_id: int, actor: str, note: str) -> Case:
    """A person says that a case is dealt with, or need not be; of a fold: all of its cases. Raises MaintenanceError."""
    actor, note = " ".join(actor.split()), note.strip()
    if not 0 < len(actor) <= _LONGEST_NAME:
        raise MaintenanceError(f"a name has 1 to {_LONGEST_NAME} characters")
    if not 0 < len(note) <= _LONGEST_NOTE:
        raise MaintenanceError(f"say in a note of 1 to {_LONGEST_NOTE} characters what was done or found")
    now_ms = clock.now_ms()
    with store.transaction() as transaction:
        case = transaction.case(case_id)
        if case is None:
            raise MaintenanceError(f"there is no case {case_id}")
        if case.closed_ms is not None:
            raise MaintenanceError(f"case {case_id} was closed by {case.closed_by or 'the gateway'}")
        if case.device_id is not None:
            transaction.lock([case.device_id])
            case = replace(case, level=_level_now(transaction, case, store, now_ms, wanted))
        case = replace(case, closed_ms=now_ms, closed_by=actor, note=note, stands=case.device_id is not None)
        transaction.put_case(case)
        if case.device_id is None:
            transaction.put_members(case)
        note_case(transaction, journal.MAINTENANCE_CLOSED, case, now_ms, actor)
    return case


def _level_now(transaction: Transaction, case: Case, store: Store, now_ms: int, wanted: Wanted) -> int:
    """How bad it is as the person closes it; what happened once is done with then."""
    assert case.device_id is not None
    enrolled = store.enrolled([case.device_id]).get(case.device_id)
    status = transaction.statuses([case.device_id]).get(case.device_id)
    if enrolled is None or status is None:
        return case.level
    if case.cause is Cause.TAMPER:
        transaction.put_status(replace(status, tampered_ms=None))
    if case.cause is Cause.COUNTERS:
        transaction.put_status(replace(status, counter_fault_ms=None))
    found = problems(enrolled.device, status, now_ms, wanted, (), frozenset({case.cause}))
    return max(case.level, found.get(case.cause, 0))
