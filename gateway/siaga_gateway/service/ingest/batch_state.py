"""What the store knows of a batch's devices: read at once, kept up to date while the batch is processed.

If the store can tell that nobody else has written since, what earlier batches read still holds, and only the rest is
read: see Transaction.mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.checkin_window import Verdict, judge
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.event import CALLS, Event, key_of
from siaga_gateway.domain.frame import Kind, Stage, Suite, Uplink
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.ingest.verification import AuthenticFrame
from siaga_gateway.service.store import EventKey, MarkedPress, MarkKey, NewEvent, StoredEvent, Transaction

_DEVICES: Final = 20_000  # limit of known devices; beyond it everything is read again


@dataclass(slots=True)
class BatchState:
    """What is known of the devices of this batch and of earlier ones."""

    devices: set[bytes] = field(default_factory=set)  # whose status and open incident are known, or known not to exist
    events: dict[EventKey, list[StoredEvent]] = field(default_factory=dict)  # of this batch only
    statuses: dict[bytes, DeviceStatus] = field(default_factory=dict)
    open: dict[bytes, Incident] = field(default_factory=dict)
    marks: dict[MarkKey, MarkedPress] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return max(len(self.devices), len(self.marks), len(self.incidents)) > _DEVICES

    def mark_of(self, event: Event) -> MarkedPress | None:
        """Return the mark of the PRESS that the event names, if it names an incident, and that can be read."""
        mark = None if event.key is None else self.marks.get((event.device_id, event.key, event.test))
        return mark if mark is not None and mark.incident_id in self.incidents else None

    def named_by(self, event: Event) -> Incident | None:
        """Return the incident that the event names."""
        mark = self.mark_of(event)
        return None if mark is None else self.incidents[mark.incident_id]

    def is_old(self, uplink: Uplink, digest: bytes) -> bool:
        """Whether it is a check-in that has come, or one that is too old to tell.

        One with duress is not judged by that: it is evidence, which is known by its row.
        """
        status = self.statuses.get(uplink.device_id)
        if uplink.kind is not Kind.CHECKIN or status is None or uplink.report is None or uplink.report.duress:
            return False
        verdict = judge(status.window, status.first_counter, uplink.counter, digest)
        if verdict is Verdict.OUTSIDE:  # evidence under its counter tells that another message has come
            return not self.events.get((uplink.device_id, uplink.counter))
        return verdict is Verdict.REPEATED


def read_batch_state(
    transaction: Transaction, genuine: Sequence[AuthenticFrame], before: BatchState | None = None
) -> BatchState:
    """Read all that the batch needs, in a handful of queries. before: what is known and still holds."""
    known_state = BatchState() if before is None or before.full else before
    device_ids = {one.uplink.device_id for one in genuine}
    transaction.lock(device_ids)
    new = device_ids - known_state.devices
    known_state.statuses.update(transaction.statuses(new))
    opened = transaction.open_incidents_of(new)
    known_state.open.update(opened)
    known_state.incidents.update((incident.id, incident) for incident in opened.values())
    known_state.devices |= new

    keys: set[EventKey] = set()
    wanted: set[MarkKey] = set()
    calls: set[MarkKey] = set()
    for one in genuine:
        uplink, report = one.uplink, one.uplink.report
        device_id = uplink.device_id
        status = known_state.statuses.get(device_id)
        # Nothing is stored above the highest stored counter, nor does a stored frame name any PRESS there. A button
        # without a status may have one that cannot be read.
        highest = None if status is None else status.highest_counter
        if highest is None or uplink.counter <= highest:
            keys.add((device_id, uplink.counter))
        if report is None or uplink.kind not in CALLS:
            continue
        key = key_of(uplink.kind, uplink.counter, report)
        if key is None:
            continue
        mark = (device_id, key, report.test)
        calls.add(mark)
        if (highest is None or key <= highest) and mark not in known_state.marks:
            wanted.add(mark)
    known_state.events = {key: list(found) for key, found in transaction.events(keys).items()}
    known_state.marks.update(transaction.marks(wanted))
    numbers = {known_state.marks[mark].incident_id for mark in calls if mark in known_state.marks}
    for found in known_state.events.values():
        numbers.update(event.incident_id for event in found if event.incident_id is not None)
    known_state.incidents.update(transaction.incidents(numbers - known_state.incidents.keys()))
    transaction.expect_incidents(sum(1 for key in calls - known_state.marks.keys() if key[0] not in known_state.open))
    return known_state


def put_event(
    transaction: Transaction,
    known_state: BatchState,
    one: AuthenticFrame,
    digest: bytes,
    incident_id: int | None,
    answer: Stage,
) -> None:
    """Write a frame as evidence, and keep it in mind for the rest of the batch."""
    uplink, inbound = one.uplink, one.inbound
    signature = uplink.tag if uplink.suite is Suite.ES256 else None
    transaction.add_event(
        NewEvent(
            device_id=uplink.device_id,
            counter=uplink.counter,
            kind=uplink.kind,
            suite=uplink.suite,
            frame=inbound.raw,
            signature=signature,
            received_ms=inbound.received_ms,
            bearer=inbound.bearer,
            incident_id=incident_id,
            digest=digest,
            answer=answer,
        )
    )
    stored = StoredEvent(digest, inbound.raw, signature is not None, incident_id)
    known_state.events.setdefault((uplink.device_id, uplink.counter), []).append(stored)
