"""What an operator writes into the record of an incident: notes, ticks of its protocol, another disposition.

None of it moves the incident through its life cycle.
"""

from __future__ import annotations

from collections.abc import Collection

from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode
from siaga_gateway.domain.invisible_characters import visible
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.owner_cases import OwnerCaseLimits
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.protocol import number_of, ticked
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.incident_notes import LONGEST_NOTES, unreadable, with_line
from siaga_gateway.service.incidents.locked_incidents import locked, locked_open, note_step
from siaga_gateway.service.incidents.protocol_book import protocol_of
from siaga_gateway.service.incidents.typed_words import checked_text, disposition_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import AddNote, CorrectDisposition, OperateError, Overtaken, TickProtocol
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.owner_cases import review
from siaga_gateway.service.store import Store


class RecordSteps:
    """Thread-safe."""

    def __init__(
        self,
        store: Store,
        after: AfterStep,
        notifier: Notifier,
        clock: Clock,
        outputs: Collection[str],
        local: LocalTime,
        limits: OwnerCaseLimits,
    ) -> None:
        self._store = store
        self._after = after
        self._notifier = notifier
        self._clock = clock
        self._outputs = tuple(outputs)
        self._local = local
        self._limits = limits

    def correct_disposition(self, action: CorrectDisposition) -> Incident:
        """Raises: OperateError."""
        ended, reason = disposition_of(action.disposition), checked_text(action.reason, "reason", LONGEST_NOTE)
        with self._store.transaction() as transaction:
            incident = locked(transaction, action.incident_id)
            trial = incident.mode is Mode.TEST and incident.disposition is None
            if incident.state is not IncidentState.CLOSED or trial:
                raise OperateError("operate.not_closed", id=incident.id)
            before = incident.disposition
            if before is ended:
                return incident
            if action.shown not in (None, incident.progress):
                raise Overtaken(incident)
            now_ms, after = self._clock.now_ms(), copied(incident, disposition=ended)
            if not after.held:
                after = tell(transaction, after, Change.CLOSED, now_ms, self._outputs)
            transaction.put_incident(after)
            review(transaction, after, now_ms, self._limits)
            instead_of = None if before is None else str(before)
            facts = {"disposition": str(ended), "instead_of": instead_of, "reason": reason}
            note_step(transaction, journal.DISPOSITION_CORRECTED, after, now_ms, action.operator, facts)
        self._after.wake()
        return after

    def add_note(self, action: AddNote) -> Incident:
        """Raises: OperateError."""
        incident_id, operator, note = action.incident_id, action.operator, visible(action.note.strip(), lines=True)
        if not 0 < len(note) <= LONGEST_NOTE:
            raise OperateError("operate.note_length", longest=LONGEST_NOTE)
        try:
            with self._store.transaction() as transaction:
                incident = locked(transaction, incident_id)
                if unreadable(incident.note):
                    raise OperateError("operate.note_unreadable", id=incident_id)
                now_ms = self._clock.now_ms()
                notes = with_line(incident.note, operator, self._local.moment(now_ms), note)
                if notes is None:
                    return incident
                if len(notes) > LONGEST_NOTES:
                    raise OperateError("operate.notes_full", id=incident_id, longest=LONGEST_NOTES)
                after = copied(incident, note=notes)
                transaction.put_incident(after)
                note_step(transaction, journal.NOTE_ADDED, after, now_ms, operator, {})
        except PersonalKeyError as error:
            raise OperateError("operate.note_not_kept", why=error) from None
        self._notifier.ring()
        return after

    def tick_protocol(self, action: TickProtocol) -> Incident:
        """The incident stays as it is: its journal says what is ticked. Raises: OperateError."""
        # What the journal says is read now: whoever holds a lock waits for no second connection. Of two who tick one
        # step at once the first entry counts.
        entries, versions = self._store.journal_of_incident(action.incident_id), self._store.protocols()
        with self._store.transaction() as transaction:
            incident = locked_open(transaction, action.incident_id)
            goes_by = protocol_of(incident, entries, versions)
            version = number_of(goes_by.version)
            if (action.protocol, action.version) != (goes_by.kind, version):
                raise OperateError("operate.protocol_other", id=incident.id)
            if not 0 <= action.step < len(goes_by.steps("id")):
                raise OperateError("operate.protocol_step", id=incident.id)
            if (action.step in ticked(goes_by.ticks, goes_by.kind, version)) is action.done:
                return incident
            kind = journal.PROTOCOL_TICKED if action.done else journal.PROTOCOL_UNTICKED
            facts = {"protocol": str(goes_by.kind), "version": version, "step": action.step}
            note_step(transaction, kind, incident, self._clock.now_ms(), action.operator, facts)
        self._notifier.ring()
        return incident
