"""The button's own tests: real MicroPython, real littlefs in a file, real brokers on loopback.

The pure core is also imported by CPython here, so that Hypothesis can look for counterexamples. Under pytest the name
`micropython` is the suite's own helper, which lacks the one thing that the firmware imports from its namesake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import micropython
from brokers import Mosquitto, embedded_broker
from firmware.button_process import VirtualButton
from firmware.small_gateway import SmallGateway

sys.path.append(str(micropython.FIRMWARE))


@pytest.fixture(scope="session")
def broker() -> Iterator[int]:
    """The port of the demo's embedded broker; every test brings devices of its own."""
    with embedded_broker() as port:
        yield port


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def gateway(broker: int) -> Iterator[SmallGateway]:
    """A gateway on the embedded broker that acknowledges whatever verifies."""
    with SmallGateway(broker) as running:
        yield running


ButtonMaker = Callable[..., VirtualButton]


@pytest.fixture
def button(tmp_path: Path) -> Iterator[ButtonMaker]:
    """Makes virtual buttons, and ends them after the test."""
    made: list[VirtualButton] = []

    def make(name: str = "button", **settings: object) -> VirtualButton:
        made.append(VirtualButton(tmp_path / name, settings))
        return made[-1]

    yield make
    for each in made:
        each.kill()
