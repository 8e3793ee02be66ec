"""Where the escalation of each incident is, and what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.escalation_state import Escalation


class EscalationWriting(Protocol):
    """Writes escalations. Contacts that a step asks for are written in the same transaction."""

    def escalation(self, incident_id: int) -> Escalation | None: ...
    def put_escalation(self, escalation: Escalation) -> bool:
        """Write it, if nobody has changed the row since it was read; that ends a claim.

        A new one has revision 0. Returns whether it was written: if not, read it again, step again, and commit nothing
        of this step.
        """
        ...

    def claim_escalation(self, incident_id: int, worker: str, now_ms: int, until_ms: int) -> bool:
        """Whether this worker may step it until then. A worker that dies holds it no longer."""
        ...


class EscalationReading(Protocol):
    """Reads what is due."""

    def escalation_of(self, incident_id: int) -> Escalation | None: ...
    def open_escalations(self) -> Sequence[Escalation]:
        """Return all that are not closed, by their incidents."""
        ...

    def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
        """Return the revisions of those that are not closed and have changed after since_ms, by incident."""
        ...

    def escalations_due(self, now_ms: int, worker: str, limit: int = 200) -> Sequence[Escalation]:
        """Return those for which domain/escalation.py's `is_due` holds, without those that another worker has claimed;
        the longest due first, then those that the clock, set back, has left in the future."""
        ...

    def next_escalation_ms(self) -> int | None:
        """Return when the first one is due; None: nothing is open."""
        ...

    def unescalated(self, limit: int = 200) -> Sequence[int]:
        """Return open incidents, no tests, for which nothing is due at all: the auditor's."""
        ...
