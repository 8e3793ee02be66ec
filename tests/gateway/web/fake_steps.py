"""What an event of a test makes of an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from siaga_gateway.domain.call_back import CallBack, Heard, Said, normal, outcome
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Position
from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.domain.reopening import reopened
from siaga_gateway.domain.sent_units import arrived, stood_down, with_unit
from siaga_gateway.domain.undoing import unseen
from siaga_gateway.service.incidents.incident_notes import closed_with, with_line
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import CallHolderBack, Overtaken

CODE_WORD, DURESS_WORD = "mangga harum", "rambutan tua"


def called_back(book: Any, found: Incident, action: CallHolderBack) -> Incident:
    """Record it in the book; everybody has agreed on the words above. Raises: Overtaken."""
    said = {normal(CODE_WORD): Heard.CODE, normal(DURESS_WORD): Heard.DURESS}.get(normal(action.word), Heard.NEITHER)
    if said is not Heard.DURESS and action.shown not in (None, found.call_backs):
        raise Overtaken(found)
    result, wrong = outcome(Said(action.said), said, found.wrong_words)
    facts = {"call_back": str(result), "wrong_words": wrong}
    book.do(do="called_back", incident=found.id, actor=action.operator, **facts)
    after: Incident = book.incident(found.id)
    return after


def changed(step: str, found: Incident, at_ms: int, actor: str | None, facts: dict[str, Any]) -> tuple[str, Incident]:
    """Return the kind of its journal entry, and the incident after it."""
    match step:
        case "again":
            return journal.PRESSED_AGAIN, replace(found, presses=found.presses + 1)
        case "move":
            position = Position(source="gnss", at_ms=at_ms, **facts)
            return journal.POSITION, replace(found, position=position)
        case "duress":
            return journal.DURESS, replace(found, duress=True)
        case "copied":
            return journal.KEY_COPIED, replace(found, key_copied=True)
        case "cancel":
            return journal.CANCELLED_BY_HOLDER, replace(found, cancelled_by_holder=True)
        case "seen":
            return journal.SEEN, replace(found, state=IncidentState.SEEN, seen_by=actor, seen_at_ms=at_ms)
        case "assign":
            unit, minutes, beside = facts["unit"], facts["eta_minutes"], facts.get("beside", False)
            sent = with_unit(found, unit, minutes, at_ms, beside=beside)
            return journal.ASSIGNED, replace(sent, seen_by=found.seen_by or actor, seen_at_ms=found.seen_at_ms or at_ms)
        case "stand_down":
            return journal.STOOD_DOWN, stood_down(found, facts["unit"], at_ms) or found
        case "on_scene":
            after = arrived(found, facts.get("unit") or found.unit or "", at_ms)
            return journal.ON_SCENE, after or replace(found, state=IncidentState.ON_SCENE)
        case "note_added":
            return journal.NOTE_ADDED, replace(
                found, note=with_line(found.note, actor or "", IN_UTC.moment(at_ms), facts["note"])
            )
        case "correct":
            return journal.DISPOSITION_CORRECTED, replace(found, disposition=Disposition(facts["disposition"]))
        case "undo":
            return journal.ACKNOWLEDGEMENT_UNDONE, unseen(found)
        case "reopen":
            return journal.REOPENED, reopened(found, actor or "", at_ms)
        case "called_back":
            result = CallBack(facts["call_back"])
            duress = found.duress or result is CallBack.DURESS_WORD
            after = replace(found, call_back=result, wrong_words=facts["wrong_words"], duress=duress)
            return journal.CALLED_BACK, after
        case "dispatch":
            return journal.DISPATCHED_BY_PERSON, replace(found, held=False)
        case "close":
            closed: dict[str, Any] = {
                "closed_by": actor,
                "closed_at_ms": at_ms,
                "note": closed_with(found.note, facts["note"]),
            }
            outcome = Disposition(facts["disposition"])
            return journal.CLOSED, replace(found, state=IncidentState.CLOSED, disposition=outcome, **closed)
    raise ValueError(f"no event {step!r}")
