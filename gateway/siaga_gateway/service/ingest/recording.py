"""What becomes of authentic frames inside one transaction: told from repetitions, stored, acted upon."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.checkin_window import holds
from siaga_gateway.domain.coverage import Sample, sample_of
from siaga_gateway.domain.device_status import DeviceStatus, Step, clock_after, step
from siaga_gateway.domain.drill import Drill, drill_of, is_exercise
from siaga_gateway.domain.event import CALLS, Event, Timing, asks_for_help, event_of
from siaga_gateway.domain.frame import Kind, Stage, Suite, event_digest, kind_and_body, kind_of, says_duress
from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.incident_outcome import EventContext, IncidentBasis, Outcome
from siaga_gateway.domain.incident_rules import contradict, decide, stage_of
from siaga_gateway.domain.position import away_m, impossible, reported
from siaga_gateway.domain.registry import state_at
from siaga_gateway.domain.supervision import unexplained
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.dispatch.drills import forget_answers
from siaga_gateway.service.downlink.device_commands import take_receipt
from siaga_gateway.service.inbound import NARROW
from siaga_gateway.service.ingest.acknowledgements import FIRST_STAGES, Reply, former, progress, reply
from siaga_gateway.service.ingest.batch_state import BatchState, put_event, read_batch_state
from siaga_gateway.service.ingest.usual_checkins import take_usual
from siaga_gateway.service.ingest.verification import AuthenticFrame, CheckedBatch
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.sampling import SampledEntry, Sampler
from siaga_gateway.service.store import MarkedPress, StoredEvent, Transaction

_NOTHING: Final = Outcome(Stage.RECEIVED)  # stored, and no incident's


@dataclass(slots=True)
class RecordedBatch:
    """The outcome of a batch."""

    replies: list[Reply] = field(default_factory=list)
    stored: int = 0
    duplicates: int = 0
    contradictions: int = 0
    new: list[AuthenticFrame] = field(default_factory=list)  # not stored before: not replayed, whoever sent them
    fresh: list[AuthenticFrame] = field(default_factory=list)  # new, and their device's latest: these show where it is
    samples: list[Sample] = field(default_factory=list)  # of the signal, once an hour and device


@record
class IncidentDefaults:
    """What all incidents of this gateway share."""

    gateway: str
    mode: Mode
    timing: Timing
    outputs: tuple[str, ...]  # that hear of incidents
    test_outputs: tuple[str, ...]  # that hear of test presses too


class FrameRecorder:
    """Processes batches, for one thread."""

    def __init__(self, defaults: IncidentDefaults, store_name: str, sampler: Sampler) -> None:
        self._defaults = defaults
        self._store_name = store_name
        self._sampler = sampler
        self._sampled: dict[tuple[int, str], SampledEntry | None] = {}  # by id() of the frame and kind, see committed
        # What is known, with the store's mark that proves it still holds; of the last batch, and of the current one.
        self._known_state: tuple[BatchState, Hashable] | None = None
        self._ending: tuple[BatchState, Hashable] | None = None
        self._drills: Sequence[Drill] = ()  # as this batch's transaction sees them
        self.drills_damaged = False  # they could not be read for the last batch

    def keep(self, transaction: Transaction, checked: CheckedBatch, *, drills: bool = True) -> RecordedBatch:
        """Write all that follows from the batch's authentic frames. May be repeated after a failed commit.

        drills: False: as if there were none. Raises: StoreFailing.
        """
        kept = RecordedBatch()
        before, self._known_state = self._known_state, None  # a failed commit leaves it untrue
        mark = transaction.mark()
        calls = any(one.uplink.kind in CALLS for one in checked.genuine)
        self.drills_damaged = calls and drills  # until they have been read
        self._drills = transaction.unended_drills() if calls and drills else ()
        self.drills_damaged = False
        known_state = read_batch_state(
            transaction, checked.genuine, before[0] if before is not None and before[1] == mark else None
        )
        for one in checked.genuine:
            uplink = one.uplink
            digest = event_digest(uplink.kind, uplink.counter, uplink.body)
            if uplink.kind is Kind.CHECKIN:
                answer = take_usual(transaction, known_state, one, digest, self._defaults.timing)
                if answer is not None:
                    kept.stored += 1
                    kept.new.append(one)
                    kept.fresh.append(one)
                    kept.replies.append(answer)
                    continue
            stored = known_state.events.get((uplink.device_id, uplink.counter), [])
            same = next((number for number, event in enumerate(stored) if event.digest == digest), None)
            said = len(kept.replies)
            old = same is None and known_state.is_old(uplink, digest)
            if same is not None:
                self._again(transaction, known_state, one, stored, same, kept)
            elif old:
                kept.duplicates += 1
                self._sample(transaction, one, journal.REPEATED, {"counter": uplink.counter, "kind": "checkin"})
                kept.replies.append(reply(one, digest, Stage.RECEIVED))
            else:
                kept.new.append(one)
                if self._new(transaction, known_state, one, digest, kept):
                    kept.fresh.append(one)
                    continue
            repeated = old or same is not None
            kept.replies[said:] = [copied(each, back=one.inbound, repeated=repeated) for each in kept.replies[said:]]
        after = transaction.mark_after()
        self._ending = None if after is None else (known_state, after)
        return kept

    def committed(self) -> None:
        """The last batch is durable: drop what was kept for repeating it."""
        self._sampled.clear()
        self._known_state, self._ending = self._ending, None

    # A frame that was not stored before

    def _new(
        self, transaction: Transaction, known_state: BatchState, one: AuthenticFrame, digest: bytes, kept: RecordedBatch
    ) -> bool:
        """Return whether it is its device's latest."""
        uplink, received_ms = one.uplink, one.inbound.received_ms
        others = known_state.events.get((uplink.device_id, uplink.counter), [])
        status = known_state.statuses.get(uplink.device_id)
        contradicted = bool(others) or (status is not None and holds(status.window, uplink.counter))
        if contradicted:
            kept.contradictions += 1
            self._contradicts(transaction, known_state, one, others)
        else:
            kept.stored += 1
        if uplink.report is None:
            moved = step(status, uplink, received_ms, received_ms, contradicted=contradicted)
            self._put_status(transaction, known_state, one, status, moved)
            put_event(transaction, known_state, one, digest, None, Stage.RECEIVED)
            if uplink.receipt is not None:
                take_receipt(transaction, uplink.device_id, uplink.counter, uplink.receipt, received_ms)
            kept.replies.append(reply(one, digest, Stage.RECEIVED))
            return uplink.counter > moved.status.told_counter
        # A clock's first report cannot show how good the clock is.
        lag = None if status is None or status.clock is None else clock_after(status, uplink, received_ms)
        event = event_of(uplink, received_ms, self._defaults.timing, lag)
        narrow = one.inbound.bearer in NARROW
        moved = step(status, uplink, received_ms, event.at_ms, contradicted, digest, narrow, lag)
        outcome = self._decide(known_state, one, event, moved, drill_of(event, self._drills, lag))
        if outcome.opened and event.kind is Kind.PRESS and event.key != event.counter:
            kept.replies += former(transaction, one, known_state.named_by(event))
        incident = self._put_outcome(transaction, known_state, one, event, outcome)
        self._look_at_place(transaction, one, event, status)
        self._put_status(transaction, known_state, one, status, moved)
        if moved.new_hour and (sample := sample_of(one.known.device, uplink, received_ms)) is not None:
            kept.samples.append(sample)
        if uplink.kind is not Kind.CHECKIN or incident is not None:
            put_event(transaction, known_state, one, digest, None if incident is None else incident.id, outcome.answer)
        if uplink.kind is Kind.TAMPER:
            facts = {"counter": uplink.counter, "open": uplink.report.tamper_open}
            self._note(transaction, one, journal.TAMPER, facts, incident)
        kept.replies.append(reply(one, digest, outcome.answer))
        if incident is not None and event.is_call:
            kept.replies += progress(transaction, one, digest, incident)
        return uplink.counter == moved.status.told_counter

    def _look_at_place(
        self, transaction: Transaction, one: AuthenticFrame, event: Event, before: DeviceStatus | None
    ) -> None:
        """Note an impossible place, or one away from where the button was mounted; one entry stands for several."""
        why = impossible(event.report)
        if why is not None:
            facts: dict[str, object] = {"counter": event.counter, "place": why}
            self._sample(transaction, one, journal.POSITION_IMPOSSIBLE, facts)
            return
        device = one.known.device
        if device.installed_latitude is None or device.installed_longitude is None:
            return
        installed = (device.installed_latitude, device.installed_longitude)
        away = away_m(reported(event.report, event.at_ms), installed)
        if away is not None and (before is None or away_m(before.position, installed) is None):
            facts = {"counter": event.counter, "km": round(away / 1000)}
            self._sample(transaction, one, journal.AWAY_FROM_PLACE, facts)

    def _contradicts(
        self, transaction: Transaction, known_state: BatchState, one: AuthenticFrame, others: Sequence[StoredEvent]
    ) -> None:
        """A copied key, or a counter that was set back. What is evidence is kept; the calls' incidents are marked.

        others: those under its counter that are evidence; none: it was a check-in.
        """
        uplink = one.uplink
        first = Kind(kind_of(others[0].frame)) if others else Kind.CHECKIN
        facts = {"counter": uplink.counter, "kind": _name(uplink.kind), "stored_kind": _name(first)}
        self._sample(transaction, one, journal.CONTRADICTION, facts)
        for other in others:
            kind = Kind(kind_of(other.frame))
            if other.incident_id is None or not asks_for_help(kind, says_duress(other.frame, kind)):
                continue
            before = known_state.incidents.get(other.incident_id)
            if before is None:
                continue  # it cannot be read
            outcome = contradict(before, uplink.kind, uplink.counter)
            if outcome.incident is not None and outcome.incident is not before:
                self._put_changed(transaction, known_state, one, outcome.incident, outcome)

    def _decide(
        self, known_state: BatchState, one: AuthenticFrame, event: Event, moved: Step, drill: int | None
    ) -> Outcome:
        opened = known_state.open.get(event.device_id)
        if opened is None and not (event.is_call or event.duress):
            return _NOTHING
        mark = known_state.mark_of(event)
        known = EventContext(
            open=opened,
            keyed=None if mark is None else known_state.incidents[mark.incident_id],
            key_arrived=mark is not None and mark.arrived,
            last_position=moved.status.position,
            battery=moved.status.battery,
            counters_doubtful=moved.status.counter_faults > 0,
        )
        basis = IncidentBasis(
            id=0,  # numbered in _put_outcome, if it opens one
            identifier="",
            mode=self._defaults.mode,
            device=one.known.device,
            owner=one.known.owner,
            registration=state_at(one.known.device, event.received_ms),
            drill=drill,
        )
        return decide(event, basis, known)

    def _put_outcome(
        self, transaction: Transaction, known_state: BatchState, one: AuthenticFrame, event: Event, outcome: Outcome
    ) -> Incident | None:
        incident = outcome.incident
        if incident is None:
            return None
        if outcome.opened:
            number = transaction.next_incident_id()
            identifier = f"{self._defaults.gateway}-{number}.{self._store_name}"
            incident = copied(incident, id=number, identifier=identifier)
        self._put_changed(transaction, known_state, one, incident, outcome)
        for mark in outcome.marks:
            test = event.test
            transaction.put_mark(event.device_id, test, mark, incident.id)
            known_state.marks[event.device_id, mark.counter, test] = MarkedPress(incident.id, mark.arrived)
        if event.test and event.is_call and (outcome.opened or event.kind is Kind.PRESS):
            facts = {
                "counter": event.counter,
                "trigger": event.report.trigger.name.lower(),
                "registration": str(incident.registration),
            }
            self._note(transaction, one, journal.TEST_PRESS, facts, incident)
        return incident

    def _put_changed(
        self,
        transaction: Transaction,
        known_state: BatchState,
        one: AuthenticFrame,
        incident: Incident,
        outcome: Outcome,
    ) -> None:
        """Write the changed incident, its timeline entries, and the notice for the outputs."""
        before = known_state.incidents.get(incident.id)
        if outcome.told is not None:
            outputs = self._defaults.test_outputs if incident.mode is Mode.TEST else self._defaults.outputs
            transaction.add_notice(Notice(incident, outcome.told, incident.sequence, one.inbound.received_ms), outputs)
        if incident is not before:
            transaction.put_incident(incident, before)
            if before is not None and is_exercise(before) and not is_exercise(incident):
                forget_answers(transaction, incident.id, one.inbound.received_ms)
            known_state.incidents[incident.id] = incident
            if incident.state is not IncidentState.CLOSED:
                known_state.open[incident.device_id] = incident
        for happening in outcome.happened:
            self._note(transaction, one, journal.OF_CHANGE[happening.change], happening.facts, incident)

    def _put_status(
        self,
        transaction: Transaction,
        known_state: BatchState,
        one: AuthenticFrame,
        before: DeviceStatus | None,
        moved: Step,
    ) -> None:
        status = moved.status
        known_state.statuses[status.device_id] = status
        transaction.put_status(status, before)
        if moved.finished is not None:
            transaction.add_day(status.device_id, *moved.finished)
        if moved.gap_after is not None:
            facts = {"after": moved.gap_after, "counter": one.uplink.counter, "missing": unexplained(status)}
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
        one: AuthenticFrame,
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

    # A counter that is already stored

    def _again(
        self,
        transaction: Transaction,
        known_state: BatchState,
        one: AuthenticFrame,
        events: list[StoredEvent],
        number: int,
        kept: RecordedBatch,
    ) -> None:
        """events: all under its counter; `number` is this one's."""
        uplink, stored = one.uplink, events[number]
        kind, body = kind_and_body(stored.frame)
        kept.duplicates += 1
        if uplink.suite is Suite.ES256 and not stored.has_signature and body == uplink.body:
            key = (uplink.device_id, uplink.counter)
            transaction.add_signature(key, stored.digest, uplink.tag, one.inbound.received_ms)
            events[number] = copied(stored, has_signature=True)
        elif uplink.tag == stored.frame[-len(uplink.tag) :]:
            self._sample(transaction, one, journal.REPEATED, {"counter": uplink.counter, "kind": _name(kind)})
        if uplink.kind not in CALLS or uplink.report is None:
            kept.replies.append(reply(one, stored.digest, Stage.RECEIVED))
            return
        event = event_of(uplink, one.inbound.received_ms, self._defaults.timing)
        mark = known_state.mark_of(event)
        incident_id = stored.incident_id if mark is None else mark.incident_id
        incident = None if incident_id is None else known_state.incidents.get(incident_id)
        if incident is None:
            kept.replies.append(reply(one, stored.digest, Stage.RECEIVED))
            return
        stage = stage_of(incident)
        first = stage if stage in FIRST_STAGES else Stage.REFUSED if incident.held else Stage.RECEIVED
        kept.replies.append(reply(one, stored.digest, first))
        kept.replies += progress(transaction, one, stored.digest, incident)

    def _sample(self, transaction: Transaction, one: AuthenticFrame, kind: str, facts: dict[str, object]) -> None:
        """Journal the entry, or only count it. Decided once, however often the transaction is repeated."""
        which = (id(one), kind)
        if which not in self._sampled:
            few = kind == journal.REPEATED
            # A check-in's frame says where its holder is: the journal is for ever.
            frame = None if few or one.uplink.kind is Kind.CHECKIN else one.inbound.raw
            self._sampled[which] = self._sampler.note(
                kind, one.inbound.received_ms, one.uplink.device_id, facts, frame, few=few
            )
        entry = self._sampled[which]
        if entry is not None:
            transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)


def _name(kind: Kind) -> str:
    return kind.name.lower()
