"""What an event of a test makes of an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Position
from siaga_gateway.service.journal import kinds as journal


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
            return journal.ASSIGNED, replace(found, state=IncidentState.ASSIGNED, **facts)
        case "on_scene":
            return journal.ON_SCENE, replace(found, state=IncidentState.ON_SCENE)
        case "note_added":
            return journal.NOTE_ADDED, replace(found, note=f"{found.note or ''}\n{actor}: {facts['note']}".strip())
        case "dispatch":
            return journal.DISPATCHED_BY_PERSON, replace(found, held=False)
        case "close":
            closed: dict[str, Any] = {"closed_by": actor, "closed_at_ms": at_ms, "note": facts["note"] or None}
            outcome = Disposition(facts["disposition"])
            return journal.CLOSED, replace(found, state=IncidentState.CLOSED, disposition=outcome, **closed)
    raise ValueError(f"no event {step!r}")
