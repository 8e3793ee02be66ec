"""Simulated silicon speaks over real ptys to the real firmware under real MicroPython."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import Mosquitto
from firmware.drivers.lorawan_bearer_process import Application
from siaga_tools.silicon.network_server import NetworkServer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """The port of one of its own: an application hears every frame of its broker."""
    with Mosquitto(tmp_path / "mosquitto", stores=False) as running:
        yield running.port


@pytest.fixture
def network(broker: int) -> Iterator[NetworkServer]:
    """A LoRaWAN network server."""
    with NetworkServer("127.0.0.1", broker) as server:
        yield server


@pytest.fixture
def application(broker: int, network: NetworkServer) -> Iterator[Application]:
    made = Application(broker, network)
    yield made
    made.close()
