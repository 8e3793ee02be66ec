"""LILYGO T-A7670, wired by hand to a button's parts: the reference board. Its pins are the module's
(t_a7670_module.py)."""

from siaga.boards.t_a7670_module import TA7670Module  # first of all: it takes SUPPLY high

# isort: split
from siaga.boards.esp32 import once


class TA7670(TA7670Module):
    name = "t_a7670"


def boards() -> "Iterator[ChipBoard]":
    return once(TA7670())


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga.boards.esp32 import ChipBoard
