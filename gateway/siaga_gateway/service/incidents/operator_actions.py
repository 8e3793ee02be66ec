"""An operator's actions on an incident: committed first, then sent to the button and the outputs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, NamedTuple

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.call_back import Heard
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Change, Incident, IncidentState
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.invisible_characters import visible
from siaga_gateway.domain.limits import LONGEST_ACTOR, LONGEST_NOTE
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.operator_message import MessageOptions
from siaga_gateway.domain.owner_cases import OwnerCaseLimits
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.sent_units import arrived, is_there, under_way, with_unit
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.dispatch.clusters import join, leave
from siaga_gateway.service.dispatch.drills import make_real
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.call_backs import record, result_of
from siaga_gateway.service.incidents.incident_notes import closed_with
from siaga_gateway.service.incidents.locked_incidents import check_wave, close_check, locked, locked_open, note_step
from siaga_gateway.service.incidents.operator_messages import DeskMessages
from siaga_gateway.service.incidents.record_steps import RecordSteps
from siaga_gateway.service.incidents.reopening import Reopening
from siaga_gateway.service.incidents.typed_words import checked_text, disposition_of
from siaga_gateway.service.incidents.undoing import Undoing
from siaga_gateway.service.incidents.unit_steps import UnitSteps, checked_assignment, is_sent_again
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import (
    AcknowledgeCall,
    AddNote,
    AssignUnit,
    CallHolderBack,
    ChangeMajor,
    CloseIncident,
    CorrectDisposition,
    DispatchHeld,
    MakeReal,
    MarkOnScene,
    MarkSeen,
    OperateError,
    OperatorAction,
    OperatorActions,
    Overtaken,
    ReopenIncident,
    ResumeCall,
    SendMessage,
    StandDownUnit,
    TickProtocol,
    UndoAcknowledgement,
)
from siaga_gateway.service.ports import AcknowledgementSender, Clock, Notifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.registry.owner_cases import review
from siaga_gateway.service.store import Store, Transaction

_ORDER: Final = (
    IncidentState.OPEN,
    IncidentState.SEEN,
    IncidentState.ASSIGNED,
    IncidentState.ON_SCENE,
    IncidentState.CLOSED,
)
# Sending a unit dispatches: a held incident is dispatched first, so that the outputs hear of it too.
_NEED_DISPATCH: Final = frozenset({IncidentState.ASSIGNED, IncidentState.ON_SCENE})


class StepTaken(NamedTuple):
    """What a step made of an incident."""

    incident: Incident
    kind: str  # of its entry in the journal
    facts: dict[str, object]  # of that entry
    change: Change  # what the outputs are told


Step = Callable[[Incident, int], StepTaken]  # of an incident, at a time (Unix ms)


class IncidentActions(OperatorActions):
    """Takes operators' steps on the store."""

    def __init__(
        self,
        store: Store,
        keyring: KeyRing,
        sender: AcknowledgementSender,
        notifier: Notifier,
        clock: Clock,
        *,
        outputs: Collection[str],
        committed: Callable[[], None] = lambda: None,
        local: LocalTime = IN_UTC,
        limits: OwnerCaseLimits = OwnerCaseLimits(),  # noqa: B008 - a value
        messages: MessageOptions = MessageOptions(),  # noqa: B008
    ) -> None:
        """outputs: names of those that hear of incidents. committed: called when the outbox may have grown. local: in
        which a later note is dated. limits: from how many pranks or accidents on an owner's case opens. messages: what
        the settings say of them."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._outputs = tuple(outputs)
        self._after = AfterStep(keyring, sender, notifier, committed)
        self._reopening = Reopening(store, self._after, clock, outputs, limits)
        self._undoing = Undoing(store, self._after, clock, outputs)
        self._units = UnitSteps(store, self._after, clock, outputs)
        self._record = RecordSteps(store, self._after, notifier, clock, outputs, local, limits)
        self._messages = DeskMessages(store, self._after, clock, messages)
        self._limits = limits

    def _take(self, action: OperatorAction) -> Incident:
        action = replace(action, operator=checked_text(action.operator, "operator", LONGEST_ACTOR))
        match action:
            case MarkSeen():
                return self._mark_seen(action)
            case AcknowledgeCall():
                return self._acknowledge_call(action)
            case UndoAcknowledgement():
                return self._undoing.undo(action)
            case ResumeCall():
                return self._resume_call(action)
            case AssignUnit():
                return self._assign_unit(action)
            case StandDownUnit():
                return self._units.stand_down(action)
            case CallHolderBack():
                return self._called_back(action)
            case MarkOnScene():
                return self._mark_on_scene(action)
            case DispatchHeld():
                return self._dispatch_held(action)
            case MakeReal():
                return self._make_real(action)
            case ChangeMajor():
                return self._change_major(action)
            case CloseIncident():
                return self._close_incident(action)
            case CorrectDisposition():
                return self._record.correct_disposition(action)
            case ReopenIncident():
                return self._reopening.reopen(action)
            case AddNote():
                return self._record.add_note(action)
            case TickProtocol():
                return self._record.tick_protocol(action)
            case SendMessage():
                return self._messages.send(action)
        raise TypeError(f"no action {action!r}")

    def _mark_seen(self, action: MarkSeen) -> Incident:
        def step(incident: Incident, now_ms: int) -> StepTaken:
            after = copied(incident, state=IncidentState.SEEN, seen_by=action.operator, seen_at_ms=now_ms)
            return StepTaken(after, journal.SEEN, {} if action.wave is None else {"wave": action.wave}, Change.SEEN)

        return self._do(action, IncidentState.SEEN, step)

    def _acknowledge_call(self, action: AcknowledgeCall) -> Incident:
        """Only the escalation hears of it, by the journal: neither the incident nor what the holder knows changes."""
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            check_wave(transaction, incident, action.wave)
            if incident.state is not IncidentState.OPEN:
                self._note(transaction, journal.ACKNOWLEDGED, incident, action.operator, wave=action.wave)
        if incident.state is IncidentState.OPEN:
            return self._mark_seen(MarkSeen(action.incident_id, action.operator, action.wave))
        self._after.wake()
        return incident

    def _resume_call(self, action: ResumeCall) -> Incident:
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            known = transaction.escalation(incident.id)
            if known is None or known.phase is not Phase.ASKED:
                return incident
            self._note(transaction, journal.RESUMED, incident, action.operator)
        self._after.wake()
        return incident

    def _note(self, transaction: Transaction, kind: str, incident: Incident, operator: str, **facts: object) -> None:
        note_step(transaction, kind, incident, self._clock.now_ms(), operator, facts)

    def _assign_unit(self, action: AssignUnit) -> Incident:
        if action.beside:
            return self._units.send_beside(action)
        unit, eta_minutes = checked_assignment(action)

        def step(incident: Incident, now_ms: int) -> StepTaken:
            after = copied(
                with_unit(incident, unit, eta_minutes, now_ms, beside=False),
                seen_by=incident.seen_by or action.operator,
                seen_at_ms=incident.seen_at_ms or now_ms,
            )
            return StepTaken(after, journal.ASSIGNED, {"unit": unit, "eta_minutes": eta_minutes}, Change.ASSIGNED)

        def same(incident: Incident) -> bool:
            now_ms, alone = self._clock.now_ms(), under_way(incident)
            return len(alone) == 1 and alone[0].name == unit and is_sent_again(alone[0], eta_minutes, now_ms)

        return self._do(action, IncidentState.ASSIGNED, step, same=same)

    def _called_back(self, action: CallHolderBack) -> Incident:
        result = result_of(self._store, action)  # before anything is locked: comparing a word takes a while
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            if result[1] is not Heard.DURESS and action.shown not in (None, incident.call_backs):
                raise Overtaken(incident)
            now_ms = self._clock.now_ms()
            presses = incident.presses if action.presses is None else min(incident.presses, action.presses)
            after = record(transaction, incident, result, presses, now_ms, self._outputs, action.operator)
            named = transaction.named_calls(after.id, after.key_copied)
        if stage_of(after) is stage_of(incident):
            self._after.wake()
        else:
            self._after.tell(after, named, now_ms)
        return after

    def _mark_on_scene(self, action: MarkOnScene) -> Incident:
        def step(incident: Incident, now_ms: int) -> StepTaken:
            if incident.unit is None:
                raise OperateError("operate.no_unit", incident_id=incident.id)
            unit = incident.unit if action.unit is None else action.unit
            after = arrived(incident, unit, now_ms)
            if after is None:
                raise OperateError("operate.not_sent", id=incident.id, unit=unit)
            return StepTaken(after, journal.ON_SCENE, {"unit": unit}, Change.ON_SCENE)

        def same(incident: Incident) -> bool:
            return action.unit is None or is_there(incident, action.unit)

        return self._do(action, IncidentState.ON_SCENE, step, same=same)

    def _close_incident(self, action: CloseIncident) -> Incident:
        ended = disposition_of(action.disposition)
        if len(action.note) > LONGEST_NOTE:
            raise OperateError("operate.note", size=len(action.note), longest_note=LONGEST_NOTE)
        note = visible(action.note.strip(), lines=True)

        def step(incident: Incident, now_ms: int) -> StepTaken:
            more_presses = action.presses is not None and incident.presses > action.presses
            if more_presses or (action.duress is False and incident.duress):
                raise Overtaken(incident, called=True)
            after = copied(
                incident,
                state=IncidentState.CLOSED,
                closed_by=action.operator,
                closed_at_ms=now_ms,
                disposition=ended,
                note=closed_with(incident.note, note),
            )
            return StepTaken(after, journal.CLOSED, {"disposition": str(ended)}, Change.CLOSED)

        def same(incident: Incident) -> bool:
            return incident.disposition is ended and (incident.note or "").startswith(note)

        check = close_check(self._store, action, self._clock.now_ms())
        try:
            return self._do(action, IncidentState.CLOSED, step, same=same, check=check)
        except PersonalKeyError as error:
            raise OperateError("operate.note_unkept", why=error) from None

    def _dispatch_held(self, action: DispatchHeld) -> Incident:
        """The button learns that its call was accepted; the outputs hear of it as newly opened."""
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            if not incident.held:
                return incident
            now_ms = self._clock.now_ms()
            after = tell(transaction, copied(incident, held=False), Change.OPENED, now_ms, self._outputs)
            transaction.put_incident(after)
            registration = str(after.registration)
            self._note(transaction, journal.DISPATCHED_BY_PERSON, after, action.operator, registration=registration)
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)
        return after

    def _make_real(self, action: MakeReal) -> Incident:
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            if incident.drill is None:
                raise OperateError("operate.no_exercise", id=incident.id)
            if not is_exercise(incident):
                return incident
            now_ms = self._clock.now_ms()
            after = make_real(transaction, incident, now_ms, self._outputs, action.operator)
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)
        return after

    def _change_major(self, action: ChangeMajor) -> Incident:
        with self._store.transaction() as transaction:
            both = [action.incident_id] if action.number is None else [action.incident_id, action.number]
            transaction.lock([each.device_id for each in transaction.incidents(both).values()])
            incident, now_ms = locked_open(transaction, action.incident_id), self._clock.now_ms()
            if action.number is None:
                after = leave(transaction, incident, now_ms, action.operator)
            else:
                after = join(transaction, incident, action.number, now_ms, action.operator)
        self._notifier.ring()
        return after

    def _do(
        self,
        action: OperatorAction,
        target: IncidentState,
        step: Step,
        same: Callable[[Incident], bool] = lambda incident: True,
        check: Callable[[Transaction, Incident], None] = lambda transaction, incident: None,
    ) -> Incident:
        """Take the incident to the target state. A step that already holds does nothing. check: of one that is locked;
        raises OperateError."""
        incident_id, operator, shown = action.incident_id, action.operator, action.shown
        with self._store.transaction() as transaction:
            incident = locked(transaction, incident_id)
            unseen = shown not in (None, incident.progress)  # something changed that the operator has not seen
            of_another = incident.seen_by not in (None, operator)
            if target is IncidentState.SEEN and unseen and (of_another or incident.drill is not None):
                raise Overtaken(incident)  # otherwise two operators would each think that it is theirs
            if incident.state is target and same(incident):
                return incident
            if target is not IncidentState.SEEN and unseen:
                raise Overtaken(incident)
            if incident.state is target and shown is None and self._of_another(incident, operator):
                raise Overtaken(incident)
            if incident.state is IncidentState.CLOSED:
                who = incident.closed_by or Localized("errors.operate.gateway")
                raise OperateError("operate.closed_by", incident_id=incident_id, who=who)
            if _ORDER.index(target) < _ORDER.index(incident.state):
                if target is IncidentState.SEEN:
                    return incident  # somebody was faster, and is further along
                state = Localized(f"errors.incident_state.{incident.state}")
                raise OperateError("operate.further", incident_id=incident_id, state=state)
            if incident.held and target in _NEED_DISPATCH:
                state = Localized(f"errors.registration_state.{incident.registration}")
                raise OperateError("operate.held", incident_id=incident_id, state=state)
            if isinstance(action, MarkSeen) and action.wave is not None:
                check_wave(transaction, incident, action.wave)
            check(transaction, incident)
            now_ms = self._clock.now_ms()
            after, kind, facts, change = step(incident, now_ms)
            if not after.held:
                after = tell(transaction, after, change, now_ms, self._outputs)
            transaction.put_incident(after)
            if target is IncidentState.CLOSED:
                review(transaction, after, now_ms, self._limits)
            transaction.note(kind, now_ms, facts, incident_id=after.id, device_id=after.device_id, actor=operator)
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)
        return after

    def _of_another(self, incident: Incident, operator: str) -> bool:
        """Whether the current step is another operator's: only one's own may be corrected unseen."""
        if incident.state is IncidentState.CLOSED:
            return True
        steps = [each for each in self._store.journal_of_incident(incident.id) if each.kind == incident.state]
        return bool(steps) and steps[-1].actor != operator
