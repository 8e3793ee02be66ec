"""LoRaWAN by way of a network server's MQTT integration: uplinks in, answers into the device's downlink queue.

The network server publishes with QoS 0 unless it is told otherwise (ChirpStack: `qos=1` under [integration.mqtt]; The
Things Stack knows only 0). Then what comes while the gateway is away is gone, and the button sends it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.adapters.broker import BrokerLink, Brought
from siaga_gateway.config import LorawanSettings
from siaga_gateway.formats import chirpstack, things_stack
from siaga_gateway.formats.lorawan import PORT, NotAnUplink, Origin
from siaga_gateway.service.inbound import FrameSink
from siaga_gateway.service.ports import Clock

BEARER: Final = "lorawan"
_FORMATS: Final = {"chirpstack": chirpstack, "things_stack": things_stack}
_REMINDED: Final = 1000  # one line in the log for the first, and then for every so many, of what is passed over

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LorawanCounts:
    """Since the start."""

    frames: int = 0
    other_ports: int = 0  # other applications' uplinks, MAC commands
    unreadable: int = 0


class LorawanLink(BrokerLink):
    """One connection to the broker of the network server; service.downlinks.ReplyBearer."""

    def __init__(
        self,
        settings: LorawanSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: FrameSink,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        """`settings.network` is not "off"."""
        self._format = _FORMATS[settings.network]
        super().__init__(
            settings,
            section="lorawan",
            bearer=BEARER,
            client_id=f"siaga-lorawan-{gateway}",
            topics=[self._format.UPLINKS],
            clock=clock,
            sink=sink,
            on_change=on_change,
        )
        self.counts = LorawanCounts()

    def read(self, topic: str, body: bytes) -> Brought | None:
        counts = self.counts
        try:
            uplink = self._format.read_uplink(topic, body)
        except NotAnUplink as error:
            counts.unreadable += 1
            if counts.unreadable % _REMINDED == 1:
                log.warning("%d messages of the network server cannot be read; the last: %s", counts.unreadable, error)
            return None
        if uplink.port != PORT:
            counts.other_ports += 1
            if counts.other_ports % _REMINDED == 1:
                log.info("%d uplinks on other ports than %d passed over", counts.other_ports, PORT)
            return None
        counts.frames += 1
        return Brought(uplink.payload, uplink.origin)

    def send_to(self, origin: Hashable, frame: bytes) -> None:
        """Into the queue of the device whose uplink it was; without a link it is dropped: the button asks again."""
        if isinstance(origin, Origin):
            self.publish(*self._format.write_downlink(origin, frame))
