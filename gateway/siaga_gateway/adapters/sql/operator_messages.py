"""Desks' messages in the store, sealed under the key for personal data; who has which is a notification each."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Session
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import sound
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.operator_message import DeskMessage

log = logging.getLogger(__name__)

_ALL: Final = (
    "SELECT incident_id, number, form_key, text, made_ms, made_by FROM desk_message WHERE incident_id = ? "
    "ORDER BY number"
)
_TO_SEAL: Final = (
    "SELECT incident_id, number, text FROM desk_message "
    "WHERE (incident_id > ? OR (incident_id = ? AND number > ?)) AND text NOT LIKE ? "
    "ORDER BY incident_id, number LIMIT ?"
)
Place = tuple[int, int]  # incident and number


def _opened(sealed: str, sealing: Sealing, place: Place) -> str | None:
    try:
        return sealing.open_text(sealed, "desk_message", *place)
    except SiagaError as error:
        log.error(Localized("log.store.desk_message", incident=place[0], number=place[1], why=error))
        return None


def _of(rows: Sequence[Row], sealing: Sealing) -> Sequence[DeskMessage]:
    def message(row: Row) -> DeskMessage:
        incident_id, number, form_key, sealed, made_ms, made_by = row
        written = _opened(sealed, sealing, (incident_id, number))
        texts = {} if written is None else json.loads(written)
        words = str(texts.get("id", "")), str(texts.get("en", ""))
        return DeskMessage(incident_id, number, form_key, *words, made_ms, made_by, written is None)

    return sound(message, rows, "desk_message")


class DeskMessageWriting(WriteBatch):
    """Implements service.store.operator_messages.DeskMessageWriting."""

    def add_desk_message(self, message: DeskMessage) -> None:
        texts = json.dumps({"id": message.text_id, "en": message.text_en}, ensure_ascii=False)
        sealed = self._sealing.seal_text(texts, "desk_message", message.incident_id, message.number)
        self._run(
            "INSERT INTO desk_message (incident_id, number, form_key, text, made_ms, made_by) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (message.incident_id, message.number, message.form_key, sealed, message.made_ms, message.made_by),
        )

    def desk_messages(self, incident_id: int) -> Sequence[DeskMessage]:
        return _of(self._fetch(_ALL, (incident_id,)), self._sealing)


class DeskMessageReading(Reads):
    """Implements service.store.operator_messages.DeskMessageReading."""

    def desk_messages_of(self, incident_id: int) -> Sequence[DeskMessage]:
        return _of(self.fetch(_ALL, (incident_id,)), self.sealing)


def seal_desk_messages(session: Session, sealing: Sealing, after: Place, limit: int) -> Place | None:
    """Encrypt the next messages under the current key; what cannot be decrypted stays. Returns the place of the last
    one examined; None: no more."""
    incident_id, number = after
    rows = session.fetch(_TO_SEAL, (incident_id, incident_id, number, f"{sealing.keys.current}.%", limit))
    sealed = []
    for *place, stood in rows:
        text = _opened(stood, sealing, (place[0], place[1]))
        if text is not None:
            sealed.append((sealing.seal_text(text, "desk_message", *place), *place))
    if sealed:
        session.many("UPDATE desk_message SET text = ? WHERE incident_id = ? AND number = ?", sealed)
    return (rows[-1][0], rows[-1][1]) if rows else None
