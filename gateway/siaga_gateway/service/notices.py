"""Telling the outputs of a change: the next notice of an incident, kept with the change in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from siaga_gateway.domain.incident import Change, Incident, Notice
from siaga_gateway.service.store import Transaction


def tell(
    transaction: Transaction, incident: Incident, change: Change, now_ms: int, outputs: Collection[str]
) -> Incident:
    """Keep a notice of the change for these outputs. Returns the incident with its new sequence, not yet stored."""
    after = replace(incident, sequence=incident.sequence + 1, told_place=incident.place)
    transaction.add_notice(Notice(after, change, after.sequence, now_ms), outputs)
    return after
