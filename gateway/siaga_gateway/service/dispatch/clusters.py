"""Puts calls that are close together in place and time into one major incident, and takes them out of it by hand.

A periodic job, shared, that looks at the open calls whenever one was opened or has a new place. It only marks
incidents, a few in each transaction: no press, wave or step waits for it, or depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from siaga_gateway.domain.cluster import ClusterLimits, OpenCall, Place, grouped
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.scheduling.one_of_many import one_of_many
from siaga_gateway.service.store import Store, Transaction

EVERY_S: Final = 1.0
_AT_ONCE: Final = 20  # incidents in one transaction: presses wait for it
_SPAN: Final = 10_000  # after more journal numbers than this all open calls are looked at without reading them
_TELLING: Final = frozenset({journal.INCIDENT_OPENED, journal.POSITION, journal.MADE_REAL})


class Clusters:
    """A periodic job, shared: one of all workers runs it."""

    def __init__(self, store: Store, notifier: Notifier, clock: Clock, limits: ClusterLimits) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._limits = limits
        self._at: int | None = None  # the last journal entry that was looked at; None: look at all open calls
        # Where the first call of each was when it was first looked at: it may move on, or be closed.
        self._firsts: dict[int, Place] = {}

    def work(self) -> None:
        """Raises: StoreFailing."""
        last = self._store.last_journal_id()
        if self._at is None or last - self._at > _SPAN or self._store.journal_of_kinds(_TELLING, self._at, last):
            self._look()
        self._at = last

    def _look(self) -> None:
        calls = self._store.open_calls()
        wanted = grouped(calls, self._places(calls), self._limits)
        marked = False
        ordered = sorted(wanted.items())
        for begin in range(0, len(ordered), _AT_ONCE):
            marked |= self._mark(dict(ordered[begin : begin + _AT_ONCE]))
        if marked:
            self._notifier.ring()

    def _places(self, calls: Sequence[OpenCall]) -> Mapping[int, Place]:
        present = {each.cluster for each in calls if each.cluster is not None}
        for number in present - self._firsts.keys():
            with one_of_many("majors", number):
                first = self._store.incident(number)
                if first is not None and first.place is not None:
                    self._firsts[number] = first.place[:2]
        self._firsts = {number: place for number, place in self._firsts.items() if number in present}
        return self._firsts

    def _mark(self, wanted: Mapping[int, int]) -> bool:
        with self._store.transaction() as transaction:
            devices = [each.device_id for each in transaction.incidents(wanted).values()]
            transaction.lock(devices)
            joining = [each for each in transaction.incidents(wanted).values() if _may_join(each)]
            for incident in joining:
                enter(transaction, incident, wanted[incident.id], self._clock.now_ms(), None)
        return bool(joining)


def _may_join(incident: Incident) -> bool:
    """Whether it still is what was looked at."""
    is_open = incident.state is not IncidentState.CLOSED
    return is_open and incident.cluster is None and not incident.alone and in_earnest(incident)


def in_earnest(incident: Incident) -> bool:
    return incident.mode is not Mode.TEST and not is_exercise(incident)


def enter(transaction: Transaction, incident: Incident, major: int, now_ms: int, operator: str | None) -> Incident:
    """Put a locked incident into a major incident. operator: None: by the rule."""
    after = copied(incident, cluster=major, alone=False)
    transaction.put_incident(after)
    _note(transaction, journal.CLUSTERED, after, major, now_ms, operator)
    return after


def leave(transaction: Transaction, incident: Incident, now_ms: int, operator: str) -> Incident:
    """Take a locked incident out of its major incident; it is never put back but by a person. In none: nothing."""
    if incident.cluster is None:
        return incident
    after = copied(incident, cluster=None, alone=True)
    transaction.put_incident(after)
    _note(transaction, journal.UNCLUSTERED, after, incident.cluster, now_ms, operator)
    return after


def join(transaction: Transaction, incident: Incident, number: int, now_ms: int, operator: str) -> Incident:
    """Put a locked incident into the major incident of that number, or of which the incident of that number is; with
    another open incident, locked too, that belongs to none it makes a new one, named after the first of both.

    Raises: OperateError.
    """
    if not in_earnest(incident):
        raise OperateError("operate.not_major", id=incident.id)
    named = transaction.incidents([number]).get(number)
    major = number if transaction.has_members(number) else None if named is None else named.cluster
    if major is None and named is not None and named.id != incident.id and named.state is not IncidentState.CLOSED:
        if not in_earnest(named):
            raise OperateError("operate.not_major", id=named.id)
        major = min((named, incident), key=lambda each: (each.opened_at_ms, each.id)).id
        enter(transaction, named, major, now_ms, operator)
    if major is None:
        raise OperateError("operate.no_major", number=number)
    return incident if incident.cluster == major else enter(transaction, incident, major, now_ms, operator)


def _note(
    transaction: Transaction, kind: str, incident: Incident, major: int, now_ms: int, operator: str | None
) -> None:
    transaction.note(
        kind,
        now_ms,
        {"major": major},
        incident_id=incident.id,
        device_id=incident.device_id,
        actor=operator,
    )
