"""What a drill showed: for each exercise when it was called, taken note of, accepted, on scene, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from siaga_gateway.domain.drill import Drill, is_exercise
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store

_DESK: Final = frozenset({journal.SEEN, journal.ACKNOWLEDGED})


@record
class ExerciseResult:
    """One press of the drill. Times are milliseconds since the gateway had it; None: it did not happen."""

    incident_id: int
    identifier: str
    device_id: bytes
    device_label: str
    pressed_ms: int  # Unix ms: when the gateway stored it
    called_ms: int | None = None  # the first people
    rungs: tuple[str, ...] = ()  # that were called, in order
    acknowledged_ms: int | None = None  # by a desk
    acknowledged_by: str | None = None
    accepted_ms: int | None = None  # by the first responder
    assigned_ms: int | None = None  # a unit, by a desk
    on_scene_ms: int | None = None
    answered: tuple[str, ...] = ()  # keys of those who accepted or were on scene
    declined: tuple[str, ...] = ()
    closed_ms: int | None = None
    real_ms: int | None = None  # it became a call in earnest: what came after that is not the drill's


def report(store: Store, drill: Drill) -> Sequence[ExerciseResult]:
    """Return the drill's presses, the oldest first. Raises: StoreFailing."""
    found = store.incidents_of_drill(drill.id)
    return [result_of(each, store.journal_of_incident(each.id)) for each in found]


def silent_buttons(drill: Drill, results: Iterable[ExerciseResult]) -> list[bytes]:
    """Return the drill's buttons of which no exercise has come."""
    pressed = {each.device_id for each in results}
    return [each for each in drill.buttons if each not in pressed]


def result_of(incident: Incident, entries: Iterable[JournalEntry]) -> ExerciseResult:
    """Return what the journal tells of one exercise, until it became real."""
    opened_ms = incident.opened_at_ms
    found = ExerciseResult(incident.id, incident.identifier, incident.device_id, incident.device_label, opened_ms)
    for entry in entries:
        at_ms = max(0, entry.at_ms - opened_ms)
        if entry.kind == journal.MADE_REAL:
            return copied(found, real_ms=at_ms)
        found = _after(found, entry, at_ms)
    return found if is_exercise(incident) else copied(found, real_ms=0)


def _after(found: ExerciseResult, entry: JournalEntry, at_ms: int) -> ExerciseResult:
    kind, facts = entry.kind, entry.facts
    if kind == journal.CALLED and facts.get("recipients"):
        rungs = tuple(dict.fromkeys((*found.rungs, str(facts.get("rung")))))
        return copied(found, called_ms=_first(found.called_ms, at_ms), rungs=rungs)
    if kind in _DESK and found.acknowledged_ms is None:
        return copied(found, acknowledged_ms=at_ms, acknowledged_by=entry.actor)
    if kind == journal.ACKNOWLEDGEMENT_UNDONE and not facts.get("again"):
        return copied(found, acknowledged_ms=None, acknowledged_by=None)
    if kind == journal.ASSIGNED:
        return copied(found, assigned_ms=_first(found.assigned_ms, at_ms))
    if kind == journal.ON_SCENE:
        return copied(found, on_scene_ms=_first(found.on_scene_ms, at_ms))
    if kind == journal.CLOSED:
        return copied(found, closed_ms=at_ms)
    return (
        _said(found, str(facts.get("who")), str(facts.get("said")), at_ms) if kind == journal.RESPONDER_SAID else found
    )


def _said(found: ExerciseResult, who: str, said: str, at_ms: int) -> ExerciseResult:
    if said == FactKind.DECLINED:
        return copied(found, declined=tuple(dict.fromkeys((*found.declined, who))))
    if said not in (FactKind.ACCEPTED, FactKind.ARRIVED):
        return found
    found = copied(found, answered=tuple(dict.fromkeys((*found.answered, who))))
    if said == FactKind.ACCEPTED:
        return copied(found, accepted_ms=_first(found.accepted_ms, at_ms))
    return copied(found, on_scene_ms=_first(found.on_scene_ms, at_ms))


def _first(known: int | None, at_ms: int) -> int:
    return at_ms if known is None else known
