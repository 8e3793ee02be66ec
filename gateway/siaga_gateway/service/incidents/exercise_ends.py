"""What becomes of exercises that are still open some minutes after their drill has ended.

One that a desk has seen, or at which an officer has arrived, is closed. Where nobody has looked, or somebody may need
help, a person is asked: nobody is called any more, and the console rings until it is decided. Pressed again, it is real
as always.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.domain.closing_together import is_settled
from siaga_gateway.domain.drill import LONGEST_MS, is_exercise
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState
from siaga_gateway.domain.response import Response
from siaga_gateway.domain.value import copied
from siaga_gateway.service.delivery.notices import tell
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.one_of_many import one_of_many
from siaga_gateway.service.store import Store, Transaction

EVERY_S: Final = 10.0
# So long after the drill, and after whatever a person did last.
GRACE_MS: Final = 10 * 60_000
_BY_PEOPLE: Final = frozenset(
    {
        journal.SEEN,
        journal.ACKNOWLEDGED,
        journal.ACKNOWLEDGEMENT_UNDONE,
        journal.RESUMED,
        journal.ASSIGNED,
        journal.STOOD_DOWN,
        journal.REOPENED,
        journal.ON_SCENE,
        journal.CALLED_BACK,
        journal.RESPONDER_SAID,
        journal.TEXT_UNCLEAR,
        journal.PHOTOGRAPHED,
    }
)


class ExerciseEnds:
    """A periodic job."""

    def __init__(self, store: Store, after: AfterStep, clock: Clock, outputs: Collection[str]) -> None:
        self._store = store
        self._after = after
        self._clock = clock
        self._outputs = tuple(outputs)

    def work(self) -> None:
        """Raises: StoreFailing."""
        for incident in self._store.open_exercises():
            with one_of_many("exercises", incident.id):
                self._look_at(incident)

    def _look_at(self, incident: Incident) -> None:
        now_ms = self._clock.now_ms()
        if incident.drill is None or not self._is_past(incident.drill, incident.opened_at_ms, now_ms):
            return
        known, said = self._store.escalation_of(incident.id), self._store.responses_of(incident.id)
        if not self._is_worked_on(incident, known, now_ms):
            self._end(incident, known, said)

    def _is_worked_on(self, incident: Incident, known: Escalation | None, now_ms: int) -> bool:
        """Whether a person decides, or has done something lately."""
        if known is not None and known.phase is Phase.ASKED:
            return True
        entries = self._store.journal_of_incident(incident.id)
        by_people = [each.at_ms for each in entries if each.kind in _BY_PEOPLE]
        return bool(by_people) and not _is_long_ago(by_people[-1], now_ms)

    def _is_past(self, drill_id: int, opened_ms: int, now_ms: int) -> bool:
        """One that is gone, or cannot be read, may still run: as long as a drill can."""
        drill = self._store.drill(drill_id)
        if drill is None:
            return now_ms - opened_ms >= LONGEST_MS + GRACE_MS
        return drill.ended_ms is not None and _is_long_ago(drill.ended_ms, now_ms)

    def _end(self, shown: Incident, known: Escalation | None, said: Sequence[Response]) -> None:
        with self._store.transaction() as transaction:
            transaction.lock([shown.device_id])
            incident = transaction.incident(shown.id)
            if incident is None or incident.state is IncidentState.CLOSED or not is_exercise(incident):
                return
            now_ms = self._clock.now_ms()
            if incident.progress != shown.progress or incident.answered != shown.answered:
                return  # somebody has done something meanwhile
            # An officer who asks for help changes nothing of the incident itself.
            if transaction.escalation(incident.id) != known or list(transaction.responses(incident.id)) != list(said):
                return
            if not _is_over(incident, known):
                _note(transaction, journal.EXERCISE_ASKED, incident, now_ms)
                named = None
            else:
                after = copied(
                    incident, state=IncidentState.CLOSED, closed_at_ms=now_ms, disposition=Disposition.EXERCISE
                )
                incident = tell(transaction, after, Change.CLOSED, now_ms, self._outputs)
                transaction.put_incident(incident)
                facts = {"disposition": str(Disposition.EXERCISE), "why": "drill_over"}
                _note(transaction, journal.CLOSED, incident, now_ms, **facts)
                named = transaction.named_calls(incident.id, incident.key_copied)
        if named is None:
            self._after.wake()
        else:
            self._after.tell(incident, named, now_ms)


def _is_over(incident: Incident, known: Escalation | None) -> bool:
    """Whether somebody has looked, nobody waits for an answer, and who was rung back needs no help."""
    if not is_settled(incident):
        return False
    if known is not None:
        in_need = known.phase is Phase.CALLING and known.why is Why.BACKUP
        if in_need or any(each.asked for each in known.assignments):
            return False
    return incident.state is not IncidentState.OPEN or incident.reached


def _is_long_ago(at_ms: int, now_ms: int) -> bool:
    """A time from the future is of another machine's clock, or, if it is far, of one that was set back since."""
    return abs(now_ms - at_ms) >= GRACE_MS


def _note(transaction: Transaction, kind: str, incident: Incident, now_ms: int, **facts: object) -> None:
    transaction.note(kind, now_ms, facts, incident_id=incident.id, device_id=incident.device_id)
