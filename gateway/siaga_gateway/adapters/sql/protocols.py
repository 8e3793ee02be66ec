"""Versions of protocols in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.protocol import ProtocolVersion


def _text(steps: tuple[str, ...]) -> str:
    return orjson.dumps(steps).decode()


def _steps(text: str) -> tuple[str, ...]:
    found: list[Any] = orjson.loads(text)
    return tuple(str(each) for each in found)


_LAYOUT: Final = Layout(ProtocolVersion, {name: Columns((name,), _text, _steps) for name in ("steps_id", "steps_en")})
_LOCK: Final = "protocols.lock"
_ALL: Final = f"SELECT {columns(_LAYOUT.names)} FROM protocol ORDER BY kind, version"  # noqa: S608 - constants
_ADD: Final = (
    f"INSERT INTO protocol ({columns(_LAYOUT.names)}) VALUES ({', '.join('?' * len(_LAYOUT.names))}) "  # noqa: S608
    "ON CONFLICT DO NOTHING"
)


class ProtocolWriting(WriteBatch):
    """Implements service.store.protocols.ProtocolWriting. Nothing of it concerns a batch of events."""

    def lock_protocols(self) -> None:
        self._lock_aside(_LOCK)

    def protocols(self) -> Sequence[ProtocolVersion]:
        return _LAYOUT.sound(self._fetch(_ALL), "protocol")

    def add_protocol(self, version: ProtocolVersion) -> None:
        self._run_aside(_ADD, _LAYOUT.row(version))


class ProtocolReading(Reads):
    """Implements service.store.protocols.ProtocolReading."""

    def protocols(self) -> Sequence[ProtocolVersion]:
        return _LAYOUT.sound(self.fetch(_ALL), "protocol")
