"""Outputs to a broker on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from siaga_gateway.adapters.outputs.mqtt_publisher import MqttOutput
from siaga_gateway.adapters.outputs.mqtt_session import Login
from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.formats.mqtt_topics import Topics

TOPICS = Topics("siaga/out/polda", True, 3_600, None, "en")


def publisher(
    port: int, topics: Topics = TOPICS, *, broker: dict[str, Any] | None = None, **settings: Any
) -> MqttOutput:
    reached: dict[str, Any] = {"host": "127.0.0.1", "port": port, **(broker or {})}
    login = Login(BrokerSettings(**reached), "outputs.cad", "siaga-out")
    return MqttOutput("cad", login, topics, **{"receives_tests": True, "language": "en", **settings})


def acl(folder: Path, *rights: str) -> list[str]:
    """Lines of Mosquitto's settings that give everybody these rights alone."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "acl"
    file.write_text("\n".join(f"topic {right}" for right in rights) + "\n")
    file.chmod(0o600)
    return [f"acl_file {file}"]
