"""What an eye has of a blinking light in a few seconds, nothing of which it has to count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GRID_MS = 10
WINDOW_MS = 4000
# Signals at rest spare the battery and blink every ten seconds.
REST_MS = 12000
AT_REST = ("armed", "low_battery")
TIMES = 2.25  # so much longer or faster is seen without a watch
SHARE = 0.4
FLASH_MS = 100  # shorter ones all look alike


@dataclass(frozen=True)
class Look:
    """Of one window: share of the time lit, longest run lit and dark in ms, how often it changed."""

    lit: float
    on_ms: int
    off_ms: int
    changes: int

    def differs(self, other: Look) -> bool:
        return (
            (self.on_ms == 0) != (other.on_ms == 0)
            or abs(self.lit - other.lit) >= SHARE
            or _apart(self.on_ms, other.on_ms, FLASH_MS)
            or _apart(self.off_ms, other.off_ms, FLASH_MS)
            or _apart(self.changes, other.changes, 1)
        )


def _apart(one: int, other: int, least: int) -> bool:
    low, high = sorted((max(one, least), max(other, least)))
    return high >= TIMES * low


def looks(steps: Sequence[tuple[bool, int]], window_ms: int) -> set[Look]:
    """All that may be seen of (lit, milliseconds) repeated for ever, whenever somebody begins to look."""
    lit = [on for on, ms in steps for _ in range(ms // GRID_MS)]
    size = window_ms // GRID_MS
    period = next(n for n in range(1, len(lit) + 1) if len(lit) % n == 0 and lit[n:] == lit[:-n])
    endless = lit[:period] * (size // period + 2)
    return {look(endless[phase : phase + size]) for phase in range(period)}


def look(window: Sequence[bool]) -> Look:
    """Of what is lit, a value for every GRID_MS."""
    longest = {True: 0, False: 0}
    run, changes = 0, 0
    for number, on in enumerate(window):
        if number and on != window[number - 1]:
            run, changes = 0, changes + 1
        run += 1
        longest[on] = max(longest[on], run)
    return Look(sum(window) / len(window), longest[True] * GRID_MS, longest[False] * GRID_MS, changes)
