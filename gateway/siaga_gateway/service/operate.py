"""What an operator does to an incident: committed first, then told to the button and the outputs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState
from siaga_gateway.domain.personal import PersonalKeyError
from siaga_gateway.service import journal
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.notices import tell
from siaga_gateway.service.ports import AcknowledgementSender, Bell, Clock, OperateError
from siaga_gateway.service.stage_relay import stage_frames
from siaga_gateway.service.store import Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

_ORDER: Final = (
    IncidentState.OPEN,
    IncidentState.SEEN,
    IncidentState.ASSIGNED,
    IncidentState.ON_SCENE,
    IncidentState.CLOSED,
)
# Sending a unit is dispatching: a held incident is dispatched first, so that the outputs hear of it too.
_NEED_DISPATCH: Final = frozenset({IncidentState.ASSIGNED, IncidentState.ON_SCENE})
_LONGEST_NAME: Final = 80
_LONGEST_NOTE: Final = 2_000
_LONGEST_ETA: Final = 24 * 60

# What a step makes of an incident: the incident after it, the journal's kind and facts, what the outputs are told.
Step = Callable[[Incident, int], tuple[Incident, str, dict[str, object], Change]]


class Operator:
    """ports.Operate on the store."""

    def __init__(
        self,
        store: Store,
        keyring: KeyRing,
        sender: AcknowledgementSender,
        bell: Bell,
        clock: Clock,
        *,
        outputs: Collection[str],
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """`outputs`: names of those that hear of incidents; `committed` is called when the outbox may have grown."""
        self._store = store
        self._keyring = keyring
        self._sender = sender
        self._bell = bell
        self._clock = clock
        self._outputs = tuple(outputs)
        self._committed = committed

    def seen(self, incident_id: int, operator: str) -> Incident:
        def step(incident: Incident, now_ms: int) -> tuple[Incident, str, dict[str, object], Change]:
            after = replace(incident, state=IncidentState.SEEN, seen_by=operator, seen_at_ms=now_ms)
            return after, journal.SEEN, {}, Change.SEEN

        return self._do(incident_id, operator, IncidentState.SEEN, step)

    def assign(self, incident_id: int, operator: str, unit: str, eta_minutes: int | None) -> Incident:
        unit = _text(unit, "the unit's name", _LONGEST_NAME)
        if eta_minutes is not None and not 0 <= eta_minutes <= _LONGEST_ETA:
            raise OperateError(f"an ETA of {eta_minutes} minutes: give 0 to {_LONGEST_ETA}, or none")

        def step(incident: Incident, now_ms: int) -> tuple[Incident, str, dict[str, object], Change]:
            after = replace(
                incident,
                state=IncidentState.ASSIGNED,
                unit=unit,
                eta_minutes=eta_minutes,
                seen_by=incident.seen_by or operator,
                seen_at_ms=incident.seen_at_ms or now_ms,
            )
            return after, journal.ASSIGNED, {"unit": unit, "eta_minutes": eta_minutes}, Change.ASSIGNED

        return self._do(
            incident_id, operator, IncidentState.ASSIGNED, step, same=lambda i: _assigned(i, unit, eta_minutes)
        )

    def on_scene(self, incident_id: int, operator: str) -> Incident:
        def step(incident: Incident, now_ms: int) -> tuple[Incident, str, dict[str, object], Change]:
            if incident.unit is None:
                raise OperateError(f"no unit is assigned to incident {incident_id}: assign one first")
            after = replace(incident, state=IncidentState.ON_SCENE)
            return after, journal.ON_SCENE, {"unit": incident.unit}, Change.ON_SCENE

        return self._do(incident_id, operator, IncidentState.ON_SCENE, step)

    def close(
        self,
        incident_id: int,
        operator: str,
        disposition: str,
        note: str,
        *,
        presses: int | None = None,
        duress: bool | None = None,
    ) -> Incident:
        try:
            ended = Disposition(disposition)
        except ValueError:
            known = ", ".join(Disposition)
            raise OperateError(f"{disposition!r} is no way for an incident to end: one of {known}") from None
        if len(note) > _LONGEST_NOTE:
            raise OperateError(f"a note of {len(note)} characters: at most {_LONGEST_NOTE}")

        def step(incident: Incident, now_ms: int) -> tuple[Incident, str, dict[str, object], Change]:
            if (presses is not None and incident.presses > presses) or (duress is False and incident.duress):
                raise OperateError(f"the holder of incident {incident_id} has called again since: look at it first")
            after = replace(
                incident,
                state=IncidentState.CLOSED,
                closed_by=operator,
                closed_at_ms=now_ms,
                disposition=ended,
                note=note.strip() or None,
            )
            return after, journal.CLOSED, {"disposition": str(ended)}, Change.CLOSED

        try:
            return self._do(incident_id, operator, IncidentState.CLOSED, step)
        except PersonalKeyError as error:
            raise OperateError(f"the note cannot be kept ({error}): close the incident without one") from None

    def dispatch_held(self, incident_id: int, operator: str) -> Incident:
        """The button learns that its call was taken; the outputs hear of it as of one that opens now."""
        operator = _text(operator, "the operator's name", _LONGEST_NAME)
        with self._store.transaction() as transaction:
            incident = _open(transaction, incident_id)
            if not incident.held:
                return incident
            now_ms = self._clock.now_ms()
            after = tell(transaction, replace(incident, held=False), Change.OPENED, now_ms, self._outputs)
            transaction.put_incident(after)
            transaction.note(
                journal.DISPATCHED_BY_PERSON,
                now_ms,
                {"registration": str(after.registration)},
                incident_id=after.id,
                device_id=after.device_id,
                actor=operator,
            )
            named = transaction.named_calls(after.id, after.key_copied)
        self._after_commit(after, named, now_ms)
        return after

    def _do(
        self,
        incident_id: int,
        operator: str,
        target: IncidentState,
        step: Step,
        same: Callable[[Incident], bool] = lambda incident: True,
    ) -> Incident:
        """Take the incident to the target state. A step that already holds does nothing."""
        operator = _text(operator, "the operator's name", _LONGEST_NAME)
        with self._store.transaction() as transaction:
            incident = _find(transaction, incident_id)
            if incident.state is target and same(incident):
                return incident
            if incident.state is IncidentState.CLOSED:
                who = incident.closed_by or "the gateway"
                raise OperateError(f"incident {incident_id} was closed by {who}; a new press opens another")
            if _ORDER.index(target) < _ORDER.index(incident.state):
                if target is IncidentState.SEEN:
                    return incident  # somebody was faster and is further
                raise OperateError(f"incident {incident_id} is further on already ({incident.state})")
            if incident.held and target in _NEED_DISPATCH:
                why = f"its registration is {incident.registration}"
                raise OperateError(f"incident {incident_id} is held, for {why}: dispatch it first")
            now_ms = self._clock.now_ms()
            after, kind, facts, change = step(incident, now_ms)
            if not after.held:
                after = tell(transaction, after, change, now_ms, self._outputs)
            transaction.put_incident(after)
            transaction.note(kind, now_ms, facts, incident_id=after.id, device_id=after.device_id, actor=operator)
            named = transaction.named_calls(after.id, after.key_copied)
        self._after_commit(after, named, now_ms)
        return after

    def _after_commit(self, incident: Incident, named: Collection[tuple[int, bytes]], now_ms: int) -> None:
        self._bell.ring()
        self._committed()
        try:
            known = self._keyring.look_up([incident.device_id]).get(incident.device_id)
        except StoreFailing as error:
            # The step is committed; the button hears of it with its next frame or repetition.
            log.error("incident %d: the button was not told: %s", incident.id, error)
            return
        if known is None:
            return
        for frame in stage_frames(known, incident, named, now_ms // 1000):
            self._sender.send(incident.device_id, frame)


def _find(transaction: Transaction, incident_id: int) -> Incident:
    found = transaction.incidents([incident_id]).get(incident_id)
    if found is None:
        raise OperateError(f"there is no incident {incident_id}")
    transaction.lock([found.device_id])
    return transaction.incidents([incident_id])[incident_id]


def _open(transaction: Transaction, incident_id: int) -> Incident:
    incident = _find(transaction, incident_id)
    if incident.state is IncidentState.CLOSED:
        raise OperateError(f"incident {incident_id} is closed; a new press opens another")
    return incident


def _assigned(incident: Incident, unit: str, eta_minutes: int | None) -> bool:
    return incident.unit == unit and incident.eta_minutes == eta_minutes


def _text(value: str, what: str, longest: int) -> str:
    value = " ".join(value.split())
    if not value:
        raise OperateError(f"{what} is empty")
    if len(value) > longest:
        raise OperateError(f"{what} has {len(value)} characters: at most {longest}")
    return value
