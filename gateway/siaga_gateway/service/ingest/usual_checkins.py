"""Check-ins that say nothing new: a status, a place, an answer, and no more."""

from __future__ import annotations

from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.position import GNSS
from siaga_gateway.domain.usual_checkin import usual
from siaga_gateway.service.inbound import NARROW
from siaga_gateway.service.ingest.acknowledgements import Reply
from siaga_gateway.service.ingest.batch_state import BatchState
from siaga_gateway.service.ingest.verification import AuthenticFrame
from siaga_gateway.service.store import Transaction


def take_usual(
    transaction: Transaction, known_state: BatchState, one: AuthenticFrame, digest: bytes, timing: Timing
) -> Reply | None:
    """Write a check-in and return the answer to it; None: it is no usual one, and nothing was written."""
    uplink, inbound = one.uplink, one.inbound
    device_id, device = uplink.device_id, one.known.device
    before = known_state.statuses.get(device_id)
    if before is None or device_id in known_state.open:
        return None
    status = usual(before, uplink, inbound.received_ms, timing, digest, narrow=inbound.bearer in NARROW)
    if status is None:
        return None
    place, moved = status.position, status.position is not before.position
    if moved and place is not None and place.source == GNSS and device.installed_latitude is not None:
        return None  # it may be away from there
    known_state.statuses[device_id] = status
    transaction.put_status(status, before)
    return Reply(one.known, uplink.counter, digest, Stage.RECEIVED)
