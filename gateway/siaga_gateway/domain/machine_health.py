"""What is wrong with the machine that the gateway runs on, before it costs a press. Pure: time is an argument, ms."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from siaga_gateway.domain.value import record

LEAST_MB: Final = 256  # a week of presses, and the room that SQLite needs to tidy up
SPARE_MB: Final = 2_048
FREE_MS: Final = 10 * 60_000  # a clock that nobody sets for so long; after a start it takes a while


class MachineFault(StrEnum):
    """From least to worst."""

    DISK_LOW = "disk_low"  # there is room yet
    CLOCK_FREE = "clock_free"  # it follows no other clock
    DISK_FULL = "disk_full"  # soon no press can be stored


# What an operator on shift must know of; the others are for the maintenance page.
URGENT: Final = frozenset({MachineFault.CLOCK_FREE, MachineFault.DISK_FULL})


@record
class MachineState:
    """What was found at one look; None: nobody can say."""

    free_mb: int | None  # on the disk of the store
    follows: bool | None  # whether the clock follows another


def faults(state: MachineState, free_since_ms: int | None, now_ms: int) -> tuple[MachineFault, ...]:
    """free_since_ms: since when the clock follows nobody; None: it does, or nobody can say."""
    found = list[MachineFault]()
    if state.free_mb is not None and state.free_mb < SPARE_MB:
        found.append(MachineFault.DISK_FULL if state.free_mb < LEAST_MB else MachineFault.DISK_LOW)
    # A clock that was set back says nothing of how long.
    if free_since_ms is not None and not 0 <= now_ms - free_since_ms < FREE_MS:
        found.append(MachineFault.CLOCK_FREE)
    return tuple(found)
