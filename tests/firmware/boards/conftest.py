"""The real board files on the simulated chip, under real MicroPython."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from brokers import Mosquitto
from firmware.boards.bare_chip import BareChip
from firmware.small_gateway import SmallGateway
from micropython import FIRMWARE, flash_image, micropython
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.button import ButtonParts, SimulatedButton
from siaga_tools.simulate.flash_image import Installer


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Callable[..., BareChip]]:
    """bare(board, program): that board's chip, switched on with a program of the test's own as its /main.py."""
    with ExitStack() as chips:

        def start(board: str, program: str, *, every_board: bool = False, **more: Any) -> BareChip:
            image = tmp_path / f"{board}.img"
            shutil.copy(flash_image(board, apart=() if every_board else (board,)), image)
            main = tmp_path / "main.py"
            main.write_text(program, encoding="utf-8")
            Installer(micropython(), FIRMWARE, tmp_path).copy(image, {main: "/main.py"})
            return chips.enter_context(BareChip(image, BOARDS[board], **more))

        yield start


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


@pytest.fixture
def gateway(broker: Mosquitto) -> Iterator[SmallGateway]:
    with SmallGateway(broker.port) as running:
        yield running


@pytest.fixture
def button(tmp_path: Path, broker: Mosquitto, gateway: SmallGateway) -> Iterator[Callable[..., SimulatedButton]]:
    """button(board, settings): a whole one in reach of the broker, without power yet."""
    with ExitStack() as buttons:

        def make(
            board: str = "t_a7670",
            *,
            speed: float = 8,
            lorawan: Any = None,
            sleep_ppm: int = -5000,
            **settings: Any,
        ) -> SimulatedButton:
            folder = tmp_path / board
            folder.mkdir()
            shutil.copy(flash_image(board), folder / "flash.img")
            reach = {
                "mqtt_hosts": ["127.0.0.1"],
                "mqtt_port": broker.port,
                "mqtt_tls": False,
                "gateway_key": gateway.public_hex,
                "language": "en",
            }
            wanted = {name: value for name, value in {**reach, **settings}.items() if value is not None}
            parts = ButtonParts(folder, micropython(), FIRMWARE, board, wanted, lorawan=lorawan, sleep_ppm=sleep_ppm)
            return buttons.enter_context(SimulatedButton(parts, speed=speed))

        yield make
