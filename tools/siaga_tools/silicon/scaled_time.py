"""Waits of documented length at a scale that may change meanwhile: a wait follows a change within _SLICE_S."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_SLICE_S: Final = 0.1  # real seconds


async def sleep(seconds: float, pace: Callable[[], float]) -> None:
    """Sleep. seconds: as documented. pace: returns real seconds per documented second."""
    while seconds > 0:
        now = pace()
        part = min(seconds, _SLICE_S / now)
        await asyncio.sleep(part * now)
        seconds -= part


def call_later(seconds: float, pace: Callable[[], float], what: Callable[[], None]) -> None:
    """Call a function after a documented time, in the running loop."""
    if seconds <= 0:
        what()
        return
    now = pace()
    part = min(seconds, _SLICE_S / now)
    asyncio.get_running_loop().call_later(part * now, call_later, seconds - part, pace, what)
