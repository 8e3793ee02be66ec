"""How to reach the brokers: that of the buttons, and that of a LoRaWAN network server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from siaga_gateway.config.section import Port, Section


class BrokerSettings(Section):
    """How to reach a broker."""

    host: str = Field("127.0.0.1", min_length=1)
    port: Port = 1883
    tls: bool = False
    ca: Path | None = None
    user: str | None = None
    password: SecretStr | None = None
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=64,
    )
    keepalive_s: int = Field(15, ge=5, le=600)


class MqttSettings(BrokerSettings):
    """The broker that the buttons publish to."""

    share: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
    )
    start_timeout_s: float = Field(10, ge=1, le=600)
    retained_status: bool | None = None
    own_broker: bool = False


class LorawanSettings(BrokerSettings):
    """The broker of a LoRaWAN network server."""

    network: Literal["off", "chirpstack", "things_stack"] = "off"
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=64,
    )
