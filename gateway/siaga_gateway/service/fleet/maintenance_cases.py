"""What installers and operators see of maintenance cases, and how they close one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from siaga_gateway.domain.battery_history import HourValue, day_of, hours_of
from siaga_gateway.domain.device_command import Command
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.limits import LONGEST_ACTOR, LONGEST_NOTE
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.sim_card import NO_SIM, SimCard
from siaga_gateway.domain.supervision import Case, Cause, SupervisionLimits, problems
from siaga_gateway.domain.value import copied
from siaga_gateway.service.fleet.supervision import note_case
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, JournalEntry, Notifier
from siaga_gateway.service.registry.sim_cards import set_sim
from siaga_gateway.service.store import DeviceCensus, Store, SupervisedDevice, Transaction
from siaga_gateway.service.store.device_work import WantedWork, WorkCount
from siaga_gateway.service.store.maintenance import ANY, FleetFilter, PlacedDevice


class MaintenanceError(Refused):
    """A case that cannot be closed this way; the text says why."""


class CaseOvertaken(MaintenanceError):
    """Somebody closed it before, or it has become worse since it was looked at; nothing was changed."""

    def __init__(self, case: Case, local: LocalTime = IN_UTC) -> None:
        if case.closed_ms is None:
            super().__init__("maintenance.worse", id=case.id)
        else:
            time = local.moment(case.closed_ms)
            super().__init__("maintenance.closed", id=case.id, who=case.closed_by or "-", time=time)
        self.case = case
        self.local = local

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.case, self.local)


class MaintenanceCases:
    """Maintenance for the console. Thread-safe; every method raises StoreFailing."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        wanted: SupervisionLimits,
        local: LocalTime = IN_UTC,
    ) -> None:
        """local: in which its errors name times."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self.wanted = wanted
        self._local = local

    def folds(self) -> Sequence[tuple[Case, int]]:
        """Return open folds, each with the number of its open cases."""
        return self._store.open_folds()

    def cases(self, *, fold: int | None, after: int, limit: int) -> Sequence[tuple[Case, SupervisedDevice | None]]:
        """Return open cases of single devices with id > after, oldest first: a fold's, or those outside folds."""
        cases = [
            case for case in self._store.open_cases(fold=fold, after=after, limit=limit) if case.device_id is not None
        ]
        watched = self._store.watched_by({case.device_id for case in cases if case.device_id is not None})
        return [(case, None if case.device_id is None else watched.get(case.device_id)) for case in cases]

    def devices(
        self,
        *,
        text: str,
        troubled: bool,
        after: tuple[str, bytes] | None,
        limit: int,
        only: FleetFilter = ANY,
    ) -> Sequence[SupervisedDevice]:
        """See service.store.Store.watched."""
        return self._store.watched(text=text, troubled=troubled, only=only, after=after, limit=limit)

    def placed(self, *, text: str, troubled: bool, only: FleetFilter, carried: bool, limit: int) -> list[PlacedDevice]:
        """See service.store.Store.placed."""
        return [*self._store.placed(limit, text=text, troubled=troubled, only=only, carried=carried)]

    def stations_below(self, key: str) -> Collection[str]:
        """Return a station's key and those of all stations below it; empty: there is no such station."""
        above = {station.key: station.parent for station in self._store.stations()}
        found, more = set[str](), {key} & above.keys()
        while more:
            found |= more
            more = {each for each, parent in above.items() if parent in more} - found
        return found

    def batteries(self, watched: Sequence[SupervisedDevice], since_ms: int) -> Mapping[bytes, Sequence[HourValue]]:
        """Return the battery and signal of a page of devices by the hour, oldest first."""
        days = self._store.days_of_each([each.device.device_id for each in watched], day_of(since_ms))
        return {(one := each.device.device_id): _hours(each, days.get(one, ())) for each in watched}

    def history(self, device_id: bytes, since_ms: int) -> tuple[SupervisedDevice, Sequence[HourValue]] | None:
        """Return a device and its battery and signal by the hour, oldest first; None: it is not enrolled."""
        watched = self._store.watched_by([device_id]).get(device_id)
        if watched is None:
            return None
        return watched, _hours(watched, self._store.days_of(device_id, day_of(since_ms)))

    def sim(self, device_id: bytes) -> SimCard:
        """Return what is known of a device's SIM card."""
        return self._store.sims([device_id]).get(device_id, NO_SIM)

    def set_sim(self, device_id: bytes, sim: SimCard, actor: str) -> SimCard:
        """Raises: EnrolError; PersonalKeyError."""
        kept = set_sim(self._store, self._clock, device_id, sim, actor=actor)
        self._notifier.ring()
        return kept

    def commands(self, device_id: bytes, limit: int) -> Sequence[Command]:
        """Return a device's commands, newest first."""
        return self._store.commands(device_id, limit)

    def work(self, wanted: WantedWork, limit: int) -> Sequence[JournalEntry]:
        """Return what was done on devices, newest first."""
        return self._store.work(wanted, limit)

    def workers(self, since_ms: int) -> Sequence[WorkCount]:
        """Return who did how much on devices since then, by name."""
        return self._store.workers(since_ms)

    def census(self) -> DeviceCensus:
        return self._store.census()

    def close(self, case_id: int, actor: str, note: str, *, level: int | None = None) -> Case:
        """Close a case. level: how bad it was shown to be. Raises: MaintenanceError."""
        case = close_case(self._store, self._clock, self.wanted, case_id, actor, note, level=level, local=self._local)
        self._notifier.ring()
        return case


def _hours(watched: SupervisedDevice, days: Iterable[tuple[int, bytes]]) -> Sequence[HourValue]:
    """days: those that are over; today's is in the device's status."""
    status = watched.status
    today = () if status is None or status.hours is None else ((status.day, status.hours),)
    return [one for day, hours in sorted((*days, *today)) for one in hours_of(day, hours)]


def close_case(
    store: Store,
    clock: Clock,
    wanted: SupervisionLimits,
    case_id: int,
    actor: str,
    note: str,
    *,
    level: int | None = None,
    local: LocalTime = IN_UTC,
) -> Case:
    """Record that a person dealt with a case, or that it needs nothing; for a fold, all of its cases.

    level: Case.level as the person saw it. local: in which errors name times. Raises: MaintenanceError.
    """
    actor, note = visible(tidied(actor)), visible(note.strip(), lines=True)
    if not 0 < len(actor) <= LONGEST_ACTOR:
        raise MaintenanceError("maintenance.name", longest_name=LONGEST_ACTOR)
    if not 0 < len(note) <= LONGEST_NOTE:
        raise MaintenanceError("maintenance.note", longest_note=LONGEST_NOTE)
    now_ms = clock.now_ms()
    with store.transaction() as transaction:
        case = transaction.case(case_id)
        if case is None:
            raise MaintenanceError("maintenance.none", case_id=case_id)
        if case.closed_ms is not None:
            raise CaseOvertaken(case, local)
        if case.device_id is not None:
            transaction.lock([case.device_id])
            case = transaction.case(case_id) or case
        if case.closed_ms is not None or (level is not None and case.level > level):
            raise CaseOvertaken(case, local)
        if case.device_id is not None:
            case = replace(case, level=_level_now(transaction, case, store, now_ms, wanted))
        case = replace(case, closed_ms=now_ms, closed_by=actor, note=note, stands=case.device_id is not None)
        transaction.put_case(case)
        if case.device_id is None:
            transaction.put_members(case)
        note_case(transaction, journal.MAINTENANCE_CLOSED, case, now_ms, actor)
    return case


def _level_now(transaction: Transaction, case: Case, store: Store, now_ms: int, wanted: SupervisionLimits) -> int:
    """Return how bad it is as the person closes it; one-time events are then dealt with."""
    assert case.device_id is not None
    enrolled = store.enrolled([case.device_id]).get(case.device_id)
    status = transaction.statuses([case.device_id]).get(case.device_id)
    if enrolled is None or status is None:
        return case.level
    if case.cause is Cause.TAMPER:
        transaction.put_status(copied(status, tampered_ms=None))
    if case.cause is Cause.COUNTERS:
        transaction.put_status(copied(status, counter_fault_ms=None))
    found = problems(enrolled.device, status, now_ms, wanted, (), frozenset({case.cause}))
    return max(case.level, found.get(case.cause, 0))
