"""What an operator heard when he rang the holder back, and what it makes of the incident."""

from __future__ import annotations

from collections.abc import Collection

from siaga_gateway.domain.call_back import CallBack, Heard, Said, outcome
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.incident import Change, Incident
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.dispatch.drills import make_real
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import CallHolderBack, OperateError
from siaga_gateway.service.registry.code_words import heard
from siaga_gateway.service.store import Store, Transaction


def result_of(store: Store, action: CallHolderBack) -> tuple[Said, Heard]:
    """Return what was said, and which of the holder's words it was. Raises: OperateError."""
    if action.said not in set(Said):
        raise OperateError("operate.said", said=action.said, known=", ".join(Said))
    said = Said(action.said)
    known = store.incident(action.incident_id) if said is Said.CALLS_OFF else None
    if known is None or known.owner is None:
        return said, Heard.NEITHER
    return said, heard(store.code_words(known.owner.id), action.word)


def record(
    transaction: Transaction,
    incident: Incident,
    result: tuple[Said, Heard],
    presses: int,
    now_ms: int,
    outputs: Collection[str],
    operator: str,
) -> Incident:
    """Store what came of it, and return the incident, whose device is locked. It never closes; who says the duress word
    is under duress from then on, in no exercise, and held no longer, whatever the registration: he is in need.

    presses: how many the person who rang knew of. A word says nothing of a press that came while he spoke.
    """
    came, wrong = outcome(*result, incident.wrong_words)
    forced = came is CallBack.DURESS_WORD
    after = copied(
        incident,
        call_back=came,
        wrong_words=wrong,
        called_presses=presses,
        duress=incident.duress or forced,
        held=incident.held and not forced,
    )
    if incident.held and forced:
        after = tell(transaction, after, Change.OPENED, now_ms, outputs)
        _note(transaction, journal.DISPATCHED_BY_PERSON, after, now_ms, operator, registration=str(after.registration))
    elif after.duress and not incident.duress and not after.held:
        after = tell(transaction, after, Change.DURESS, now_ms, outputs)
    if forced and is_exercise(after):
        after = make_real(transaction, after, now_ms, outputs, operator, str(came))
    transaction.put_incident(after)
    # No entry of these sounds: whoever forces the holder listens to this telephone. See `is_unheard`.
    _note(transaction, journal.CALLED_BACK, after, now_ms, operator, call_back=str(came), wrong_words=wrong)
    return after


def _note(transaction: Transaction, kind: str, incident: Incident, now_ms: int, operator: str, **facts: object) -> None:
    transaction.note(kind, now_ms, facts, incident_id=incident.id, device_id=incident.device_id, actor=operator)
