"""The buttons' own broker, both ways: frames in with the acknowledgement after the commit, signed downlinks out."""

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


class MqttLink(BrokerLink):
    """`mode`: how what is sent is meant, for tools that must not press in earnest. `on_change` as BrokerLink has it."""

    def __init__(
        self,
        settings: MqttSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: FrameSink,
        mode: str | None = None,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        super().__init__(
            settings,
            section="mqtt",
            bearer="mqtt",
            client_id=f"siaga-gateway-{gateway}",
            topics=[f"{UP}+"],
            clock=clock,
            sink=sink,
            status=f"siaga/v1/gateway/{gateway}/status",
            retained=settings.retained_status,
            facts={} if mode is None else {f"siaga/v1/gateway/{gateway}/mode": mode},
            on_change=on_change,
        )
        self._start_timeout_s = settings.start_timeout_s

    def start(self, timeout_s: float | None = None) -> None:
        """Connect and subscribe. Raises BrokerUnreachable, without timeout_s after the settings' `start_timeout_s`."""
        super().start(self._start_timeout_s if timeout_s is None else timeout_s)

    def read(self, topic: str, body: bytes) -> Brought:
        return Brought(bytes(body))

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Publish a downlink. Without a link it is dropped: the button asks again."""
        self.publish(DOWN + device_id.hex(), frame)
