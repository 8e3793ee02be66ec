"""The time of a simulated modem, whose seconds are longer or shorter than ours."""

from __future__ import annotations

import threading

from siaga_tools.silicon.a7670 import A7670
from waiting import ENDS_S


def let_pass(modem: A7670, seconds: float) -> None:
    """Wait for so many seconds of the modem's own, with all that it has to do in them."""
    over = threading.Event()
    modem.do(lambda: modem.later(seconds, over.set))
    assert over.wait(ENDS_S), f"{seconds:g} s of the modem's did not go by"
