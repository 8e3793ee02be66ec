"""A store whose journal and events are checked for tampering."""

from __future__ import annotations

import pytest

from databases import Place
from gateway.ingest_harness import NOW_S, IngestHarness
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.audit_hashing import Link
from siaga_gateway.domain.frame import Kind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import AuditBroken, verify
from spoiling import spoilt


def audited_ingest(place: Place) -> IngestHarness:
    """A gateway that stored three batches: presses of two buttons, a repetition, a forged frame, an operator's step."""
    made = IngestHarness(place)
    one, other = made.button(), made.button()
    made.take(one.press(NOW_S), other.press(NOW_S, latitude=-54_000_000, longitude=1_052_600_000))
    made.take(one.follow(Kind.CHECKIN, NOW_S), b"noise", spoilt(other.press(NOW_S, again=True)))
    made.take(other.follow(Kind.CANCEL, NOW_S))
    with made.store.transaction() as transaction:
        transaction.note(journal.SEEN, made.now_ms, {}, incident_id=1, actor="Rina")
    return made


def tamper(store: SqlStore, *statements: str) -> None:
    with store.engine.transaction() as session:
        for statement in statements:
            assert session.run(statement), f"changed nothing: {statement}"


def broken(store: SqlStore, kept: Link | None = None) -> str:
    with pytest.raises(AuditBroken) as found:
        verify(store, kept)
    assert "\n" not in str(found.value)
    return str(found.value)
