"""Drives the escalations: what happened becomes a fact, what is due is done, and what that asks for is written down.

It follows the journal from where it was. An entry, its effect on the escalation, the notifications and the place in the
journal are one transaction: whoever dies in between has done nothing, and whoever comes after does it once. One of
several workers does this at a time, by lease; should two overlap, the second to write finds the row changed and reads
it again. What could not be taken is owed: the store remembers it, in the transaction that follows the journal past it.

An incident that cannot be stepped is set aside, loudly, and delays no other; the auditor rings for it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import (
    Fact,
    FactKind,
    Phase,
)
from siaga_gateway.domain.incident import IncidentState, Mode
from siaga_gateway.service.dispatch.drills import Ended, end_all
from siaga_gateway.service.dispatch.followed_journal import CURSOR, OWED
from siaga_gateway.service.dispatch.incident_facts import FOLLOWED
from siaga_gateway.service.dispatch.wave_plan import EscalationChanged, Found, Happened, WavePlanner
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, JournalEntry, Notifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing

log = logging.getLogger(__name__)

STORE_NAME: Final = "waves.store"  # whose escalations they are: another name after a restored backup
_LOOK_S: Final = 1.0
_SPAN: Final = 2_000  # journal numbers looked through at once
_AT_ONCE: Final = 50  # incidents in one transaction that are due, or were opened: each may be many messages
_IN_HAND: Final = 200  # incidents in one transaction: what happened to each of them is one look at it
_ASIDE_S: Final = 5.0  # what could not be stepped waits so long
_SET_ASIDE_LOOK_S: Final = 0.25
_TRIES: Final = 3
_ADOPT_S: Final = 2.0
LONGEST_S: Final = 10.0  # one turn, for the lease


# An incident, and what happened to it, in order.
_Happened = tuple[int, Happened]
_Owed = Mapping[int, Sequence[JournalEntry]]


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
        self._owed: _Owed = {}  # what happened to them meanwhile, as the store remembers it
        self._unread: dict[int, list[int]] = {}  # owed too, in a damaged part of the store: incident, journal entries
        self._working = threading.RLock()  # the auditor's thread adopts
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
        with self._working:
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
            self._owed = self._owed_in_store()
            at = self._store.remembered(CURSOR)
            if at is None or self._store.remembered(STORE_NAME) != self._store.name:
                self._begin(last if at is None else int(at), known=at is not None)
                at = at or str(last)
            self._followed = self._remembered = min(int(at), last)
            self._take_all([(each, (Fact(FactKind.TICK),)) for each in self._resting_on_nothing()], None)
        if self._followed == last:
            return False
        until = min(last, self._followed + _SPAN)
        entries = self._store.journal_of_kinds(FOLLOWED, self._followed, until)
        while len(some := entries[: portion(entries)]) < len(entries):
            entries = entries[len(some) :]
            self._take_all(_by_incident(some), some[-1].id)
        # Most of the journal is nothing to us: that need not be written each time.
        if entries or until - self._remembered >= _SPAN:
            self._take_all(_by_incident(entries), until)
        self._followed = until
        return until < last

    def _resting_on_nothing(self) -> list[int]:
        """Return calls that nobody has seen and whose ladder rests: see IncidentPlan. An older gateway drove them."""
        resting = {each.incident_id for each in self._store.open_escalations() if each.phase is Phase.ACKNOWLEDGED}
        if not resting:
            return []
        return [
            each.id for each in self._store.open_incidents() if each.state is IncidentState.OPEN and each.id in resting
        ]

    def _owed_in_store(self) -> _Owed:
        known: dict[str, list[int]] = json.loads(self._store.remembered(OWED) or "{}")
        owed = {}
        self._unread = {}
        for incident_id, numbers in known.items():
            try:
                entries = self._store.journal_of_incident(int(incident_id))
            except StoreDamaged as error:
                self._on_damage(error, True)
                self._unread[int(incident_id)] = numbers
                continue
            owed[int(incident_id)] = [each for each in entries if each.id in numbers]
        return owed

    def _begin(self, cursor: int, *, known: bool) -> None:
        """The first start, or the first after a restored backup: what is open is asked about if it is old.

        The journal is followed from where the backup was: a button pressed since then calls, like any other.
        """
        if known:
            log.warning(Localized("log.dispatch.restored"))
            self._end_drills()
        found = Found.RESTORED if known else Found.OPEN
        for incident in self._store.open_incidents():
            self._take_all([(incident.id, ())], None, found)
        with self._store.transaction() as transaction:
            transaction.remember(CURSOR, str(cursor))
            transaction.remember(STORE_NAME, self._store.name)

    def _end_drills(self) -> None:
        """Whoever ended one after the backup was made does not look again whether it runs."""
        try:
            with self._store.transaction() as transaction:
                end_all(transaction, self._clock.now_ms(), Ended.RESTORED)
        except StoreDamaged as error:  # where they cannot be read every press is real
            self._on_damage(error, True)

    def adopt(self, incident_ids: Iterable[int]) -> None:
        """Begin the escalation of open incidents that have none: the auditor has found them. Raises: StoreFailing."""
        # Should a turn hang, the auditor still has to tell so.
        if not self._working.acquire(timeout=_ADOPT_S):
            return
        try:
            if (
                self._followed is not None
            ):  # else another worker drives them, or this one does not know yet what is owed
                self._take_all([(each, ()) for each in incident_ids], None, Found.OPEN)
        finally:
            self._working.release()

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
            self._commit(groups, until, found, self._owed_without(groups))
        except Exception as error:
            if isinstance(error, StoreFailing) and not self._is_partly_damaged(error):
                raise
            # All of it is owed, then each is taken by itself: whoever dies meanwhile loses nothing, nor takes it twice.
            entries = {
                incident_id: [each for each in happened if isinstance(each, JournalEntry)]
                for incident_id, happened in groups
            }
            owed = {incident_id: mine for incident_id, mine in entries.items() if mine}
            self._commit([], until, found, {**self._owed, **owed})
            for group in groups:
                self._take_alone(group, found)
        if groups:
            self._notifier.ring()
            self._written()

    def _is_partly_damaged(self, error: StoreFailing) -> bool:
        """Damage is told, and may be that of one incident: it stands before no other."""
        if damaged := isinstance(error, StoreDamaged):
            self._on_damage(error, True)
        return damaged

    def _owed_without(self, groups: Sequence[_Happened]) -> _Owed:
        taken = {incident_id for incident_id, _ in groups}
        return {incident_id: entries for incident_id, entries in self._owed.items() if incident_id not in taken}

    def _take_alone(self, group: _Happened, found: Found) -> None:
        """What fails stays owed: the journal is not read again for it."""
        incident_id, happened = group
        if self._is_taken(group, found, self._owed_without([group])) or len(happened) == 1:
            return
        for each in happened:
            left = [entry for entry in self._owed.get(incident_id, ()) if entry is not each]
            others = self._owed_without([group])
            self._is_taken((incident_id, (each,)), found, {**others, incident_id: left} if left else others)
        if self._owed.get(incident_id):
            self._aside[incident_id] = time.monotonic() + _ASIDE_S

    def _is_taken(self, group: _Happened, found: Found, owed: _Owed) -> bool:
        for tried in range(1, _TRIES + 1):
            try:
                self._commit([group], None, found, owed)
            except EscalationChanged:
                # The lease has changed hands, and both of us still write.
                self._aside[group[0]] = time.monotonic() + _ASIDE_S
            except Exception as error:
                if isinstance(error, StoreFailing) and not self._is_partly_damaged(error):
                    raise
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
            try:
                incident = self._store.incident(incident_id)
            except StoreDamaged as error:
                self._is_partly_damaged(error)
                self._aside[incident_id] = time.monotonic() + _ASIDE_S
                continue
            if incident is None or incident.state is IncidentState.CLOSED:
                self._commit([], None, Found.NOW, self._owed_without([(incident_id, ())]))
            else:
                self._take_all([(incident_id, ())], None)

    def _commit(
        self,
        groups: Sequence[_Happened],
        until: int | None,
        found: Found,
        owed: _Owed,
    ) -> None:
        """owed: after this."""
        now_ms, plans = self._clock.now_ms(), []
        if groups:
            self._planner.recipients.ready()
        known = self._store.incidents([incident_id for incident_id, _ in groups])
        for incident_id, happened in groups:
            # One that cannot be read says so here.
            incident = known.get(incident_id) or self._store.incident(incident_id)
            if incident is not None and incident.mode is not Mode.TEST:
                plans.append(self._planner.plan(incident, happened, now_ms, found))
        other = _numbers(owed) != _numbers(self._owed)
        if plans or until is not None or other:
            with self._store.transaction() as transaction:
                # In the order in which senders lock them, too.
                for plan in sorted(plans, key=lambda plan: plan.incident_id):
                    plan.write(transaction)
                if until is not None:
                    transaction.remember(CURSOR, str(until))
                if other:
                    transaction.remember(OWED, json.dumps({**self._unread, **_numbers(owed)}))
        self._owed = owed
        if until is not None:
            self._followed = self._remembered = until


def portion(entries: Sequence[JournalEntry]) -> int:
    """Return how many of these, from the first on, are taken in one transaction."""
    opened, incidents = 0, set[int | None]()
    for count, each in enumerate(entries):
        opened += each.kind == journal.INCIDENT_OPENED
        incidents.add(each.incident_id)
        if opened > _AT_ONCE or len(incidents) > _IN_HAND:
            return count
    return len(entries)


def _by_incident(entries: Sequence[JournalEntry]) -> list[_Happened]:
    found: dict[int, list[JournalEntry]] = {}
    for entry in entries:
        if entry.incident_id is not None:
            found.setdefault(entry.incident_id, []).append(entry)
    return list(found.items())


def _numbers(owed: _Owed) -> dict[int, list[int]]:
    return {incident_id: [each.id for each in entries] for incident_id, entries in owed.items()}
