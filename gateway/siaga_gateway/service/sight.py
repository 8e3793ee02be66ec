"""What the store knows of the devices of a batch: read at once, kept up to date while the batch is worked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from siaga_gateway.domain.event import CALLS, key_of
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.check import Genuine
from siaga_gateway.service.store import EventKey, MarkedPress, MarkKey, StoredEvent, Transaction


@dataclass(slots=True)
class Sight:
    """What the transaction knows of the devices of this batch, kept up to date as the batch is worked through."""

    events: dict[EventKey, StoredEvent]
    statuses: dict[bytes, DeviceStatus]
    open: dict[bytes, Incident]
    marks: dict[MarkKey, MarkedPress]
    incidents: dict[int, Incident]


def look(transaction: Transaction, genuine: Sequence[Genuine]) -> Sight:
    """All that the batch needs to know, in a handful of queries."""
    device_ids = {one.uplink.device_id for one in genuine}
    transaction.lock(device_ids)
    events = dict(transaction.events({(one.uplink.device_id, one.uplink.counter) for one in genuine}))
    wanted: set[MarkKey] = set()
    for one in genuine:
        uplink, report = one.uplink, one.uplink.report
        if report is None or uplink.kind not in CALLS:
            continue
        key = key_of(uplink.kind, uplink.counter, report)
        if key is not None:
            wanted.add((uplink.device_id, key, report.test))
    marks = dict(transaction.marks(wanted))
    open_ = dict(transaction.open_incidents_of(device_ids))
    incidents = {incident.id: incident for incident in open_.values()}
    numbers = {mark.incident_id for mark in marks.values()}
    numbers.update(event.incident_id for event in events.values() if event.incident_id is not None)
    incidents.update(transaction.incidents(numbers - incidents.keys()))
    statuses = dict(transaction.statuses(device_ids))
    transaction.expect_incidents(sum(1 for key in wanted - marks.keys() if key[0] not in open_))
    return Sight(events, statuses, open_, marks, incidents)
