"""Drives the escalations: what happened becomes a fact, what is due is done, and what that asks for is written down.

It follows the journal from where it was. An entry, its effect on the escalation, the notifications and the place in the
journal are one transaction: whoever dies in between has done nothing, and whoever comes after does it once. One of
several workers does this at a time, by lease; should two overlap, the second to write finds the row changed and reads
it again.

An incident that cannot be stepped is set aside, loudly, and delays no other; the auditor rings for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import (
    Fact,
    FactKind,
)
from siaga_gateway.domain.incident import IncidentState, Mode
from siaga_gateway.service.dispatch.incident_facts import FOLLOWED
from siaga_gateway.service.dispatch.wave_plan import EscalationChanged, Found, Happened, WavePlanner
from siaga_gateway.service.ports import Clock, JournalEntry, Notifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing

log = logging.getLogger(__name__)

_CURSOR: Final = "waves.journal"  # the last journal entry that was followed
STORE_NAME: Final = "waves.store"  # whose escalations they are: another name after a restored backup
_LOOK_S: Final = 1.0
_SPAN: Final = 2_000  # journal numbers looked through at once
_AT_ONCE: Final = 50  # entries or incidents in one transaction
_ASIDE_S: Final = 5.0  # what could not be stepped waits so long
_SET_ASIDE_LOOK_S: Final = 0.25
_TRIES: Final = 3
LONGEST_S: Final = 10.0  # one turn, for the lease


# An incident, and what happened to it, in order.
_Happened = tuple[int, Happened]


class Waves:
    """Call `start`, `wake` after each commit, `stop`."""

    def __init__(
        self,
        store: Store,
        planner: WavePlanner,
        notifier: Notifier,
        clock: Clock,
        lease: Lease,
        written: Callable[[], None] = lambda: None,
        on_damage: Callable[[StoreFailing, bool], None] = lambda error, call: None,
    ) -> None:
        """written: called when there may be new notifications."""
        self._store = store
        self._planner = planner
        self._notifier = notifier
        self._clock = clock
        self._lease = lease
        self._written = written
        self._on_damage = on_damage
        self._followed: int | None = None  # the last journal entry; None: as the store remembers
        self._remembered = 0  # by the store
        self._look_at = 0.0  # monotonic
        self._aside: dict[int, float] = {}  # incidents that could not be stepped, until when (monotonic)
        self._owed: dict[int, list[JournalEntry]] = {}  # what happened to them meanwhile
        self._thread = PeriodicThread("waves", self._turn, end_s=12)
        self._beat = time.monotonic()  # the last turn that went through

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Signal that the journal may have grown. Thread-safe."""
        self._thread.wake()

    def stop(self) -> None:
        self._thread.stop()
        self._lease.give_back()

    def silent_s(self) -> float:
        """Return seconds since the last sign of life."""
        return time.monotonic() - self._beat if self._thread.alive else float("inf")

    def _turn(self) -> float:
        try:
            if not self._lease.held():
                self._beat = time.monotonic()
                self._followed = None  # another worker goes on from where it was
                return _LOOK_S
            while self.work():
                self._beat = time.monotonic()
                if self._thread.stopping or not self._lease.held():
                    return 0.0
            self._beat = time.monotonic()
            return self._next_s()
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            if isinstance(error, StoreDamaged):  # one that is full or locked mends itself
                self._on_damage(error, True)
            self._beat = time.monotonic()  # it is the store that fails, and is told as such
            return _LOOK_S

    def _next_s(self) -> float:
        next_ms = self._store.next_escalation_ms()
        if next_ms is None:
            return _LOOK_S
        soonest_s = _SET_ASIDE_LOOK_S if self._aside else 0.01  # what was set aside stays due
        return min(_LOOK_S, max(soonest_s, (next_ms - self._clock.now_ms()) / 1000))

    def work(self) -> bool:
        """Follow the journal, then do what is due. Returns whether there may be more at once. Raises: StoreFailing."""
        try:
            return self._work()
        except StoreFailing:
            # The last commit may have gone through all the same: nothing is followed twice.
            self._followed = None
            raise

    def _work(self) -> bool:
        more = self._follow()
        now = time.monotonic()
        self._aside = {incident_id: until for incident_id, until in list(self._aside.items()) if until > now}
        if self._owed:
            self._pay()
        # Looked at once a second all the same: the clock may have been set back.
        next_ms = self._store.next_escalation_ms()
        if next_ms is None or (next_ms > self._clock.now_ms() and now < self._look_at):
            return more
        self._look_at = now + _LOOK_S
        due = self._due()
        self._take_all([(each, (Fact(FactKind.TICK),)) for each in due], None)
        return more or len(due) == _AT_ONCE

    def _due(self) -> Sequence[int]:
        found = self._store.escalations_due(self._clock.now_ms(), "waves", _AT_ONCE + len(self._aside))
        return [each.incident_id for each in found if each.incident_id not in self._aside][:_AT_ONCE]

    # The journal

    def _follow(self) -> bool:
        last = self._store.last_journal_id()
        if self._followed is None:
            at = self._store.remembered(_CURSOR)
            if at is None or self._store.remembered(STORE_NAME) != self._store.name:
                self._begin(last if at is None else int(at), known=at is not None)
                at = at or str(last)
            self._followed = self._remembered = min(int(at), last)
        if self._followed == last:
            return False
        until = min(last, self._followed + _SPAN)
        entries = self._store.journal_of_kinds(FOLLOWED, self._followed, until)
        while len(entries) > _AT_ONCE:
            some, entries = entries[:_AT_ONCE], entries[_AT_ONCE:]
            self._take_all(_by_incident(some), some[-1].id)
        # Most of the journal is nothing to us: that need not be written each time.
        if entries or until - self._remembered >= _SPAN:
            self._take_all(_by_incident(entries), until)
        self._followed = until
        return until < last

    def _begin(self, cursor: int, *, known: bool) -> None:
        """The first start, or the first after a restored backup: what is open is asked about if it is old.

        The journal is followed from where the backup was: a button pressed since then calls, like any other.
        """
        if known:
            log.warning(Localized("log.dispatch.restored"))
        found = Found.RESTORED if known else Found.OPEN
        for incident in self._store.open_incidents():
            self._take_all([(incident.id, ())], None, found)
        with self._store.transaction() as transaction:
            transaction.remember(_CURSOR, str(cursor))
            transaction.remember(STORE_NAME, self._store.name)

    def adopt(self, incident_ids: Iterable[int]) -> None:
        """Begin the escalation of open incidents that have none: the auditor has found them. Raises: StoreFailing."""
        self._take_all([(each, ()) for each in incident_ids], None, Found.OPEN)

    # Steps

    def _take_all(
        self,
        groups: Sequence[_Happened],
        until: int | None,
        found: Found = Found.NOW,
    ) -> None:
        """Take what happened to these incidents, in one transaction; if that fails for one of them, each by itself."""
        if not groups and until is None:
            return
        groups = [(incident_id, (*self._owed.get(incident_id, ()), *happened)) for incident_id, happened in groups]
        try:
            self._commit(groups, until, found)
        except StoreFailing:
            raise
        except Exception:
            for group in groups:
                self._take_alone(group, found)
            self._commit([], until, found)
        else:
            for incident_id, _ in groups:
                self._owed.pop(incident_id, None)
        if groups:
            self._notifier.ring()
            self._written()

    def _take_alone(self, group: _Happened, found: Found) -> None:
        """What fails is owed: the journal is not read again for it."""
        incident_id, happened = group
        owed: list[JournalEntry] = []
        if not self._is_taken(group, found):
            for each in happened:
                alone = len(happened) > 1 and self._is_taken((incident_id, (each,)), found)
                if isinstance(each, JournalEntry) and not alone:
                    owed.append(each)
        if owed:
            self._owed[incident_id] = owed
        else:
            self._owed.pop(incident_id, None)

    def _is_taken(self, group: _Happened, found: Found) -> bool:
        for tried in range(1, _TRIES + 1):
            try:
                self._commit([group], None, found)
            except StoreFailing:
                raise
            except EscalationChanged:
                # The lease has changed hands, and both of us still write.
                self._aside[group[0]] = time.monotonic() + _ASIDE_S
            except Exception:
                self._aside[group[0]] = time.monotonic() + _ASIDE_S
                if tried == _TRIES:
                    log.exception(Localized("log.dispatch.fault", incident=group[0]))
            else:
                self._aside.pop(group[0], None)
                return True
        return False

    def _pay(self) -> None:
        """Take what is owed to incidents whose time aside is over."""
        for incident_id in [each for each in list(self._owed) if each not in self._aside]:
            incident = self._store.incident(incident_id)
            if incident is None or incident.state is IncidentState.CLOSED:
                self._owed.pop(incident_id, None)
            else:
                self._take_all([(incident_id, ())], None)

    def _commit(
        self,
        groups: Sequence[_Happened],
        until: int | None,
        found: Found,
    ) -> None:
        now_ms, plans = self._clock.now_ms(), []
        if groups:
            self._planner.recipients.ready()
        for incident_id, happened in groups:
            incident = self._store.incident(incident_id)
            if incident is not None and incident.mode is not Mode.TEST:
                plans.append(self._planner.plan(incident, happened, now_ms, found))
        if plans or until is not None:
            with self._store.transaction() as transaction:
                for plan in plans:
                    plan.write(transaction)
                if until is not None:
                    transaction.remember(_CURSOR, str(until))
        if until is not None:
            self._followed = self._remembered = until


def _by_incident(entries: Sequence[JournalEntry]) -> list[_Happened]:
    found: dict[int, list[JournalEntry]] = {}
    for entry in entries:
        if entry.incident_id is not None:
            found.setdefault(entry.incident_id, []).append(entry)
    return list(found.items())
