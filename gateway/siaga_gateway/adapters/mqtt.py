"""The buttons' own broker, both ways: frames in with the acknowledgement after the commit, signed downlinks out.

Several workers share the buttons' frames out among them (MQTT 5, 4.8.2). A broker goes on giving a worker that is away
its share for as long as it keeps the session; so that time is short: enough for a start anew, no more. What is lost
with a session the buttons send again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from siaga_gateway.adapters.broker import BrokerLink, Brought
from siaga_gateway.adapters.broker import BrokerUnreachable as BrokerUnreachable
from siaga_gateway.config import MqttSettings
from siaga_gateway.service.inbound import FrameSink
from siaga_gateway.service.ports import Clock

UP: Final = "siaga/v1/up/"
DOWN: Final = "siaga/v1/down/"
SESSION_S: Final = 60  # of a worker among several


class MqttLink(BrokerLink):
    """`mode`: how what is sent is meant, for tools that must not press in earnest. `on_change` as BrokerLink has it.

    worker: this one's name among those that share the frames; none: it is the only one. share: their group, unless the
    settings name another."""

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
    ) -> None:
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
            status=f"siaga/v1/gateway/{gateway}/{'' if worker is None else worker + '/'}status",
            facts={} if mode is None else {f"siaga/v1/gateway/{gateway}/mode": mode},
            on_change=on_change,
        )
        self._start_timeout_s = settings.start_timeout_s

    def start(self, timeout_s: float | None = None) -> None:
        """Connect and subscribe. Raises BrokerUnreachable, without timeout_s after the settings' `start_timeout_s`."""
        super().start(self._start_timeout_s if timeout_s is None else timeout_s)

    def read(self, topic: str, body: bytes) -> Brought:
        """The broker's rules let a device publish under its own device_id only, so the topic says who sent it."""
        sender = topic[len(UP) :]
        return Brought(body, sender=sender, posed=sender != body[2:10].hex())

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Publish a downlink. Without a link it is dropped: the button asks again."""
        self.publish(DOWN + device_id.hex(), frame)
