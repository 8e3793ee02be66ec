"""One unit that a desk has sent to an incident."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.value import record


class UnitProgress(StrEnum):
    COMING = "coming"
    THERE = "there"
    LEFT = "left"  # was there, and is stood down


@record
class UnitOnCall:
    """Stored within its incident: a new field goes to the end, with a default."""

    name: str
    eta_minutes: int | None  # as somebody estimated it at since_ms; None: nobody knows
    since_ms: int  # Unix ms
    progress: UnitProgress = UnitProgress.COMING
