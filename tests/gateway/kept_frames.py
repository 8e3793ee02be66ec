"""Whether a store has kept what buttons sent: evidence as it was sent, check-ins counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Kind


def check_kept(store: SqlStore, sent: Mapping[tuple[bytes, int], bytes]) -> int:
    """Every frame that is no check-in is stored, once, as it was sent; of check-ins only those of an open incident; all
    are counted. Nothing else is there. Returns how many are stored."""
    rows = store.fetch("SELECT device_id, counter, frame FROM event")
    kept = {(bytes(row[0]), row[1]): bytes(row[2]) for row in rows}
    assert len(rows) == len(kept)
    evidence = {key: frame for key, frame in sent.items() if frame[1] != Kind.CHECKIN}
    assert evidence.items() <= kept.items(), "a frame is lost, or is not what was sent"
    assert kept.items() <= sent.items(), "a frame that nobody sent"
    heard = {one.device.device_id: status for one, status in store.devices() if status is not None}
    counted = {device_id: heard[device_id].events for device_id, _ in sent}
    assert counted == dict(Counter(device_id for device_id, _ in sent)), "a check-in is lost, or counted twice"
    return len(rows)
