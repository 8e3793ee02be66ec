"""What becomes of an incident's escalation: computed from what the store holds, then written in one short transaction.

Everything is looked up before the transaction: routing and judging take milliseconds, in which nobody else could write.
Whether the escalation is still as it was read is seen when it is written.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.escalation import opened, reopened, step
from siaga_gateway.domain.escalation_settings import CallList, Ladder
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
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import BY_HAND, Notification, made, on_address, whose
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.incident_facts import facts_of
from siaga_gateway.service.dispatch.recipients import Recipient, Recipients
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing, Transaction
from siaga_gateway.service.store.alarms import NearCall

log = logging.getLogger(__name__)

# An open incident that nobody has followed, and that is older than this, is asked about, not called: it was open before
# this version was installed, or before the backup was made.
_OLD_MS: Final = 15 * 60_000
# Why a desk is rung about somebody who was sent; the other reasons stand in the journal or on the ladder already.
_ABOUT_ONE: Final = frozenset({Why.NOT_ARRIVED, Why.SCENE_SILENT, Why.FINISHED, Why.UNCLEAR})
_WHO_COMES: Final = frozenset({CallList.RESPONDERS, CallList.EVERYONE})
Happened = Sequence[JournalEntry | Fact]
_Write = Callable[[Transaction], object]


class Found(StrEnum):
    """How an incident came to be looked at."""

    NOW = "now"  # something happened, or is due
    OPEN = "open"  # nobody has followed it so far
    RESTORED = "restored"  # the same, and the store comes from a backup


class EscalationChanged(Failing):
    """Somebody else has stepped it since it was read."""


class WavePlanner:
    """Plans; thread-safe."""

    def __init__(
        self,
        store: Store,
        recipients: Recipients,
        ladder: Callable[[Incident, int], Ladder],
        levels: AlarmLevels,
        ways: Collection[ContactWay],
        elsewhere: Callable[[], Collection[ContactWay]] = frozenset,
    ) -> None:
        """ways: on which messages can be sent; others are for a person to call by hand. ladder: of an incident, at a
        time. elsewhere: on which other workers send; may raise StoreFailing."""
        self.store = store
        self.recipients = recipients
        self.ladder = ladder
        self.levels = levels
        self._ways = frozenset(ways) - BY_HAND
        self._elsewhere = elsewhere

    def sends(self, way: ContactWay) -> bool:
        """Return whether a message on this kind of way is sent, here or elsewhere. Raises: StoreFailing."""
        return way in self._ways or (way not in BY_HAND and way in self._elsewhere())

    def plan(self, incident: Incident, happened: Happened, now_ms: int, found: Found = Found.NOW) -> IncidentPlan:
        """Return what follows from what happened to an incident. Raises: StoreFailing."""
        plan = IncidentPlan(self, incident, now_ms)
        plan.take(happened, found)
        return plan


class IncidentPlan:
    """Made by WavePlanner; call `write`."""

    def __init__(self, planner: WavePlanner, incident: Incident, now_ms: int) -> None:
        self._planner = planner
        self._incident = incident
        self._now_ms = now_ms
        self._ladder = planner.ladder(incident, now_ms)
        self._before: Escalation | None = None
        self._state: Escalation | None = None
        self._told: list[Notification] = []
        self._writes: list[_Write] = []

    @property
    def incident_id(self) -> int:
        return self._incident.id

    def write(self, transaction: Transaction) -> None:
        """Raises: EscalationChanged; then nothing of this transaction may be committed."""
        if self._state is not None and self._state != self._before and not transaction.put_escalation(self._state):
            raise EscalationChanged("dispatch.changed", incident=self._incident.id)
        for write in self._writes:
            write(transaction)

    def take(self, happened: Happened, found: Found) -> None:
        before = self._before = self._planner.store.escalation_of(self._incident.id)
        state = before
        if state is None:
            if self._incident.state is IncidentState.CLOSED:
                return
            first = opened(self._incident.id, self._now_ms, self._ladder, held=self._incident.held)
            # What the journal has just told is called for, however wrong the clock was when it was opened.
            old = found is not Found.NOW and self._now_ms - self._incident.opened_at_ms > _OLD_MS
            state = self._step(first.state, Fact(FactKind.RESTORED)) if old else self._ask(first)
        elif found is Found.RESTORED:
            state = self._step(state, Fact(FactKind.RESTORED))
        for each in happened:
            if isinstance(each, JournalEntry) and each.kind == journal.REOPENED:
                state = self._again(state)
            facts = (each,) if isinstance(each, Fact) else facts_of(each, state)
            for fact in facts:
                state = self._step(state, fact)
        # Whatever became of the entry that says so:
        if self._incident.state is IncidentState.CLOSED:
            state = self._step(state, Fact(FactKind.CLOSED))
        elif state.phase is Phase.CLOSED:
            state = self._again(state)
        elif state.phase is Phase.HELD and not self._incident.held:
            state = self._step(state, Fact(FactKind.RELEASED))
        elif state.phase is Phase.ACKNOWLEDGED and self._is_undone():
            state = self._step(state, Fact(FactKind.UNDONE))
        if before is None or any(isinstance(each, JournalEntry) for each in happened):
            real = any(isinstance(each, JournalEntry) and each.kind == journal.MADE_REAL for each in happened)
            self._judge(opened=before is None or real)
        self._state = state

    def _is_undone(self) -> bool:
        """Whether the acknowledgement was taken back, whoever has followed the journal past it: an older gateway knows
        of no such step. Read after the escalation, which hears of an acknowledgement later than the incident."""
        if self._incident.state is not IncidentState.OPEN:
            return False
        now = self._planner.store.incident(self._incident.id)
        return now is not None and now.state is IncidentState.OPEN

    def _again(self, state: Escalation) -> Escalation:
        """Begin the escalation of an incident anew that was closed and is open."""
        return self._ask(reopened(state, self._now_ms, self._ladder, held=self._incident.held))

    def _judge(self, *, opened: bool) -> None:
        """Judge the alarm level anew; of a new call also that of its neighbours.

        A level only orders the list: where a row that it is judged from cannot be read, the call goes on without.
        """
        levels, store, again = self._planner.levels, self._planner.store, list[int]()
        near: Sequence[NearCall] | None = None
        known: Mapping[int, Alarm] | None = None
        with _without_level(self._incident.id):
            if opened:
                near = levels.near(self._incident)
                again += levels.to_judge_again(near)
        with _without_level(self._incident.id):
            known = store.alarms([self._incident.id, *again])
        if known is None:  # nor could a level be written there, perhaps
            return
        for incident_id in (self._incident.id, *again):
            with _without_level(incident_id):
                own = incident_id == self._incident.id
                incident = self._incident if own else store.incident(incident_id)
                alarm = None if incident is None else levels.judge(incident, self._now_ms, near if own else None)
                if alarm is not None and alarm != known.get(incident_id):
                    self._writes.append(partial(_put_alarm, incident_id, alarm))

    def _step(self, state: Escalation, fact: Fact) -> Escalation:
        return self._ask(step(state, fact, self._now_ms, self._ladder))

    def _ask(self, taken: Step) -> Escalation:
        """Plan what a step asks for. Returns the state after that: a rung that nobody is on is left at once."""
        state = taken.state
        if taken.withdrawn is not Withdrawal.NONE:
            self._writes.append(partial(_withdraw, self._incident.id, taken.withdrawn, _chiefs(self._ladder)))
        for contact in taken.contacts:
            if self._tell(contact, state) or contact.kind is not ContactKind.CALL or state.phase is Phase.CLOSED:
                continue
            state = self._step(state, Fact(FactKind.RUNG_LEFT, call=contact.number))
        return state

    def _tell(self, contact: Contact, state: Escalation) -> bool:
        """Plan a contact's notifications. Returns whether somebody may hear of it."""
        reach = self._planner.recipients.of(
            self._incident,
            contact,
            self._ladder,
            state.assignments,
            lambda: [*self._planner.store.notifications_of(self._incident.id), *self._told],
            self._now_ms,
        )
        turns = Counter[ContactWay]()
        rows = [row for recipient in reach.recipients for row in self._rows(contact, recipient, turns)]
        self._told += rows
        self._writes.append(partial(_add, rows))
        told = {whose(row.recipient) for row in rows if row.next_at_ms is not None}
        by_hand = {whose(row.recipient) for row in rows} - told
        if contact.kind is ContactKind.CALL:
            self._note(
                journal.CALLED,
                rung=contact.rung,
                wave=contact.wave,
                why=str(contact.why),
                round=contact.round,
                recipients=len(told),
                by_hand=len(by_hand),
                station=reach.station,
            )
        elif contact.kind is ContactKind.ASK:
            self._note(journal.SCENE_ASKED, who=contact.who, recipients=len(told), by_hand=len(by_hand))
        # Whom no message can ask a person has to, now and not when his time to answer is over.
        rings = contact.kind is ContactKind.RING_DESK or (contact.kind is ContactKind.ASK and not told)
        if rings and contact.why in _ABOUT_ONE:
            self._note(journal.DESK_RUNG, why=str(contact.why), who=contact.who, wave=contact.wave)
        return bool(told) or reach.by_console

    def _note(self, kind: str, **facts: object) -> None:
        self._writes.append(partial(_note, kind, self._now_ms, facts, self._incident))

    def _rows(self, contact: Contact, recipient: Recipient, turns: Counter[ContactWay]) -> Iterator[Notification]:
        """turns: how many this contact tells on each way before him; counted on."""
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
                by_hand=not self._planner.sends(way),
                turn=turns[way],
            )
            turns[way] += 1


@contextmanager
def _without_level(incident_id: int) -> Iterator[None]:
    """Log what fails but the store. Raises: StoreFailing, of one that is not only damaged."""
    try:
        yield
    except Exception as error:
        if isinstance(error, StoreFailing) and not isinstance(error, StoreDamaged):
            raise
        log.exception(Localized("log.dispatch.level", incident=incident_id))


def _put_alarm(incident_id: int, alarm: Alarm, transaction: Transaction) -> None:
    transaction.put_alarm(incident_id, alarm)


def _withdraw(incident_id: int, which: Withdrawal, chiefs: Sequence[str], transaction: Transaction) -> None:
    transaction.withdraw_notifications(incident_id, which, chiefs)


def _chiefs(ladder: Ladder) -> list[str]:
    """Return the rungs on which people are called to decide, and not to come."""
    return [rung.name for rung in ladder.rungs if CallList.CHIEF in rung.lists and not _WHO_COMES & set(rung.lists)]


def _add(rows: Sequence[Notification], transaction: Transaction) -> None:
    transaction.add_notifications(rows)


def _note(kind: str, now_ms: int, facts: Mapping[str, object], incident: Incident, transaction: Transaction) -> None:
    transaction.note(kind, now_ms, facts, incident_id=incident.id, device_id=incident.device_id)
