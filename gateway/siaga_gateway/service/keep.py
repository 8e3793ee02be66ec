"""What becomes of genuine frames inside one transaction: told apart from repetitions, kept, and acted upon."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from siaga_gateway.domain.attach import contradict, decide, stage_of
from siaga_gateway.domain.event import CALLS, Event, Timing, asks_for_help, event_of
from siaga_gateway.domain.frame import Kind, Stage, Suite, event_digest, kind_and_body, says_duress
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.outcome import Birth, Known, Outcome
from siaga_gateway.domain.record import record
from siaga_gateway.domain.registry import state_at
from siaga_gateway.domain.status import Step, clock_after, step
from siaga_gateway.service import journal
from siaga_gateway.service.check import Checked, Genuine
from siaga_gateway.service.commands import take_receipt
from siaga_gateway.service.replies import FIRST_STAGES, Reply, former, progress, reply
from siaga_gateway.service.sampling import SampledEntry, Sampler
from siaga_gateway.service.sight import Sight, look
from siaga_gateway.service.store import MarkedPress, NewEvent, StoredEvent, Transaction

JOURNAL_KIND: Final = {
    Change.OPENED: journal.INCIDENT_OPENED,
    Change.PRESSED_AGAIN: journal.PRESSED_AGAIN,
    Change.POSITION: journal.POSITION,
    Change.CANCELLED_BY_HOLDER: journal.CANCELLED_BY_HOLDER,
    Change.DURESS: journal.DURESS,
    Change.KEY_COPIED: journal.KEY_COPIED,
}


@dataclass(slots=True)
class Kept:
    """What a batch came to."""

    replies: list[Reply] = field(default_factory=list)
    stored: int = 0
    duplicates: int = 0
    contradictions: int = 0


@record
class House:
    """What every incident of this gateway shares."""

    gateway: str
    mode: Mode
    timing: Timing
    outputs: tuple[str, ...]  # that hear of incidents
    test_outputs: tuple[str, ...]  # that hear of test presses too


class Keeper:
    """Works through batches, for one thread."""

    def __init__(self, house: House, store_name: str, sampler: Sampler) -> None:
        self._house = house
        self._store_name = store_name
        self._sampler = sampler
        self._sampled: dict[tuple[int, str], SampledEntry | None] = {}  # by id() of the frame and kind, see committed
        # What is known, and the store's mark by which it is still true; of the last batch, and of the one under way.
        self._sight: tuple[Sight, Hashable] | None = None
        self._ending: tuple[Sight, Hashable] | None = None

    def keep(self, transaction: Transaction, checked: Checked) -> Kept:
        """Write all that the batch's genuine frames mean. May be called again after a failed commit."""
        kept = Kept()
        before, self._sight = self._sight, None  # what a failed commit leaves of it is not true
        mark = transaction.mark()
        sight = look(transaction, checked.genuine, before[0] if before is not None and before[1] == mark else None)
        for one in checked.genuine:
            uplink = one.uplink
            digest = event_digest(uplink.kind, uplink.counter, uplink.body)
            stored = sight.events.get((uplink.device_id, uplink.counter), [])
            same = next((number for number, event in enumerate(stored) if event.digest == digest), None)
            if same is None:
                self._new(transaction, sight, one, digest, kept)
            else:
                self._again(transaction, sight, one, stored, same, kept)
        after = transaction.mark_after()
        self._ending = None if after is None else (sight, after)
        return kept

    def committed(self) -> None:
        """The last batch is durable: what was kept for a repetition of it can go."""
        self._sampled.clear()
        self._sight, self._ending = self._ending, None

    # A frame that was not stored before

    def _new(self, transaction: Transaction, sight: Sight, one: Genuine, digest: bytes, kept: Kept) -> None:
        uplink, received_ms = one.uplink, one.inbound.received_ms
        others = sight.events.get((uplink.device_id, uplink.counter), [])
        if others:
            kept.contradictions += 1
            self._contradicts(transaction, sight, one, others)
        else:
            kept.stored += 1
        status = sight.statuses.get(uplink.device_id)
        if uplink.report is None:
            moved = step(status, uplink, received_ms, received_ms, contradicted=bool(others))
            self._put_status(transaction, sight, one, moved)
            _put_event(transaction, sight, one, digest, None, Stage.RECEIVED)
            if uplink.receipt is not None:
                take_receipt(transaction, uplink.device_id, uplink.counter, uplink.receipt, received_ms)
            kept.replies.append(reply(one, digest, Stage.RECEIVED))
            return
        # The first word of a clock cannot tell how good it is.
        lag = None if status is None or status.clock is None else clock_after(status, uplink, received_ms)
        event = event_of(uplink, received_ms, self._house.timing, lag)
        moved = step(status, uplink, received_ms, event.at_ms, contradicted=bool(others))
        outcome = self._decide(sight, one, event, moved)
        if outcome.opened and event.kind is Kind.PRESS and event.key != event.counter:
            kept.replies += former(transaction, one, _named_by(sight, event))
        incident = self._put_outcome(transaction, sight, one, event, outcome)
        self._put_status(transaction, sight, one, moved)
        _put_event(transaction, sight, one, digest, None if incident is None else incident.id, outcome.answer)
        if uplink.kind is Kind.TAMPER:
            facts = {"counter": uplink.counter, "open": uplink.report.tamper_open}
            self._note(transaction, one, journal.TAMPER, facts, incident)
        kept.replies.append(reply(one, digest, outcome.answer))
        if incident is not None and event.is_call:
            kept.replies += progress(transaction, one, digest, incident)

    def _contradicts(self, transaction: Transaction, sight: Sight, one: Genuine, others: Sequence[StoredEvent]) -> None:
        """A copied key, or a counter that was set back. Every message stands; the incidents of calls are marked."""
        uplink = one.uplink
        first = Kind(others[0].frame[1])
        facts = {"counter": uplink.counter, "kind": _name(uplink.kind), "stored_kind": _name(first)}
        self._sample(transaction, one, journal.CONTRADICTION, facts)
        for other in others:
            kind = Kind(other.frame[1])
            if other.incident_id is None or not asks_for_help(kind, says_duress(other.frame, kind)):
                continue
            before = sight.incidents[other.incident_id]
            outcome = contradict(before, uplink.kind, uplink.counter)
            if outcome.incident is not None and outcome.incident is not before:
                self._put_changed(transaction, sight, one, outcome.incident, outcome)

    def _decide(self, sight: Sight, one: Genuine, event: Event, moved: Step) -> Outcome:
        mark = _mark_of(sight, event)
        known = Known(
            open=sight.open.get(event.device_id),
            keyed=None if mark is None else sight.incidents[mark.incident_id],
            key_arrived=mark is not None and mark.arrived,
            last_position=moved.status.position,
            battery=moved.status.battery,
            counters_doubtful=moved.status.counter_faults > 0,
        )
        birth = Birth(
            id=0,  # numbered in _put_outcome, if it opens one
            identifier="",
            mode=self._house.mode,
            device=one.known.device,
            owner=one.known.owner,
            registration=state_at(one.known.device, event.received_ms),
        )
        return decide(event, birth, known)

    def _put_outcome(
        self, transaction: Transaction, sight: Sight, one: Genuine, event: Event, outcome: Outcome
    ) -> Incident | None:
        incident = outcome.incident
        if incident is None:
            return None
        if outcome.opened:
            number = transaction.next_incident_id()
            identifier = f"{self._house.gateway}-{number}.{self._store_name}"
            incident = replace(incident, id=number, identifier=identifier)
        self._put_changed(transaction, sight, one, incident, outcome)
        for mark in outcome.marks:
            test = event.test
            transaction.put_mark(event.device_id, test, mark, incident.id)
            sight.marks[event.device_id, mark.counter, test] = MarkedPress(incident.id, mark.arrived)
        if event.test and event.is_call and (outcome.opened or event.kind is Kind.PRESS):
            facts = {
                "counter": event.counter,
                "trigger": event.report.trigger.name.lower(),
                "registration": str(incident.registration),
            }
            self._note(transaction, one, journal.TEST_PRESS, facts, incident)
        return incident

    def _put_changed(
        self, transaction: Transaction, sight: Sight, one: Genuine, incident: Incident, outcome: Outcome
    ) -> None:
        """The incident as it is now, with what happened to it and what the outputs are to hear."""
        before = sight.incidents.get(incident.id)
        if outcome.told is not None:
            outputs = self._house.test_outputs if incident.mode is Mode.TEST else self._house.outputs
            transaction.add_notice(Notice(incident, outcome.told, incident.sequence, one.inbound.received_ms), outputs)
        if incident is not before:
            transaction.put_incident(incident, before)
            sight.incidents[incident.id] = incident
            if incident.state is not IncidentState.CLOSED:
                sight.open[incident.device_id] = incident
        for happening in outcome.happened:
            self._note(transaction, one, JOURNAL_KIND[happening.change], happening.facts, incident)

    def _put_status(self, transaction: Transaction, sight: Sight, one: Genuine, moved: Step) -> None:
        status = moved.status
        sight.statuses[status.device_id] = status
        transaction.put_status(status)
        if moved.gap_after is not None:
            facts = {"after": moved.gap_after, "counter": one.uplink.counter, "missing": status.missing}
            self._note(transaction, one, journal.COUNTER_GAP, facts, None)
        if moved.jumped_over:
            over: dict[str, object] = {
                "counter": one.uplink.counter,
                "kind": _name(one.uplink.kind),
                "jumped_over": moved.jumped_over,
            }
            self._sample(transaction, one, journal.COUNTER_JUMP, over)
        if moved.battery_fell_low:
            low = {"counter": one.uplink.counter, "battery": status.battery}
            self._note(transaction, one, journal.LOW_BATTERY, low, None)

    def _note(
        self,
        transaction: Transaction,
        one: Genuine,
        kind: str,
        facts: Mapping[str, object],
        incident: Incident | None,
    ) -> None:
        transaction.note(
            kind,
            one.inbound.received_ms,
            facts,
            incident_id=None if incident is None else incident.id,
            device_id=one.uplink.device_id,
        )

    # A counter that is stored already

    def _again(
        self,
        transaction: Transaction,
        sight: Sight,
        one: Genuine,
        events: list[StoredEvent],
        number: int,
        kept: Kept,
    ) -> None:
        """events: all under its counter; `number` is this one's."""
        uplink, stored = one.uplink, events[number]
        kind, body = kind_and_body(stored.frame)
        kept.duplicates += 1
        if uplink.suite is Suite.ES256 and not stored.has_signature and body == uplink.body:
            key = (uplink.device_id, uplink.counter)
            transaction.add_signature(key, stored.digest, uplink.tag, one.inbound.received_ms)
            events[number] = replace(stored, has_signature=True)
        elif uplink.tag == stored.frame[-len(uplink.tag) :]:
            self._sample(transaction, one, journal.REPEATED, {"counter": uplink.counter, "kind": _name(kind)})
        if uplink.kind not in CALLS or uplink.report is None:
            kept.replies.append(reply(one, stored.digest, Stage.RECEIVED))
            return
        event = event_of(uplink, one.inbound.received_ms, self._house.timing)
        mark = _mark_of(sight, event)
        incident_id = stored.incident_id if mark is None else mark.incident_id
        incident = None if incident_id is None else sight.incidents.get(incident_id)
        if incident is None:
            kept.replies.append(reply(one, stored.digest, Stage.RECEIVED))
            return
        stage = stage_of(incident)
        first = stage if stage in FIRST_STAGES else Stage.REFUSED if incident.held else Stage.RECEIVED
        kept.replies.append(reply(one, stored.digest, first))
        kept.replies += progress(transaction, one, stored.digest, incident)

    def _sample(self, transaction: Transaction, one: Genuine, kind: str, facts: dict[str, object]) -> None:
        """An entry, or only its count. Decided once, however often the transaction is tried."""
        which = (id(one), kind)
        if which not in self._sampled:
            few = kind == journal.REPEATED
            frame = None if few else one.inbound.raw
            self._sampled[which] = self._sampler.note(
                kind, one.inbound.received_ms, one.uplink.device_id, facts, frame, few=few
            )
        entry = self._sampled[which]
        if entry is not None:
            transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)


def _mark_of(sight: Sight, event: Event) -> MarkedPress | None:
    """Of the incident that the event names, if that PRESS stands for one."""
    return None if event.key is None else sight.marks.get((event.device_id, event.key, event.test))


def _named_by(sight: Sight, event: Event) -> Incident | None:
    mark = _mark_of(sight, event)
    return None if mark is None else sight.incidents[mark.incident_id]


def _name(kind: Kind) -> str:
    return kind.name.lower()


def _put_event(
    transaction: Transaction, sight: Sight, one: Genuine, digest: bytes, incident_id: int | None, answer: Stage
) -> None:
    uplink, inbound = one.uplink, one.inbound
    signature = uplink.tag if uplink.suite is Suite.ES256 else None
    transaction.add_event(
        NewEvent(
            device_id=uplink.device_id,
            counter=uplink.counter,
            kind=uplink.kind,
            suite=uplink.suite,
            frame=inbound.raw,
            signature=signature,
            received_ms=inbound.received_ms,
            bearer=inbound.bearer,
            incident_id=incident_id,
            digest=digest,
            answer=answer,
        )
    )
    stored = StoredEvent(digest, inbound.raw, signature is not None, incident_id)
    sight.events.setdefault((uplink.device_id, uplink.counter), []).append(stored)
