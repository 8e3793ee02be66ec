"""Versions of protocols in memory, and ticks of their steps in a book of incidents."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.protocol import ProtocolVersion, number_of, ticked
from siaga_gateway.service.incidents.protocol_book import ProtocolBook, protocol_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError, TickProtocol
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store

if TYPE_CHECKING:
    from gateway.web.console_fakes import Book


class FakeProtocolStore:
    """ProtocolReading, and transactions that are ProtocolWriting with a journal."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, Mapping[str, Any], str | None]] = []
        self._kept: dict[tuple[str, int], ProtocolVersion] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[FakeProtocolStore]:
        with self._lock:
            before = dict(self._kept)
            try:
                yield self
            except BaseException:
                self._kept = before
                raise

    def lock_protocols(self) -> None:
        """A transaction has the store for itself."""

    def protocols(self) -> Sequence[ProtocolVersion]:
        return [each for _, each in sorted(self._kept.items())]

    def add_protocol(self, version: ProtocolVersion) -> None:
        self._kept.setdefault((version.kind, version.version), version)

    def note(self, kind: str, at_ms: int, facts: Mapping[str, Any], actor: str | None = None) -> None:
        self.noted.append((kind, facts, actor))


def protocols_of(book: Book, clock: Clock) -> ProtocolBook:
    return ProtocolBook(cast(Store, book.protocol_store), clock)


def tick(book: Book, found: Incident, action: TickProtocol) -> Incident:
    goes_by = protocol_of(found, book.journal_of_incident(found.id), book.protocols())
    version = number_of(goes_by.version)
    if (action.protocol, action.version) != (goes_by.kind, version):
        raise OperateError("operate.protocol_other", id=found.id)
    if action.step >= len(goes_by.steps("id")):
        raise OperateError("operate.protocol_step", id=found.id)
    if (action.step in ticked(goes_by.ticks, goes_by.kind, version)) is not action.done:
        kind = journal.PROTOCOL_TICKED if action.done else journal.PROTOCOL_UNTICKED
        facts = {"protocol": action.protocol, "version": version, "step": action.step}
        book.do(do="note", kind=kind, incident=found.id, actor=action.operator, **facts)
    return found
