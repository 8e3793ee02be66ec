"""Documented times at a pace that may change while they run: a wait goes on at the new one within _SLICE_S."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_SLICE_S: Final = 0.1  # real seconds


async def sleep(seconds: float, pace: Callable[[], float]) -> None:
    """seconds: as documented; pace: real seconds that one of them takes."""
    while seconds > 0:
        now = pace()
        part = min(seconds, _SLICE_S / now)
        await asyncio.sleep(part * now)
        seconds -= part


def call_later(seconds: float, pace: Callable[[], float], what: Callable[[], None]) -> None:
    """The same for a call, in the running loop."""
    if seconds <= 0:
        what()
        return
    now = pace()
    part = min(seconds, _SLICE_S / now)
    asyncio.get_running_loop().call_later(part * now, call_later, seconds - part, pace, what)
