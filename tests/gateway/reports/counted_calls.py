"""Invented records of calls."""

from __future__ import annotations

from typing import Any

from siaga_gateway.domain.call_record import CallFacts, CallRecord, begun

NOW_MS = 1_790_000_000_000  # 2026-09-21, a Monday, 21:13 WIB


def call(opened_at_ms: int, incident_id: int = 1, mode: str = "actual", **fields: Any) -> CallRecord:
    """One call; of each field that is not named nothing is known."""
    return begun(CallFacts(incident_id, opened_at_ms, mode, None, 1, None, None))._replace(**fields)
