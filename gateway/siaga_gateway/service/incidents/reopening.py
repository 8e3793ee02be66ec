"""A desk opens an incident again that it has closed by mistake or too early."""

from __future__ import annotations

from collections.abc import Collection

from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.owner_cases import OwnerCaseLimits
from siaga_gateway.domain.reopening import reopened, too_late
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.dispatch.drills import forget_answers
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.locked_incidents import locked
from siaga_gateway.service.incidents.typed_words import checked_text
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError, Overtaken, ReopenIncident
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.owner_cases import review
from siaga_gateway.service.store import Store


class Reopening:
    """Thread-safe."""

    def __init__(
        self, store: Store, after: AfterStep, clock: Clock, outputs: Collection[str], limits: OwnerCaseLimits
    ) -> None:
        self._store = store
        self._after = after
        self._clock = clock
        self._outputs = tuple(outputs)
        self._limits = limits

    def reopen(self, action: ReopenIncident) -> Incident:
        """Nobody is on the way any more: what was closed was told to everybody. Raises: OperateError."""
        reason = checked_text(action.reason, "reason", LONGEST_NOTE)
        with self._store.transaction() as transaction:
            incident, now_ms = locked(transaction, action.incident_id), self._clock.now_ms()
            if incident.state is not IncidentState.CLOSED:
                return incident  # somebody was faster
            if incident.mode is Mode.TEST and incident.disposition is None:
                raise OperateError("operate.not_closed", id=incident.id)
            if action.shown not in (None, incident.progress):
                raise Overtaken(incident)
            if too_late(incident, now_ms):
                raise OperateError("operate.reopened_late", id=incident.id)
            other = transaction.open_incidents_of([incident.device_id]).get(incident.device_id)
            if other is not None:
                raise OperateError("operate.open_besides", id=incident.id, other=other.id)
            after = reopened(incident, action.operator, now_ms)
            forget_answers(transaction, incident.id, now_ms)
            if not after.held:
                after = tell(transaction, after, Change.OPENED, now_ms, self._outputs)
            transaction.put_incident(after)
            review(transaction, after, now_ms, self._limits)
            before = None if incident.disposition is None else str(incident.disposition)
            facts = {"instead_of": before, "reason": reason}
            transaction.note(
                journal.REOPENED,
                now_ms,
                facts,
                incident_id=after.id,
                device_id=after.device_id,
                actor=action.operator,
            )
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)
        return after
