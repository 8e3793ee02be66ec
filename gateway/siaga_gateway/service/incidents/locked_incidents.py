"""Finds the incident of an operator's step, for as long as its transaction lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from siaga_gateway.domain.closing_together import doubt_of
from siaga_gateway.domain.escalation_state import Escalation, FactKind
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.response import Response
from siaga_gateway.service.dispatch.followed_journal import is_backup_untaken
from siaga_gateway.service.operator_port import CloseIncident, OperateError, Overtaken
from siaga_gateway.service.store import RowUnreadable, Store, StoreDamaged, Transaction


def check_wave(transaction: Transaction, incident: Incident, wave: int) -> None:
    """Nobody has seen a call that rang anew after he looked. Raises: OperateError."""
    if rang_anew(transaction, incident, wave):
        raise OperateError("operate.rings_anew", id=incident.id)


def rang_anew(transaction: Transaction, incident: Incident, wave: int | None) -> bool:
    """Whether there is a later wave than the one somebody knew of; None: it is not known which he did."""
    if wave is None:
        return False
    known = _escalation(transaction, incident)
    return known is not None and wave < known.wave


def close_check(store: Store, action: CloseIncident, now_ms: int) -> Callable[[Transaction, Incident], None]:
    """Return what to ask before an incident is closed, once it is locked; it raises OperateError.

    Nobody closes a call over an officer who asks for help, or did not come, since he looked; nor one of which anything
    is in doubt with others. What the journal says is read now: whoever holds a lock waits for no second connection.
    """
    said: Mapping[str, int] | None
    try:
        said = _backups(store.responses_of(action.incident_id))  # first: whoever asks after this is seen below
        untaken = is_backup_untaken(store, action.incident_id, now_ms)
    except StoreDamaged:
        said, untaken = None, action.together

    def check(transaction: Transaction, incident: Incident) -> None:
        asked = said is not None and _backups(transaction.responses(incident.id)) != said
        if untaken or asked or rang_anew(transaction, incident, action.wave):
            raise Overtaken(incident)
        if action.together and doubt_of(incident, _escalation(transaction, incident)) is not None:
            raise OperateError("operate.in_doubt", id=incident.id)

    return check


def _backups(responses: Sequence[Response]) -> Mapping[str, int]:
    return {each.responder: each.signal_ms for each in responses if each.signal is FactKind.BACKUP}


def _escalation(transaction: Transaction, incident: Incident) -> Escalation | None:
    """Return None too if it cannot be read: the call can be seen and closed all the same."""
    try:
        return transaction.escalation(incident.id)
    except RowUnreadable:
        return None


def locked(transaction: Transaction, incident_id: int) -> Incident:
    """Lock an incident's button, and return the incident. Raises: OperateError."""
    found = transaction.incident(incident_id)
    if found is not None:
        transaction.lock([found.device_id])
        found = transaction.incident(incident_id)
    if found is None:
        raise OperateError("operate.none", incident_id=incident_id)
    return found


def locked_open(transaction: Transaction, incident_id: int) -> Incident:
    """The same of one that is open. Raises: OperateError."""
    incident = locked(transaction, incident_id)
    if incident.state is IncidentState.CLOSED:
        raise OperateError("operate.closed", incident_id=incident_id)
    return incident


def note_step(
    transaction: Transaction, kind: str, incident: Incident, now_ms: int, operator: str, facts: Mapping[str, object]
) -> None:
    """Write an operator's step into the journal."""
    transaction.note(kind, now_ms, facts, incident_id=incident.id, device_id=incident.device_id, actor=operator)
