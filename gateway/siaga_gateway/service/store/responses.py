"""The links by which responders answer, and what they answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    opened_ms: int | None = None  # when its page was first opened in a browser; None: never


@record
class DutyLink:
    """A person's own link, to the page on which he says when he is on duty."""

    token_hash: str  # SHA-256 of the token, hex
    responder: str
    made_at_ms: int
    used_at_ms: int | None = None  # when somebody last answered by it; None: nobody has


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

    def put_duty_link(self, link: DutyLink) -> None:
        """Add a person's own link, or change it."""
        ...

    def duty_link(self, token_hash: str) -> DutyLink | None:
        """Return a person's own link, as this transaction sees it; None too once he has left the list."""
        ...

    def duty_links(self, responder: str) -> Sequence[DutyLink]:
        """Return all of a person's own links, as this transaction sees them, the oldest first."""
        ...

    def remove_duty_links(self, token_hashes: Collection[str]) -> None: ...
    def mark_link_opened(self, token_hash: str, at_ms: int) -> None:
        """Keep that the page of a link was opened, if it was not before."""
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

    def duty_link_of(self, token_hash: str) -> DutyLink | None:
        """Return a person's own link; None too once he has left the list."""
        ...

    def duty_links_of(self, responder: str) -> Sequence[DutyLink]:
        """Return all of a person's own links, the oldest first."""
        ...

    def links_opened(self, incident_id: int) -> Mapping[str, int]:
        """Return when the first of their links was first opened, by responder."""
        ...

    def responses_of(self, incident_id: int) -> Sequence[Response]:
        """Return all of an incident, by responder."""
        ...

    def last_told(self, incident_id: int, responder: str) -> LastTold | None:
        """Return the newest call of this person, or the thanks that enough are coming, on whatever address; none that
        was withdrawn. None: neither. Cheap, however many messages there are."""
        ...
