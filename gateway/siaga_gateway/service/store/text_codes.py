"""The codes by which answers by text message name their calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from siaga_gateway.domain.value import record


@record
class TextCode:
    """A row of the store: a new field goes to the end, and needs a migration. Times are Unix ms."""

    incident_id: int
    responder: str  # a key
    code: str  # two or three digits; empty: none is drawn yet
    made_at_ms: int
    former: str | None = None  # by which he answered the exercise that it was; it means nothing any more


@record
class CodedCall:
    """A call that somebody was told of by text message."""

    code: TextCode
    closed_at_ms: int | None  # of the incident; None: it is open


class TextCodeWriting(Protocol):
    """Writes codes."""

    def text_codes(self, responders: Collection[str], since_ms: int) -> Sequence[TextCode]:
        """Return the codes of these people that mean something, as this transaction sees them: made since then, or of
        an open incident."""
        ...

    def add_text_code(self, code: TextCode) -> None:
        """Add it, unless this responder has one for the incident."""
        ...

    def retire_text_codes(self, incident_id: int) -> None:
        """Make the codes of an exercise its former ones. Each person is to have another for the call that it became."""
        ...


class TextCodeReading(Protocol):
    """Reads codes."""

    def coded_calls(self, responders: Collection[str], since_ms: int) -> Sequence[CodedCall]:
        """Return the calls of which these people have such codes, the oldest first."""
        ...
