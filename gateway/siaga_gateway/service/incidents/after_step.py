"""What follows the commit of a step on an incident: readers are woken, and its button is told the stage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.downlink.stage_relay import stage_frames
from siaga_gateway.service.ports import AcknowledgementSender, Notifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)


class AfterStep:
    """Thread-safe."""

    def __init__(
        self, keyring: KeyRing, sender: AcknowledgementSender, notifier: Notifier, committed: Callable[[], None]
    ) -> None:
        """committed: called when outbox and journal may have grown."""
        self._keyring = keyring
        self._sender = sender
        self._notifier = notifier
        self._committed = committed

    def wake(self) -> None:
        self._notifier.ring()
        self._committed()

    def tell(self, incident: Incident, named: Collection[tuple[int, bytes]], now_ms: int) -> None:
        """Wake readers, and tell the button.

        named: the uplinks that its acknowledgements answer, see `named_calls`.
        """
        self.wake()
        try:
            known = self._keyring.look_up([incident.device_id]).get(incident.device_id)
        except StoreFailing as error:
            # The step is committed; the button hears of it with its next frame or repetition.
            log.error(Localized("log.operate.not_told", incident=incident.id, why=error))
            return
        if known is None:
            return
        for frame in stage_frames(known, incident, named, now_ms // 1000):
            self._sender.send(incident.device_id, frame)
