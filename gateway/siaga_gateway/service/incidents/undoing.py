"""A desk takes back an acknowledgement that it took by mistake."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.domain.incident import Change, Incident, IncidentState
from siaga_gateway.domain.undoing import in_time, unseen
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.locked_incidents import locked_open, note_step
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError, Overtaken, UndoAcknowledgement
from siaga_gateway.service.ports import Clock, JournalEntry
from siaga_gateway.service.store import Store

_ACKNOWLEDGES: Final = frozenset({journal.SEEN, journal.ACKNOWLEDGED})
# Steps of a person after which an acknowledgement is no slip any more.
_STEPS: Final = frozenset(
    {
        *_ACKNOWLEDGES,
        journal.ACKNOWLEDGEMENT_UNDONE,
        journal.RESUMED,
        journal.ASSIGNED,
        journal.STOOD_DOWN,
        journal.ON_SCENE,
        journal.CALLED_BACK,
        journal.DISPATCHED_BY_PERSON,
        journal.MADE_REAL,
        journal.CLOSED,
        journal.REOPENED,
        journal.CLUSTERED,
        journal.UNCLUSTERED,
        journal.NOTE_ADDED,
        journal.PROTOCOL_TICKED,
        journal.PROTOCOL_UNTICKED,
    }
)


def undoable(incident: Incident, entries: Sequence[JournalEntry], operator: str, now_ms: int) -> JournalEntry | None:
    """Return the acknowledgement that this operator may take back; None: there is none. entries: of the incident."""
    steps = [each for each in entries if each.kind in _STEPS and each.actor]
    last = steps[-1] if steps else None
    if last is None or last.kind not in _ACKNOWLEDGES or last.actor != operator or not in_time(last.at_ms, now_ms):
        return None
    if incident.state is IncidentState.CLOSED:
        return None
    return last if last.kind == journal.ACKNOWLEDGED or incident.state is IncidentState.SEEN else None


class Undoing:
    """Thread-safe."""

    def __init__(self, store: Store, after: AfterStep, clock: Clock, outputs: Collection[str]) -> None:
        self._store = store
        self._after = after
        self._clock = clock
        self._outputs = tuple(outputs)

    def undo(self, action: UndoAcknowledgement) -> Incident:
        """The button keeps the stage that it was told. Raises: OperateError."""
        with self._store.transaction() as transaction:
            incident, now_ms = locked_open(transaction, action.incident_id), self._clock.now_ms()
            # Under the lock: another desk's acknowledgement shows in the journal alone.
            entries = transaction.journaled(incident.id)
            steps = [each for each in entries if each.kind in _STEPS and each.actor]
            if steps and (steps[-1].kind, steps[-1].actor) == (journal.ACKNOWLEDGEMENT_UNDONE, action.operator):
                return incident
            known = undoable(incident, entries, action.operator, now_ms)
            if action.shown not in (None, incident.progress):
                raise Overtaken(incident)
            if known is None:
                raise OperateError("operate.not_undone", id=incident.id)
            again = known.kind == journal.ACKNOWLEDGED
            after = incident if again else unseen(incident)
            if not again:
                if not after.held:
                    after = tell(transaction, after, Change.OPENED, now_ms, self._outputs)
                transaction.put_incident(after)
            facts = {key: value for key, value in (("wave", known.facts.get("wave")), ("again", again)) if value}
            note_step(transaction, journal.ACKNOWLEDGEMENT_UNDONE, after, now_ms, action.operator, facts)
        self._after.wake()
        return after
