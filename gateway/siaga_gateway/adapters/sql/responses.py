"""Responders' links and responses in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.notification import RESPONDER, NotificationState
from siaga_gateway.domain.response import Response
from siaga_gateway.service.store.responses import FoundLink, LastTold, ResponderLink

_LINK: Final = Layout(ResponderLink)
_RESPONSE: Final = Layout(Response)
_ADD_LINK: Final = Insert("responder_link", _LINK.names)
_PUT: Final = Insert("response", _RESPONSE.names, ("incident_id", "responder"))
# Joined: with a responder his links are gone, in the same moment.
_FIND: Final = (
    f"SELECT {', '.join(f'responder_link.{name}' for name in _LINK.names)}, responder.language FROM responder_link "  # noqa: S608
    "JOIN responder ON responder.responder_key = responder_link.responder WHERE responder_link.token_hash = ?"
)
_ALL: Final = f"SELECT {columns(_RESPONSE.names)} FROM response WHERE incident_id = ?"  # noqa: S608
# Each address of a person on one way is a recipient of its own: "responder:budi", "responder:budi/2".
_LAST_TOLD: Final = (
    "SELECT kind, wave, made_at_ms FROM notification WHERE incident_id = ? "  # noqa: S608
    f"AND kind IN ('{ContactKind.CALL.value}', '{ContactKind.NOT_NEEDED.value}') "
    f"AND state <> '{NotificationState.WITHDRAWN.value}' "
    "AND (recipient = ? OR substr(recipient, 1, ?) = ?) ORDER BY number DESC LIMIT 1"
)


def _found(rows: Sequence[Row]) -> FoundLink | None:
    return FoundLink(_LINK.value(rows[0]), rows[0][len(_LINK.names)]) if rows else None


def _responses(rows: Sequence[Row]) -> list[Response]:
    # Sorted here: databases sort by rules of their own.
    return sorted((_RESPONSE.value(row) for row in rows), key=lambda each: each.responder)


class ResponseWriting(WriteBatch):
    """Implements service.store.responses.ResponseWriting."""

    def add_responder_link(self, link: ResponderLink) -> None:
        self.flush()
        self._session.insert(_ADD_LINK, [_LINK.row(link)])

    def responder_link(self, token_hash: str) -> FoundLink | None:
        return _found(self._fetch(_FIND, (token_hash,)))

    def responses(self, incident_id: int) -> Sequence[Response]:
        return _responses(self._fetch(_ALL, (incident_id,)))

    def put_response(self, response: Response) -> None:
        self.touched = True
        self.flush()
        self._session.insert(_PUT, [_RESPONSE.row(response)])


class ResponseReading(Reads):
    """Implements service.store.responses.ResponseReading."""

    def responder_link_of(self, token_hash: str) -> FoundLink | None:
        return _found(self.fetch(_FIND, (token_hash,)))

    def responses_of(self, incident_id: int) -> Sequence[Response]:
        return _responses(self.fetch(_ALL, (incident_id,)))

    def last_told(self, incident_id: int, responder: str) -> LastTold | None:
        recipient = f"{RESPONDER}{responder}"
        parameters = (incident_id, recipient, len(recipient) + 1, f"{recipient}/")
        rows = self.fetch(_LAST_TOLD, parameters)
        return LastTold(ContactKind(rows[0][0]), *rows[0][1:]) if rows else None
