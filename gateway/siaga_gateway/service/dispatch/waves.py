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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.escalation import opened, step
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import (
    Contact,
    ContactKind,
    Escalation,
    Fact,
    FactKind,
    Phase,
    Step,
    Why,
    Withdrawal,
)
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.notification import BY_HAND, Notification, made, on_address, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.incident_facts import FOLLOWED, facts_of
from siaga_gateway.service.dispatch.recipients import Recipient, Recipients
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, JournalEntry, Notifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

_CURSOR: Final = "waves.journal"  # the last journal entry that was followed
_STORE: Final = "waves.store"  # whose escalations they are: another name after a restored backup
_LOOK_S: Final = 1.0
_SPAN: Final = 2_000  # journal numbers looked through at once
_AT_ONCE: Final = 50  # entries or incidents in one transaction
_ASIDE_S: Final = 5.0  # what could not be stepped waits so long
_TRIES: Final = 3
# An open incident without an escalation that is older than this is asked about, not called: it was open before this
# version was installed.
_OLD_MS: Final = 15 * 60_000
# Why a desk is rung about somebody who was sent; the other reasons stand in the journal or on the ladder already.
_ABOUT_ONE: Final = frozenset({Why.NOT_ARRIVED, Why.SCENE_SILENT, Why.FINISHED})
LONGEST_S: Final = 10.0  # one turn, for the lease


# An incident, and what happened to it, in order.
_Happened = tuple[int, Sequence[JournalEntry] | Sequence[Fact]]


class _Changed(Failing):
    """Somebody else has stepped it since it was read."""


class Waves:
    """Call `start`, `wake` after each commit, `stop`."""

    def __init__(
        self,
        store: Store,
        recipients: Recipients,
        ladder: Callable[[Incident, int], Ladder],
        levels: AlarmLevels,
        ways: Collection[ContactWay],
        notifier: Notifier,
        clock: Clock,
        lease: Lease,
        written: Callable[[], None] = lambda: None,
        on_damage: Callable[[StoreFailing, bool], None] = lambda error, call: None,
    ) -> None:
        """ways: on which messages can be sent; others are for a person to call by hand. ladder: of an incident, at a
        time. written: called when there may be new notifications."""
        self._store = store
        self._recipients = recipients
        self._ladder = ladder
        self._levels = levels
        self._ways = frozenset(ways) - BY_HAND
        self._notifier = notifier
        self._clock = clock
        self._lease = lease
        self._written = written
        self._on_damage = on_damage
        self._followed: int | None = None  # the last journal entry; None: as the store remembers
        self._remembered = 0  # by the store
        self._look_at = 0.0  # monotonic
        self._aside: dict[int, float] = {}  # incidents that could not be stepped, until when (monotonic)
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
                if self._thread.stopping or not self._lease.held():
                    return 0.0
            self._beat = time.monotonic()
            return self._next_s()
        except StoreFailing as error:
            log.error(Localized("log.dispatch.store", why=error))
            self._on_damage(error, True)
            self._beat = time.monotonic()  # it is the store that fails, and is told as such
            return _LOOK_S

    def _next_s(self) -> float:
        next_ms = self._store.next_escalation_ms()
        if next_ms is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.01, (next_ms - self._clock.now_ms()) / 1000))

    def work(self) -> bool:
        """Follow the journal, then do what is due. Returns whether there may be more at once. Raises: StoreFailing."""
        more = self._follow()
        # Looked at once a second all the same: the clock may have been set back.
        next_ms, now = self._store.next_escalation_ms(), time.monotonic()
        if next_ms is None or (next_ms > self._clock.now_ms() and now < self._look_at):
            return more
        self._look_at = now + _LOOK_S
        due = self._due()
        self._take_all([(each, (Fact(FactKind.TICK),)) for each in due], None)
        return more or len(due) == _AT_ONCE

    def _due(self) -> Sequence[int]:
        now = time.monotonic()
        self._aside = {incident_id: until for incident_id, until in self._aside.items() if until > now}
        found = self._store.escalations_due(self._clock.now_ms(), "waves", _AT_ONCE + len(self._aside))
        return [each.incident_id for each in found if each.incident_id not in self._aside][:_AT_ONCE]

    # The journal

    def _follow(self) -> bool:
        last = self._store.last_journal_id()
        if self._followed is None:
            at = self._store.remembered(_CURSOR)
            if at is None or self._store.remembered(_STORE) != self._store.name:
                self._begin(last, known=at is not None)
                at = str(last)
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

    def _begin(self, last: int, *, known: bool) -> None:
        """The first start, or the first after a restored backup: what is open is asked about if it is old."""
        if known:
            log.warning(Localized("log.dispatch.restored"))
        for incident in self._store.open_incidents():
            self._take_all([(incident.id, ())], None, restored=known)
        with self._store.transaction() as transaction:
            transaction.remember(_CURSOR, str(last))
            transaction.remember(_STORE, self._store.name)

    def adopt(self, incident_ids: Iterable[int]) -> None:
        """Begin the escalation of open incidents that have none: the auditor has found them. Raises: StoreFailing."""
        self._take_all([(each, ()) for each in incident_ids], None)

    # Steps

    def _take_all(
        self,
        groups: Sequence[_Happened],
        until: int | None,
        *,
        restored: bool = False,
    ) -> None:
        """Take what happened to these incidents, in one transaction; if that fails for one of them, each by itself."""
        if not groups and until is None:
            return
        try:
            self._commit(groups, until, restored)
        except StoreFailing:
            raise
        except Exception:
            for group in groups:
                self._take_alone(group, restored)
            self._commit([], until, restored)
        if groups:
            self._notifier.ring()
            self._written()

    def _take_alone(self, group: _Happened, restored: bool) -> None:
        for tried in range(_TRIES):
            try:
                self._commit([group], None, restored)
            except StoreFailing:
                raise
            except _Changed:
                continue  # the lease has changed hands, and both of us still write
            except Exception:
                if tried + 1 == _TRIES:
                    log.exception(Localized("log.dispatch.fault", incident=group[0]))
                    self._aside[group[0]] = time.monotonic() + _ASIDE_S
            else:
                return

    def _commit(
        self,
        groups: Sequence[_Happened],
        until: int | None,
        restored: bool,
    ) -> None:
        if groups:
            self._recipients.ready()  # lists that have changed are read before others wait for this transaction
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            incidents = transaction.incidents([incident_id for incident_id, _ in groups]) if groups else {}
            for incident_id, happened in groups:
                incident = incidents.get(incident_id)
                if incident is not None and incident.mode is not Mode.TEST:
                    _IncidentStep(self, transaction, incident, now_ms).take(happened, restored)
            if until is not None:
                transaction.remember(_CURSOR, str(until))
        if until is not None:
            self._followed = self._remembered = until

    # What a step asks for

    def reachable(self, way: ContactWay) -> bool:
        return way in self._ways

    @property
    def recipients(self) -> Recipients:
        return self._recipients

    @property
    def levels(self) -> AlarmLevels:
        return self._levels

    def known_alarms(self, incident_ids: Collection[int]) -> Mapping[int, Alarm]:
        return self._store.alarms(incident_ids)

    def ladder(self, incident: Incident, now_ms: int) -> Ladder:
        return self._ladder(incident, now_ms)


def _by_incident(entries: Sequence[JournalEntry]) -> list[_Happened]:
    found: dict[int, list[JournalEntry]] = {}
    for entry in entries:
        if entry.incident_id is not None:
            found.setdefault(entry.incident_id, []).append(entry)
    return list(found.items())


class _IncidentStep:
    """The steps of one incident's escalation within a transaction."""

    def __init__(self, waves: Waves, transaction: Transaction, incident: Incident, now_ms: int) -> None:
        self._waves = waves
        self._transaction = transaction
        self._incident = incident
        self._now_ms = now_ms
        self._ladder = waves.ladder(incident, now_ms)

    def take(self, happened: Sequence[JournalEntry] | Sequence[Fact], restored: bool) -> None:
        before = self._transaction.escalation(self._incident.id)
        state = before
        if state is None:
            if self._incident.state is IncidentState.CLOSED:
                return
            first = opened(self._incident.id, self._now_ms, self._ladder, held=self._incident.held)
            old = restored or self._now_ms - self._incident.opened_at_ms > _OLD_MS
            state = self._step(first.state, Fact(FactKind.RESTORED)) if old else self._ask(first)
        elif restored:
            state = self._step(state, Fact(FactKind.RESTORED))
        for each in happened:
            facts = (each,) if isinstance(each, Fact) else facts_of(each, state)
            for fact in facts:
                state = self._step(state, fact)
        if self._incident.state is IncidentState.CLOSED:
            state = self._step(state, Fact(FactKind.CLOSED))  # whatever became of the entry that says so
        if before is None or any(isinstance(each, JournalEntry) for each in happened):
            self._judge(opened=before is None)
        if state != before and not self._transaction.put_escalation(state):
            raise _Changed("dispatch.changed", incident=self._incident.id)

    def _judge(self, *, opened: bool) -> None:
        """Judge the alarm level anew; of a new call also that of its neighbours."""
        levels, incidents = self._waves.levels, {self._incident.id: self._incident}
        if opened:
            incidents |= self._transaction.incidents(levels.to_judge_again(self._incident))
        known = self._waves.known_alarms(list(incidents))
        for incident in incidents.values():
            alarm = levels.judge(incident, self._now_ms)
            if alarm != known.get(incident.id):
                self._transaction.put_alarm(incident.id, alarm)

    def _step(self, state: Escalation, fact: Fact) -> Escalation:
        return self._ask(step(state, fact, self._now_ms, self._ladder))

    def _ask(self, taken: Step) -> Escalation:
        """Write what a step asks for. Returns the state after that: a rung that nobody is on is left at once."""
        state = taken.state
        if taken.withdrawn is not Withdrawal.NONE:
            self._transaction.withdraw_notifications(self._incident.id, taken.withdrawn)
        for contact in taken.contacts:
            if self._tell(contact, state) or contact.kind is not ContactKind.CALL or state.phase is Phase.CLOSED:
                continue
            state = self._step(state, Fact(FactKind.RUNG_LEFT, call=contact.number))
        return state

    def _tell(self, contact: Contact, state: Escalation) -> bool:
        """Write a contact's notifications. Returns whether somebody may hear of it."""
        reach = self._waves.recipients.of(
            self._incident,
            contact,
            self._ladder,
            state.assignments,
            lambda: self._transaction.notifications(self._incident.id),
            self._now_ms,
        )
        rows = [row for recipient in reach.recipients for row in self._rows(contact, recipient)]
        self._transaction.add_notifications(rows)
        told = {whose(row.recipient) for row in rows if row.next_at_ms is not None}
        by_hand = {whose(row.recipient) for row in rows} - told
        if contact.kind is ContactKind.CALL:
            facts = {
                "rung": contact.rung,
                "wave": contact.wave,
                "why": str(contact.why),
                "round": contact.round,
                "recipients": len(told),
                "by_hand": len(by_hand),
            }
            self._transaction.note(
                journal.CALLED,
                self._now_ms,
                facts,
                incident_id=self._incident.id,
                device_id=self._incident.device_id,
            )
        elif contact.kind is ContactKind.RING_DESK and contact.why in _ABOUT_ONE:
            self._transaction.note(
                journal.DESK_RUNG,
                self._now_ms,
                {"why": str(contact.why), "who": contact.who, "wave": contact.wave},
                incident_id=self._incident.id,
                device_id=self._incident.device_id,
            )
        return bool(told) or reach.by_console

    def _rows(self, contact: Contact, recipient: Recipient) -> Iterator[Notification]:
        seen: dict[ContactWay, int] = {}
        for rank, way in enumerate(recipient.ways):
            seen[way] = seen.get(way, 0) + 1
            yield made(
                self._incident.id,
                contact,
                on_address(recipient.key, seen[way]),
                way,
                rank,
                recipient.metres,
                self._now_ms,
                by_hand=not self._waves.reachable(way),
            )
