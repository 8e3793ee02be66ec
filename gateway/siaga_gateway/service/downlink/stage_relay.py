"""Tells buttons the stage of their incident on the routes that only this process knows: LoRaWAN and SMS, and MQTT
where each machine has a broker of its own.

An operator or a responder may act at any machine. That machine tells the button over MQTT; the radio network, the SMS
gateway or the broker that the button was heard on belong to one process, which follows the journal for it. Several
steps in a row are sent as one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame import Stage, encode_ack, eta_field
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.keyring import KeyRing, KnownDevice
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_KINDS: Final = frozenset(
    {
        journal.SEEN,
        journal.ASSIGNED,
        journal.STOOD_DOWN,
        journal.ON_SCENE,
        journal.CLOSED,
        journal.REOPENED,
        journal.DISPATCHED_BY_PERSON,
        journal.RESPONDER_SAID,
        journal.PROMISE_PASSED,
        journal.MADE_REAL,
    }
)
_IDLE_S: Final = 0.5  # poll interval, without a wake-up
_FAILING_S: Final = 1.0


def stage_frames(
    known: KnownDevice, incident: Incident, named: Collection[tuple[int, bytes]], now_s: int
) -> list[bytes]:
    """Return the acknowledgements that tell a button its incident's stage, one for each uplink named
    (`named_calls`)."""
    stage = stage_of(incident)
    eta = eta_field(incident.told_minutes if stage is Stage.ASSIGNED else None)
    key = known.key
    return [encode_ack(key.mac_down, key.device_id, counter, digest, now_s, stage, eta) for counter, digest in named]


class StageRelay:
    """Call `start`, `stop`, and `wake` when the journal may have grown. Thread-safe."""

    def __init__(self, store: Store, keyring: KeyRing, downlinks: Downlinks, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._downlinks = downlinks
        self._clock = clock
        self._last: int | None = None  # the last entry handled; None: steps before the start are not relayed
        self._woken = threading.Event()
        self._turns = PeriodicThread("stage-relay", self._turn, end_s=5)

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        self._woken.set()  # rather than wait for what may come
        self._turns.stop()

    def wake(self) -> None:
        self._woken.set()

    def _turn(self) -> float:
        self._woken.wait(_IDLE_S)
        self._woken.clear()
        try:
            self.tell()
        except StoreFailing as error:
            log.debug(Localized("log.journal.unreadable", why=error))
            return _FAILING_S
        return 0.0

    def tell(self) -> None:
        """Send what was journalled since the last call. Raises: StoreFailing; the next call then sends it."""
        until = self._store.last_journal_id()
        if self._last is None:
            self._last = until
        if until <= self._last:
            return
        moved = self._store.journal_of_kinds(_KINDS, self._last, until)
        incidents = {
            entry.incident_id: entry.device_id
            for entry in moved
            if entry.incident_id is not None
            and entry.device_id is not None
            and self._downlinks.knows_a_way(entry.device_id)
        }
        for incident_id, device_id in incidents.items():
            self._tell(incident_id, device_id)
        self._last = until

    def _tell(self, incident_id: int, device_id: bytes) -> None:
        with self._store.transaction() as transaction:
            incident = transaction.incidents([incident_id]).get(incident_id)
            named = transaction.named_calls(incident_id, incident is not None and incident.key_copied)
        known = self._keyring.look_up([device_id]).get(device_id)
        if incident is None or known is None:
            return
        for frame in stage_frames(known, incident, named, self._clock.now_ms() // 1000):
            self._downlinks.send_by_ways(device_id, frame)
