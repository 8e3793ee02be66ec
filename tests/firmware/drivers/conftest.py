"""Simulated silicon speaks over real ptys to the real firmware under real MicroPython."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brokers import embedded_broker
from firmware.drivers.lorawan_bearer_process import Application
from siaga_tools.silicon.network_server import NetworkServer


@pytest.fixture(scope="module")
def broker() -> Iterator[int]:
    with embedded_broker() as port:
        yield port


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
