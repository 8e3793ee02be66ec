"""The links by which responders answer, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.response import Response
from siaga_gateway.domain.value import record


@record
class ResponderLink:
    """A link of one responder to one incident."""

    token_hash: str  # SHA-256 of the token, hex; the token is stored nowhere
    incident_id: int
    responder: str
    made_at_ms: int


class FoundLink(NamedTuple):
    link: ResponderLink
    language: str  # the responder's


class LastTold(NamedTuple):
    """The newest message that says whether somebody is needed."""

    kind: ContactKind  # CALL or NOT_NEEDED
    wave: int
    made_at_ms: int


class ResponseWriting(Protocol):
    """Writes links and responses."""

    def add_responder_link(self, link: ResponderLink) -> None: ...
    def responder_link(self, token_hash: str) -> FoundLink | None:
        """Return a link, as this transaction sees it; None too once its responder has left the list."""
        ...

    def responses(self, incident_id: int) -> Sequence[Response]:
        """Return all of an incident, as this transaction sees them, by responder."""
        ...

    def put_response(self, response: Response) -> None: ...


class ResponseReading(Protocol):
    """Reads links and responses."""

    def responder_link_of(self, token_hash: str) -> FoundLink | None:
        """Return a link; None too once its responder has left the list."""
        ...

    def responses_of(self, incident_id: int) -> Sequence[Response]:
        """Return all of an incident, by responder."""
        ...

    def last_told(self, incident_id: int, responder: str) -> LastTold | None:
        """Return the newest call of this person, or the thanks that enough are coming, on whatever address; none that
        was withdrawn. None: neither. Cheap, however many messages there are."""
        ...
