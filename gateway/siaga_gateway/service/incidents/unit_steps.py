"""An operator's steps on the several units of one incident: another one is sent, one is stood down."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_step import AGAIN_MS
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Change, Incident, IncidentState
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.domain.response import incident_after
from siaga_gateway.domain.sent_units import MOST, sent_units, stood_down, under_way, with_unit
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.locked_incidents import locked_open
from siaga_gateway.service.incidents.typed_words import checked_text
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import AssignUnit, OperateError, Overtaken, StandDownUnit
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction

_TAKES_UNITS: Final = (IncidentState.ASSIGNED, IncidentState.ON_SCENE)
_Taken = tuple[Incident, str, dict[str, object]]  # after the step; kind and facts of its journal entry


def checked_assignment(action: AssignUnit) -> tuple[str, int | None]:
    """Return the unit and its minutes. Raises: OperateError."""
    minutes = action.eta_minutes
    if minutes is not None and not 0 <= minutes <= LONGEST_ETA:
        raise OperateError("operate.eta", eta_minutes=minutes, longest_eta=LONGEST_ETA)
    return checked_text(action.unit, "unit", LONGEST_UNIT), minutes


class UnitSteps:
    """Thread-safe."""

    def __init__(self, store: Store, after: AfterStep, clock: Clock, outputs: Collection[str]) -> None:
        self._store = store
        self._after = after
        self._clock = clock
        self._outputs = tuple(outputs)

    def send_beside(self, action: AssignUnit) -> Incident:
        """Send another unit, or note a new estimate of one, while the others go on. Raises: OperateError."""
        unit, minutes = checked_assignment(action)

        def step(transaction: Transaction, incident: Incident, now_ms: int) -> _Taken | None:
            if incident.held:
                state = Localized(f"errors.registration_state.{incident.registration}")
                raise OperateError("operate.held", incident_id=incident.id, state=state)
            known = next((each for each in sent_units(incident) if each.name == unit), None)
            if known is not None and is_sent_again(known, minutes, now_ms):
                return None
            _check_shown(action.shown, incident)
            if known is None and len(sent_units(incident)) >= MOST:
                raise OperateError("operate.many_units", id=incident.id, most=MOST)
            after = copied(
                with_unit(incident, unit, minutes, now_ms, beside=True),
                seen_by=incident.seen_by or action.operator,
                seen_at_ms=incident.seen_at_ms or now_ms,
            )
            return after, journal.ASSIGNED, {"unit": unit, "eta_minutes": minutes, "beside": True}

        return self._do(action.incident_id, action.operator, step)

    def stand_down(self, action: StandDownUnit) -> Incident:
        """Take a unit back. Without any that is coming the holder is told that nobody comes, and others are called.

        Raises: OperateError.
        """
        unit = checked_text(action.unit, "unit", LONGEST_UNIT)

        def step(transaction: Transaction, incident: Incident, now_ms: int) -> _Taken | None:
            known = next((each for each in under_way(incident) if each.name == unit), None)
            if known is None:
                return None  # it is stood down already
            _check_shown(action.shown, incident)
            after = stood_down(incident, unit, now_ms)
            assert after is not None, "it is under way"
            if after.state not in _TAKES_UNITS:
                after, _ = incident_after(after, transaction.responses(incident.id), now_ms)
            return after, journal.STOOD_DOWN, {"unit": unit, "there": known.progress is UnitProgress.THERE}

        return self._do(action.incident_id, action.operator, step)

    def _do(
        self, incident_id: int, operator: str, step: Callable[[Transaction, Incident, int], _Taken | None]
    ) -> Incident:
        """step: returns None where nothing is to be done; raises OperateError."""
        with self._store.transaction() as transaction:
            incident, now_ms = locked_open(transaction, incident_id), self._clock.now_ms()
            taken = step(transaction, incident, now_ms)
            if taken is None:
                return incident
            after, kind, facts = taken
            change = _told(incident, after)
            if change is not None and not after.held:
                after = tell(transaction, after, change, now_ms, self._outputs)
            transaction.put_incident(after)
            transaction.note(kind, now_ms, facts, incident_id=after.id, device_id=after.device_id, actor=operator)
            named = transaction.named_calls(after.id, after.key_copied)
        self._after.tell(after, named, now_ms)
        return after


def is_sent_again(known: UnitOnCall, minutes: int | None, now_ms: int) -> bool:
    """Whether sending it with that estimate changes nothing. The same minutes later are a new estimate."""
    at_once = 0 <= now_ms - known.since_ms < AGAIN_MS
    return (
        at_once and known.progress is UnitProgress.COMING and known.eta_minutes == minutes
    ) or known.progress is UnitProgress.THERE


def _check_shown(shown: str | None, incident: Incident) -> None:
    if shown not in (None, incident.progress):
        raise Overtaken(incident)


def _told(before: Incident, after: Incident) -> Change | None:
    """Return what the outputs hear: of the unit that leads alone."""
    told = [(each.unit, each.eta_minutes, each.promised_ms, each.state) for each in (before, after)]
    if told[0] == told[1]:
        return None
    return Change.UNASSIGNED if after.unit is None else Change.ASSIGNED
