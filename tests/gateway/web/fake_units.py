"""Steps on the units of an incident, on its disposition, and its opening again, in a book of incidents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.reopening import too_late
from siaga_gateway.domain.sent_units import is_there, under_way
from siaga_gateway.service.incidents.undoing import undoable
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import (
    AssignUnit,
    CorrectDisposition,
    MarkOnScene,
    OperateError,
    OperatorAction,
    Overtaken,
    ReopenIncident,
    StandDownUnit,
    UndoAcknowledgement,
)

if TYPE_CHECKING:
    from gateway.web.console_fakes import Book


def beside(book: Book, found: Incident, action: AssignUnit) -> Incident:
    known = next((each for each in under_way(found) if each.name == action.unit), None)
    if known is not None and (is_there(found, action.unit) or known.eta_minutes == action.eta_minutes):
        return found
    return _done(book, found, action, "assign", unit=action.unit, eta_minutes=action.eta_minutes, beside=True)


def stood_down(book: Book, found: Incident, action: StandDownUnit) -> Incident:
    if action.unit not in {each.name for each in under_way(found)}:
        return found
    return _done(book, found, action, "stand_down", unit=action.unit)


def arrived(book: Book, found: Incident, action: MarkOnScene) -> Incident:
    """Of one that is named."""
    if action.unit is None or is_there(found, action.unit):
        return found
    if action.unit not in {each.name for each in under_way(found)}:
        raise OperateError(f"{action.unit} is not among the units of incident {found.id}")
    return _done(book, found, action, "on_scene", unit=action.unit)


def reopened(book: Book, action: ReopenIncident) -> Incident:
    found = book.incident(action.incident_id)
    if found is None:
        raise OperateError(f"incident {action.incident_id} does not exist")
    if found.state is not IncidentState.CLOSED:
        return found
    if too_late(found, time.time_ns() // 1_000_000):
        raise OperateError("operate.reopened_late", id=found.id)
    return _done(book, found, action, "reopen", reason=action.reason)


def undone(book: Book, found: Incident, action: UndoAcknowledgement) -> Incident:
    entries = book.journal_of_incident(found.id)
    known = undoable(found, entries, action.operator, time.time_ns() // 1_000_000)
    if known is None and entries[-1].kind == journal.ACKNOWLEDGEMENT_UNDONE:
        return found
    if action.shown not in (None, found.progress):
        raise Overtaken(found)
    if known is None:
        raise OperateError("operate.not_undone", id=found.id)
    if known.kind == journal.ACKNOWLEDGED:
        book.do(do="note", kind=journal.ACKNOWLEDGEMENT_UNDONE, incident=found.id, actor=action.operator, again=True)
        return found
    return _done(book, found, action, "undo")


def corrected(book: Book, action: CorrectDisposition) -> Incident:
    found = book.incident(action.incident_id)
    if found is None or found.state is not IncidentState.CLOSED or found.mode is Mode.TEST:
        raise OperateError(f"incident {action.incident_id} is not closed")
    if found.disposition == action.disposition:
        return found
    before = None if found.disposition is None else str(found.disposition)
    return _done(
        book, found, action, "correct", disposition=action.disposition, instead_of=before, reason=action.reason
    )


def _done(book: Book, found: Incident, action: OperatorAction, step: str, **facts: Any) -> Incident:
    if action.shown not in (None, found.progress):
        raise Overtaken(found)
    book.do(do=step, incident=found.id, actor=action.operator, **facts)
    after = book.incident(found.id)
    assert after is not None
    return after
