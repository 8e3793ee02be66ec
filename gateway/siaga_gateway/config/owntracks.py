"""The settings of positions from the OwnTracks apps of responders."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.config.section import Section


class OwntracksMqttSettings(BrokerSettings):
    """The broker at which the apps publish, in their mode MQTT."""

    enabled: bool = False
    client_id: str | None = Field(None, min_length=1, max_length=64)


class OwntracksSettings(Section):
    """Where the apps post, in their mode HTTP."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int | None = Field(None, ge=0, le=65_535)
    path: str = Field("/owntracks", pattern=r"^/[!-~]*$")
    mqtt: OwntracksMqttSettings = Field(
        default_factory=OwntracksMqttSettings, description="The broker at which the apps publish."
    )

    def under(self, base: Path) -> OwntracksSettings:
        """Return the same with absolute paths, resolved against `base`."""
        mqtt = self.mqtt.model_copy(update={"ca": self.mqtt.ca and base / self.mqtt.ca})
        return self.model_copy(update={"mqtt": mqtt})
