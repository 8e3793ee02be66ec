"""LoRaWAN through a network server's MQTT integration: uplinks in, answers into the device's downlink queue.

The network server publishes with QoS 0 by default (ChirpStack: `qos=1` under [integration.mqtt]; The Things Stack knows
only 0). With QoS 0, whatever is published while the gateway is down is lost, and the button sends it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from siaga_gateway.adapters.mqtt.link import BrokerLink, ReceivedFrame
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.mqtt import LorawanSettings
from siaga_gateway.formats import chirpstack, things_stack
from siaga_gateway.formats.lorawan import PORT, NotAnUplink, Origin
from siaga_gateway.service.downlink.routes import ReplyReason
from siaga_gateway.service.inbound import FrameSink
from siaga_gateway.service.ports import Clock

BEARER: Final = "lorawan"
_FORMATS: Final = {"chirpstack": chirpstack, "things_stack": things_stack}
_REMINDED: Final = 1000  # one log line for the first skipped message, and then for every so many

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LorawanCounts:
    """Since the start."""

    frames: int = 0
    other_ports: int = 0  # other applications' uplinks, MAC commands
    unreadable: int = 0


class LorawanLink(BrokerLink):
    """One connection to the network server's broker; implements service.downlink.routes.ReplyBearer."""

    def __init__(
        self,
        settings: LorawanSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: FrameSink,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        """Requires that `settings.network` is not "off"."""
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
            on_flood=lambda topic, frames: log.error(Localized("log.lorawan.flood", topic=topic, frames=frames)),
        )
        self.counts = LorawanCounts()

    def read(self, topic: str, body: bytes) -> ReceivedFrame | None:
        counts = self.counts
        try:
            uplink = self._format.read_uplink(topic, body)
        except NotAnUplink as error:
            counts.unreadable += 1
            if counts.unreadable % _REMINDED == 1:
                log.warning(Localized("log.lorawan.unreadable", count=counts.unreadable, why=error))
            return None
        if uplink.port != PORT:
            counts.other_ports += 1
            if counts.other_ports % _REMINDED == 1:
                log.info(Localized("log.lorawan.other_ports", count=counts.other_ports, port=PORT))
            return None
        counts.frames += 1
        return ReceivedFrame(uplink.payload, uplink.origin)

    def send_to(self, origin: Hashable, frame: bytes, asked: ReplyReason = ReplyReason.NEW) -> None:
        """Queue a downlink for the device that sent the uplink; dropped while the link is down, as the button asks
        again."""
        if isinstance(origin, Origin):
            self.publish(*self._format.write_downlink(origin, frame))
