"""Queues the next notice of an incident, in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Collection

from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store import Transaction


def tell(
    transaction: Transaction, incident: Incident, change: Change, now_ms: int, outputs: Collection[str]
) -> Incident:
    """Queue a notice of the change for these outputs. Returns the incident with its new sequence, not yet stored."""
    after = copied(incident, sequence=incident.sequence + 1, told_place=incident.place)
    transaction.add_notice(Notice(after, change, after.sequence, now_ms), outputs)
    return after
