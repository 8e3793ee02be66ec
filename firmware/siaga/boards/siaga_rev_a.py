"""Siaga carrier, revision A: a LILYGO T-A7670 in the sockets of a board with all other parts of a button.

Each pin is the one that is wired by hand to a T-A7670 without a carrier (t_a7670_module.py); hardware/README.md tells
what hangs on it here. The light has a second colour, which tells the holder to telephone. It is on a strapping pin,
which must not be HIGH while the chip starts: an LED to ground, as devkits have it there, does not pull it up.
"""

from siaga.boards.t_a7670_module import TA7670Module  # first of all: it takes SUPPLY high

# isort: split
from siaga.boards.esp32 import once

SECOND_LED = 2


class SiagaRevA(TA7670Module):
    name = "siaga_rev_a"
    second_led = SECOND_LED


def boards() -> "Iterator[ChipBoard]":
    return once(SiagaRevA())


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga.boards.esp32 import ChipBoard
