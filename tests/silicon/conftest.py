"""Simulated silicon speaks over real ptys to the real firmware under real MicroPython."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from lorawan_talk import Application

from brokers import embedded_broker
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
