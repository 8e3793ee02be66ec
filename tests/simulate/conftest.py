"""The real board files on the simulated chip, under real MicroPython."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "firmware", HERE.parent.parent / "firmware"):
    sys.path.append(str(folder))

from bare_chip import BareChip  # noqa: E402
from small_gateway import SmallGateway  # noqa: E402

from brokers import Mosquitto  # noqa: E402
from micropython import FIRMWARE, micropython  # noqa: E402
from siaga_tools.bundle_build import factory_bundle  # noqa: E402
from siaga_tools.simulate.button import ButtonParts, SimulatedButton  # noqa: E402
from siaga_tools.simulate.image import Installer  # noqa: E402
from siaga_tools.simulate.wiring import BOARDS  # noqa: E402


class Images:
    """Flash images with the firmware on them, never started; each is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, board: str) -> Path:
        """As `siaga device files` makes it."""
        image = self._folder / f"{board}.img"
        if not image.exists():
            Installer(micropython(), FIRMWARE, self._folder).make(image, board)
        return image

    def factory(self, board: str) -> bytes:
        """The firmware's file in it."""
        return factory_bundle(FIRMWARE, board)

    def bare(self, board: str, every_board: bool) -> Path:
        """For a program of a test's own: each file is there by itself."""
        image = self._folder / f"bare-{board}-{every_board}.img"
        if not image.exists():
            Installer(micropython(), FIRMWARE, self._folder).make(image, board, apart=() if every_board else (board,))
        return image


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture
def bare(images: Images, tmp_path: Path) -> Iterator[Callable[..., BareChip]]:
    """bare(board, program): that board's chip, switched on with a program of the test's own as its /main.py."""
    with ExitStack() as chips:

        def start(board: str, program: str, *, every_board: bool = False, **more: Any) -> BareChip:
            image = tmp_path / f"{board}.img"
            shutil.copy(images.bare(board, every_board), image)
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
def button(
    images: Images, tmp_path: Path, broker: Mosquitto, gateway: SmallGateway
) -> Iterator[Callable[..., SimulatedButton]]:
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
            shutil.copy(images.of(board), folder / "flash.img")
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
