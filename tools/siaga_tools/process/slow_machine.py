"""How long the demo and its virtual buttons wait for what has to come: as long as usual, or a multiple of that.

The usual deadlines suit a machine that people sit at. Where many programs share few cores, `SIAGA_PATIENCE` is how many
times longer it may take; nothing that comes in time is slower by it.
"""

from __future__ import annotations

import os
from typing import Final

from siaga_tools.messages import Trouble

SETTING: Final = "SIAGA_PATIENCE"
_MOST: Final = 1_000.0


def patient(seconds: float) -> float:
    """Return `seconds` times the patience that the environment asks for. Raises Trouble (`patience_wrong`)."""
    written = os.environ.get(SETTING, "1")
    try:
        times = float(written)
    except ValueError:
        times = 0.0
    if not 1 <= times <= _MOST:
        raise Trouble("patience_wrong", setting=SETTING, written=written, most=f"{_MOST:g}")
    return seconds * times
