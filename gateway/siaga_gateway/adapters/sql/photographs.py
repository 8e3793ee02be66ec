"""Photographs in the store, sealed under the key for personal data."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from typing import Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Session
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.store.photographs import Photograph

log = logging.getLogger(__name__)

_LAYOUT: Final = Layout(Photograph)
_ALL: Final = f"SELECT {columns(_LAYOUT.names)} FROM photograph WHERE incident_id = ? ORDER BY number"  # noqa: S608
_ADD: Final = f"INSERT INTO photograph ({columns(_LAYOUT.names)}, image) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
_TO_SEAL: Final = (
    "SELECT incident_id, number, image FROM photograph "
    "WHERE (incident_id > ? OR (incident_id = ? AND number > ?)) AND image NOT LIKE ? "
    "ORDER BY incident_id, number LIMIT ?"
)
Place = tuple[int, int]  # incident and number


def _sealed(jpeg: bytes, sealing: Sealing, place: Place) -> str:
    return sealing.seal_text(base64.b64encode(jpeg).decode("ascii"), "photograph", *place)


def _opened(sealed: str, sealing: Sealing, place: Place) -> bytes | None:
    try:
        return base64.b64decode(sealing.open_text(sealed, "photograph", *place))
    except (SiagaError, ValueError) as error:
        log.error(Localized("log.store.photograph", incident=place[0], number=place[1], why=error))
        return None


class PhotographWriting(WriteBatch):
    """Implements service.store.photographs.PhotographWriting."""

    def photographs(self, incident_id: int) -> Sequence[Photograph]:
        return _LAYOUT.sound(self._fetch(_ALL, (incident_id,)), "photograph")

    def add_photograph(self, photograph: Photograph, jpeg: bytes) -> None:
        place = photograph.incident_id, photograph.number
        self._run(_ADD, (*_LAYOUT.row(photograph), _sealed(jpeg, self._sealing, place)))


class PhotographReading(Reads):
    """Implements service.store.photographs.PhotographReading."""

    def photographs_of(self, incident_id: int) -> Sequence[Photograph]:
        return _LAYOUT.sound(self.fetch(_ALL, (incident_id,)), "photograph")

    def picture(self, incident_id: int, number: int) -> bytes | None:
        rows = self.fetch("SELECT image FROM photograph WHERE incident_id = ? AND number = ?", (incident_id, number))
        return _opened(rows[0][0], self.sealing, (incident_id, number)) if rows else None


def seal_photographs(session: Session, sealing: Sealing, after: Place, limit: int) -> Place | None:
    """Encrypt the next photographs under the current key; what cannot be decrypted stays. Returns the place of the last
    one examined; None: no more."""
    incident_id, number = after
    rows = session.fetch(_TO_SEAL, (incident_id, incident_id, number, f"{sealing.keys.current}.%", limit))
    sealed = []
    for *place, image in rows:
        jpeg = _opened(image, sealing, (place[0], place[1]))
        if jpeg is not None:
            sealed.append((_sealed(jpeg, sealing, (place[0], place[1])), *place))
    if sealed:
        session.many("UPDATE photograph SET image = ? WHERE incident_id = ? AND number = ?", sealed)
    return (rows[-1][0], rows[-1][1]) if rows else None
