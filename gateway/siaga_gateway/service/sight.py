"""What the store knows of the devices of a batch: read at once, kept up to date while the batch is worked through.

Where the store can tell that nobody else has written since, what the batches before have read is still true, and only
the rest is read: see Transaction.mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.event import CALLS, key_of
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.check import Genuine
from siaga_gateway.service.store import EventKey, MarkedPress, MarkKey, StoredEvent, Transaction

_DEVICES: Final = 20_000  # known at once; with more, all is read anew


@dataclass(slots=True)
class Sight:
    """What is known of the devices of this batch and of those before."""

    devices: set[bytes] = field(default_factory=set)  # whose status and open incident are known, or known not to be
    events: dict[EventKey, list[StoredEvent]] = field(default_factory=dict)  # of this batch only
    statuses: dict[bytes, DeviceStatus] = field(default_factory=dict)
    open: dict[bytes, Incident] = field(default_factory=dict)
    marks: dict[MarkKey, MarkedPress] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return max(len(self.devices), len(self.marks), len(self.incidents)) > _DEVICES


def look(transaction: Transaction, genuine: Sequence[Genuine], before: Sight | None = None) -> Sight:
    """All that the batch needs to know, in a handful of queries. `before`: what is known and still true."""
    sight = Sight() if before is None or before.full else before
    device_ids = {one.uplink.device_id for one in genuine}
    transaction.lock(device_ids)
    new = device_ids - sight.devices
    sight.statuses.update(transaction.statuses(new))
    opened = transaction.open_incidents_of(new)
    sight.open.update(opened)
    sight.incidents.update((incident.id, incident) for incident in opened.values())
    sight.devices |= new

    keys: set[EventKey] = set()
    wanted: set[MarkKey] = set()
    calls: set[MarkKey] = set()
    for one in genuine:
        uplink, report = one.uplink, one.uplink.report
        device_id = uplink.device_id
        status = sight.statuses.get(device_id)
        # Above the highest counter that was stored nothing is stored, nor does a stored frame name any PRESS there.
        highest = -1 if status is None else status.highest_counter
        if uplink.counter <= highest:
            keys.add((device_id, uplink.counter))
        if report is None or uplink.kind not in CALLS:
            continue
        key = key_of(uplink.kind, uplink.counter, report)
        if key is None:
            continue
        mark = (device_id, key, report.test)
        calls.add(mark)
        if key <= highest and mark not in sight.marks:
            wanted.add(mark)
    sight.events = {key: list(found) for key, found in transaction.events(keys).items()}
    sight.marks.update(transaction.marks(wanted))
    numbers = {sight.marks[mark].incident_id for mark in calls if mark in sight.marks}
    for found in sight.events.values():
        numbers.update(event.incident_id for event in found if event.incident_id is not None)
    sight.incidents.update(transaction.incidents(numbers - sight.incidents.keys()))
    transaction.expect_incidents(sum(1 for key in calls - sight.marks.keys() if key[0] not in sight.open))
    return sight
