"""Responders' links and responses in the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert, Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout, only
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.notification import RESPONDER, NotificationState
from siaga_gateway.domain.response import Response
from siaga_gateway.service.store.responses import DutyLink, FoundLink, LastTold, ResponderLink

_LINK: Final = Layout(ResponderLink)
_RESPONSE: Final = Layout(Response)
_DUTY: Final = Layout(DutyLink)
_ADD_LINK: Final = Insert("responder_link", _LINK.names)
_PUT: Final = Insert("response", _RESPONSE.names, ("incident_id", "responder"))
# Joined: with a responder his links are gone, in the same moment.
_FIND: Final = (
    f"SELECT {', '.join(f'responder_link.{name}' for name in _LINK.names)}, responder.language FROM responder_link "  # noqa: S608
    "JOIN responder ON responder.responder_key = responder_link.responder WHERE responder_link.token_hash = ?"
)
_PUT_DUTY: Final = Insert("duty_link", _DUTY.names, ("token_hash",))
_FIND_DUTY: Final = (
    f"SELECT {', '.join(f'duty_link.{name}' for name in _DUTY.names)} FROM duty_link "  # noqa: S608 - constants
    "JOIN responder ON responder.responder_key = duty_link.responder WHERE duty_link.token_hash = ?"
)
_DUTY_OF: Final = f"SELECT {columns(_DUTY.names)} FROM duty_link WHERE responder = ? ORDER BY made_at_ms, token_hash"  # noqa: S608
_OPENED: Final = "UPDATE responder_link SET opened_ms = ? WHERE token_hash = ? AND opened_ms IS NULL"
_FIRST_OPENED: Final = (
    "SELECT responder, min(opened_ms) FROM responder_link "
    "WHERE incident_id = ? AND opened_ms IS NOT NULL GROUP BY responder"
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
    return only(lambda row: FoundLink(_LINK.value(row), row[len(_LINK.names)]), rows, "responder_link")


def _duty_link(rows: Sequence[Row]) -> DutyLink | None:
    return _DUTY.only(rows, "duty_link")


def _responses(rows: Sequence[Row]) -> list[Response]:
    # Sorted here: databases sort by rules of their own.
    return sorted(_RESPONSE.sound(rows, "response"), key=lambda each: each.responder)


class ResponseWriting(WriteBatch):
    """Implements service.store.responses.ResponseWriting."""

    def add_responder_link(self, link: ResponderLink) -> None:
        self.flush()
        self._session.insert(_ADD_LINK, [_LINK.row(link)])

    def responder_link(self, token_hash: str) -> FoundLink | None:
        return _found(self._fetch(_FIND, (token_hash,)))

    def put_duty_link(self, link: DutyLink) -> None:
        self._session.insert(_PUT_DUTY, [_DUTY.row(link)])

    def duty_link(self, token_hash: str) -> DutyLink | None:
        return _duty_link(self._fetch(_FIND_DUTY, (token_hash,)))

    def duty_links(self, responder: str) -> Sequence[DutyLink]:
        return _DUTY.sound(self._fetch(_DUTY_OF, (responder,)), "duty_link")

    def remove_duty_links(self, token_hashes: Collection[str]) -> None:
        if token_hashes:
            self._session.many("DELETE FROM duty_link WHERE token_hash = ?", [(each,) for each in token_hashes])

    def mark_link_opened(self, token_hash: str, at_ms: int) -> None:
        self._run(_OPENED, (at_ms, token_hash))

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

    def duty_link_of(self, token_hash: str) -> DutyLink | None:
        return _duty_link(self.fetch(_FIND_DUTY, (token_hash,)))

    def duty_links_of(self, responder: str) -> Sequence[DutyLink]:
        return _DUTY.sound(self.fetch(_DUTY_OF, (responder,)), "duty_link")

    def links_opened(self, incident_id: int) -> Mapping[str, int]:
        return dict(self.fetch(_FIRST_OPENED, (incident_id,)))

    def responses_of(self, incident_id: int) -> Sequence[Response]:
        return _responses(self.fetch(_ALL, (incident_id,)))

    def last_told(self, incident_id: int, responder: str) -> LastTold | None:
        recipient = f"{RESPONDER}{responder}"
        parameters = (incident_id, recipient, len(recipient) + 1, f"{recipient}/")
        rows = self.fetch(_LAST_TOLD, parameters)
        return LastTold(ContactKind(rows[0][0]), *rows[0][1:]) if rows else None
