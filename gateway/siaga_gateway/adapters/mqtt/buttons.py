"""The buttons' own broker, both ways: frames in, acknowledged after the commit; signed downlinks out.

Several workers share the buttons' frames by a shared subscription (MQTT 5, 4.8.2). A broker keeps assigning frames to
an absent worker for as long as it keeps the session; so that is short: just enough for a restart. What is lost with a
session, the buttons send again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from siaga_gateway.adapters.mqtt.broker_probe import BackgroundProbe, BrokerLimits
from siaga_gateway.adapters.mqtt.link import BrokerUnreachable as BrokerUnreachable
from siaga_gateway.adapters.mqtt.link import ReceivedFrame
from siaga_gateway.adapters.mqtt.self_checking_link import SelfCheckingLink
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.mqtt import MqttSettings
from siaga_gateway.domain.frame import device_id_of
from siaga_gateway.service.inbound import FrameSink
from siaga_gateway.service.ports import Clock

log = logging.getLogger(__name__)

UP: Final = "siaga/v1/up/"
DOWN: Final = "siaga/v1/down/"
SESSION_S: Final = 60  # session expiry for one of several workers


class MqttLink(SelfCheckingLink):
    """The buttons' link.

    mode: the mode sent with everything, for tools that must not press in earnest. on_change: as for BrokerLink.
    on_no_echo: as for the self-checking link. on_flood: called with the flooding login and the number of frames dropped
    lately. on_crowd, ours: see service/ingest/flood_protection.py. worker: this one's name among those that share the
    frames; None: it is the only one. share: their group, unless the settings name another.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: FrameSink,
        mode: str | None = None,
        worker: str | None = None,
        share: str = "siaga",
        on_change: Callable[[bool, str], None] = lambda up, why: None,
        on_flood: Callable[[str, int], None] = lambda login, frames: None,
        on_crowd: Callable[[int], None] = lambda frames: None,
        ours: Callable[[str], bool] = lambda login: True,
        on_no_echo: Callable[[], bool] = lambda: True,
    ) -> None:
        self._own_topics = f"siaga/v1/gateway/{gateway}/"
        mine = self._own_topics if worker is None else f"{self._own_topics}{worker}/"
        super().__init__(
            settings,
            section="mqtt",
            bearer="mqtt",
            client_id=f"siaga-gateway-{gateway}" if worker is None else f"siaga-gateway-{gateway}-{worker}",
            topics=[f"{UP}+" if worker is None else f"$share/{settings.share or share}/{UP}+"],
            session_s=None if worker is None else SESSION_S,
            clock=clock,
            sink=sink,
            retained=settings.retained_status,
            status=f"{mine}status",
            facts={} if mode is None else {f"{self._own_topics}mode": mode},
            echo=f"{mine}echo",
            on_no_echo=on_no_echo,
            on_change=on_change,
            on_flood=lambda topic, frames: on_flood(topic.removeprefix(UP), frames),
            on_crowd=on_crowd,
            ours=lambda topic: ours(topic.removeprefix(UP)),
        )
        self._start_timeout_s = settings.start_timeout_s
        self._probe: BackgroundProbe | None = None

    def start(self, timeout_s: float | None = None, given_up: Callable[[], bool] = lambda: False) -> None:
        """Connect and subscribe, or return once `given_up`.

        timeout_s: None: the settings' `start_timeout_s`. Raises: BrokerUnreachable after the timeout.
        """
        super().start(self._start_timeout_s if timeout_s is None else timeout_s, given_up)

    def try_broker(self, told: Callable[[BrokerLimits], None]) -> None:
        """Probe the broker in a thread of its own and log its limitations. told: called with the result."""

        def look(found: BrokerLimits) -> None:
            if not found.sessions:
                log.error(Localized("log.broker.no_sessions", where=self._where))
            if found.narrow:
                log.error(Localized("log.broker.narrow", where=self._where, messages=found.in_flight))
            if found.narrow or not found.sessions:
                told(found)

        self._probe = BackgroundProbe(self._settings, f"{self._client_id}-probe", f"{self._own_topics}probe", look)

    def end_probe(self) -> None:
        """Give up the probe, if one is running."""
        if self._probe is not None:
            self._probe.end()

    def read(self, topic: str, body: bytes) -> ReceivedFrame | None:
        """The broker lets a device publish only under its own device_id, so the topic names the sender."""
        if not topic.startswith(UP):
            return None  # our own echo
        sender = topic[len(UP) :]
        return ReceivedFrame(body, sender=sender, posed=sender != device_id_of(body).hex())

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Publish a downlink; dropped while the link is down, as the button asks again."""
        self.publish(DOWN + device_id.hex(), frame)
