"""Every method that a board has, for tests that break or hang one after the other."""

from __future__ import annotations

import inspect

from siaga.app.board import Board
from siaga.drivers.board_parts import Network
from siaga.drivers.clock import Rtc
from siaga.drivers.indicator import Lamp

WAITED = {"connect", "resolve"}  # a bearer deals with what these raise, and tries again


def methods() -> list[str]:
    found = []
    for prefix, form in (("", Board), ("rtc.", Rtc), ("lamp.", Lamp), ("network.", Network)):
        found += [prefix + name for name, _ in inspect.getmembers(form, inspect.isfunction) if name[0] != "_"]
    return [name for name in found if name.rpartition(".")[2] not in WAITED]
