"""The codes of answers by text message in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout, sound
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.store.text_codes import CodedCall, TextCode

_LAYOUT: Final = Layout(TextCode)
_ADD: Final = (
    f"INSERT INTO text_code ({', '.join(_LAYOUT.names)}) VALUES ({', '.join('?' for _ in _LAYOUT.names)}) "  # noqa: S608
    "ON CONFLICT (incident_id, responder) DO UPDATE SET code = excluded.code, made_at_ms = excluded.made_at_ms "
    "WHERE text_code.code = ''"
)
_RETIRE: Final = "UPDATE text_code SET former = code, code = '' WHERE incident_id = ? AND former IS NULL"
_SELECT: Final = (
    f"SELECT {', '.join(f'text_code.{name}' for name in _LAYOUT.names)}, "  # noqa: S608 - constants
    f"CASE WHEN incident.state = '{IncidentState.CLOSED.value}' "
    "THEN coalesce(incident.closed_at_ms, incident.opened_at_ms) END "
    "FROM text_code JOIN incident ON incident.id = text_code.incident_id "
    f"WHERE (text_code.made_at_ms >= ? OR incident.state <> '{IncidentState.CLOSED.value}') AND text_code.responder IN "
)


def _query(responders: Collection[str], since_ms: int) -> tuple[str, tuple[object, ...]]:
    people = sorted(responders)
    return f"{_SELECT}({', '.join('?' for _ in people)})", (since_ms, *people)


def _calls(rows: Sequence[Row]) -> list[CodedCall]:
    found = sound(lambda row: CodedCall(_LAYOUT.value(row), row[len(_LAYOUT.names)]), rows, "text_code")
    return sorted(found, key=lambda each: (each.code.made_at_ms, each.code.incident_id, each.code.responder))


class TextCodeWriting(WriteBatch):
    """Implements service.store.text_codes.TextCodeWriting."""

    def text_codes(self, responders: Collection[str], since_ms: int) -> Sequence[TextCode]:
        return [each.code for each in _calls(self._fetch(*_query(responders, since_ms)))] if responders else []

    def add_text_code(self, code: TextCode) -> None:
        self._run(_ADD, _LAYOUT.row(code))

    def retire_text_codes(self, incident_id: int) -> None:
        self._run(_RETIRE, (incident_id,))


class TextCodeReading(Reads):
    """Implements service.store.text_codes.TextCodeReading."""

    def coded_calls(self, responders: Collection[str], since_ms: int) -> Sequence[CodedCall]:
        return _calls(self.fetch(*_query(responders, since_ms))) if responders else []
