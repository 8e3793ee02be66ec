"""Real board files on the simulated chip: Wi-Fi that comes, goes, and whose driver fails."""

from __future__ import annotations

import pytest

from firmware.boards.bare_chip import BareChip
from firmware.boards.board_programs import Bare, program

pytestmark = pytest.mark.side_by_side(4)


def wifi(bare: Bare, before: str = "") -> BareChip:
    """A chip that connects again and again, and tells how that went."""
    return bare(
        "t_a7670",
        before
        + "import asyncio\nfrom siaga.app.settings import Settings\nfrom siaga.core.errors import SiagaError\n"
        + program(
            "wanted = Settings()",
            "wanted.wifi_ssid = 'kantor polisi'",
            "board.use(wanted)",
            "print('noise', machine.unique_id() in board.noise())",
            "while True:",
            "    try:",
            "        asyncio.run(board.network.connect())",
            "        print('up', board.network.is_up(), board.network.signal())",
            "        while board.network.is_up(): time.sleep(1)",
            "    except (SiagaError, OSError) as error:",
            "        print('down', board.network.is_up(), board.network.signal(), error)",
            "    time.sleep(1)",
        ),
        speed=10,
    )


def test_a_wifi_driver_that_cannot_even_be_made_stops_no_start(bare: Bare):
    """It is made as it is needed: a board whose Wi-Fi does not begin still has its hand, its modem and its lamp."""
    sick = """
import network
failures = [4]
class Sick(network.WLAN):
    def __init__(self, interface=0):
        if failures[0]:
            failures[0] -= 1
            raise OSError("Wifi Internal Error")
        super().__init__(interface)
network.WLAN = Sick
"""
    chip = wifi(bare, sick)
    assert chip.line("noise") == "True"
    assert chip.line("down") == "False -128 Wifi Internal Error"
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"


def test_wifi_comes_and_goes(bare: Bare):
    chip = wifi(bare)
    assert chip.line("noise") == "True"
    assert chip.line("down") == "False -128 Wi-Fi kantor polisi tidak tersambung dalam 15000 md (status 201)"
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"
    chip.chip.access_point("")
    downs = len([line for line in chip.said if line.startswith("down")])
    chip.line("down", downs + 1)


def test_a_wifi_driver_that_raised_or_hangs_is_brought_back(bare: Bare):
    """The kind: clean-up only on the expected way out. Left connecting, the driver refuses every later connect()."""
    chip = wifi(bare)
    chip.line("down")
    chip.chip.wifi_fault("raises")
    chip.until(lambda: "down False -128 Wifi Internal Error" in chip.said, "a driver that raises")
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up") == "True -61"
    chip.chip.wifi_fault("hangs")
    chip.chip.access_point("")
    downs = len([line for line in chip.said if line.startswith("down")])
    chip.line("down", downs + 1)
    chip.chip.access_point("kantor polisi", -61)
    assert chip.line("up", 2) == "True -61"
