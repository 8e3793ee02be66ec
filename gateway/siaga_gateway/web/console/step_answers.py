"""What a step answers with: the incident as it is now, or what somebody else did meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from fastapi import Path, Query
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.reopening import too_late
from siaga_gateway.domain.undoing import WITHIN_MS
from siaga_gateway.service.incidents.undoing import undoable
from siaga_gateway.service.operator_port import Overtaken
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.console.call_back_view import call_back_view
from siaga_gateway.web.console.call_views import CallsView, calls_view
from siaga_gateway.web.console.incident_views import view
from siaga_gateway.web.console.messages_view import MessagesView, messages_view, with_messages
from siaga_gateway.web.console.person_view import person_view
from siaga_gateway.web.console.protocol_view import protocol_view, with_protocol_steps
from siaga_gateway.web.console.running_notes import running_notes
from siaga_gateway.web.console.timeline import last_step, timeline
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.context import (
    ConsoleContext,
    render,
)
from siaga_gateway.web.session.error_answers import retargeted
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.own_calls import check_own


def _digits(number: object) -> object:
    """Raises: ValueError for what pydantic takes for a number too, as 17.0 and 1_7: a call has one address."""
    if isinstance(number, str) and not (number.isascii() and number.isdigit()):
        raise ValueError("digits only")
    return number


# SQLite's largest row number; a larger one could not even be queried.
IncidentId = Annotated[int, BeforeValidator(_digits), Path(ge=1, le=2**63 - 1)]
# What the page showed when the form was rendered: Incident.progress
Shown = Annotated[str | None, Query(max_length=16)]
# Steps that an overtaken operator may still take, by the incident's new state
ALL_THE_SAME: Final = {
    "assign": (IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE),
    "on-scene": (IncidentState.ASSIGNED,),
    "close": (IncidentState.OPEN, IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE),
    "correct": (IncidentState.CLOSED,),
    "reopen": (IncidentState.CLOSED,),
}


def take_step(
    context: ConsoleContext,
    session: Session,
    language: str,
    incident_id: int,
    action: str,
    step: Callable[[], Incident],
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Take a step and render the result. typed: what the operator entered, by form field. Raises: NotPermitted."""
    check_own(context, incident_id)
    try:
        changed = step()
    except Overtaken as overtaken:
        return _overtaken(context, language, action, overtaken, typed or {})
    return detail(context, session, changed, language)


def detail(context: ConsoleContext, session: Session, found: Incident, language: str) -> HTMLResponse:
    context.disclosures.shown(session.operator, found.id)
    entries = context.reader.journal_of_incident(found.id)
    known = escalation_of(context, found.id)
    versions = context.reader.protocols()
    has_words = found.holder is not None and context.reader.code_words(found.holder.id) is not None
    sent = messages_of(context, session.operator, found, known, language)
    return render(
        context,
        "_detail.html",
        language,
        incident=view(found, language, context.mode, known, context.directory.name),
        timeline=timeline(
            with_messages(with_protocol_steps(entries, versions, language), sent.sent), language, context.directory.name
        ),
        messages=sent,
        person=person_view(context, found, language),
        protocol=protocol_view(found, entries, versions, language),
        calls=calls_of(context, found.id, found, entries, language),
        call_back=call_back_view(found, has_words, language),
        may_reopen=found.state is IncidentState.CLOSED and not too_late(found, context.clock.now_ms()),
        undo_until_ms=_undo_until_ms(context, session, found, entries),
        notes=running_notes(found.note, context.directory.name),
        alarm=context.reader.alarms([found.id]).get(found.id),
    )


def _undo_until_ms(
    context: ConsoleContext, session: Session, found: Incident, entries: Sequence[JournalEntry]
) -> int | None:
    """Return until when who looks may take his acknowledgement back; None: there is nothing to take back."""
    known = undoable(found, entries, session.operator, context.clock.now_ms())
    return None if known is None else known.at_ms + WITHIN_MS


def escalation_of(context: ConsoleContext, incident_id: int) -> Escalation | None:
    """Return what is known of the calls for help; None too where it cannot be read: the page comes without it."""
    try:
        return context.reader.escalation_of(incident_id)
    except StoreDamaged as error:
        log_failure(Localized("log.console.incident", incident=incident_id), error)
        return None


def messages_of(
    context: ConsoleContext, operator: str, found: Incident, known: Escalation | None, language: str
) -> MessagesView:
    reader = context.reader
    told, messages = reader.notifications_of(found.id), reader.desk_messages_of(found.id)
    return messages_view(found, messages, told, known, context.directory, context.messages, operator, language)


def calls_of(
    context: ConsoleContext, incident_id: int, found: Incident | None, entries: Sequence[JournalEntry], language: str
) -> CallsView:
    return calls_view(
        context.reader.notifications_of(incident_id),
        context.reader.links_opened(incident_id),
        entries,
        escalation_of(context, incident_id),
        context.directory.find,
        language,
        exercise=found is not None and is_exercise(found),
    )


def _again(action: str, incident: Incident, typed: Mapping[str, str]) -> bool:
    if incident.state is IncidentState.ON_SCENE and action == "assign":
        return "beside" in typed  # nobody takes the place of who is there
    return incident.state in ALL_THE_SAME.get(action, ())


def _overtaken(
    context: ConsoleContext, language: str, action: str, overtaken: Overtaken, typed: Mapping[str, str]
) -> HTMLResponse:
    """Show what the other operator did, what this one entered, and the step again if still possible."""
    incident = overtaken.incident
    entries = context.reader.journal_of_incident(incident.id)
    answer = render(
        context,
        "_overtaken.html",
        language,
        status=409,
        action=action,
        again=_again(action, incident, typed) and not (incident.held and action != "close"),
        add_note=incident.state is IncidentState.CLOSED and bool(typed.get("note")),
        called=overtaken.called,
        line=last_step(entries, language, called=overtaken.called),
        incident=view(incident, language, context.mode, escalation_of(context, incident.id)),
        typed=typed,
    )
    return retargeted(answer)
