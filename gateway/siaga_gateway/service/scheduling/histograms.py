"""Metrics that cost almost nothing on the path of a press: read on demand, never kept for each device."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

# Seconds. A press must reach the console within 150 ms; a dead receiver is retried within a minute.
BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Durations:
    """A histogram of durations. One thread adds, any may read; a reader may see the last addition in part."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Add a duration, `times` times. A negative one (the clock was set back) counts as 0."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, seconds)] += times
        self._seconds += seconds * times

    @property
    def seconds(self) -> float:
        """Return the sum."""
        return self._seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return (bound, number of durations up to it) for each bound, the last one infinite."""
        so_far, found = 0, []
        for bound, count in zip((*BOUNDS, float("inf")), list(self._counts), strict=True):
            so_far += count
            found.append((bound, so_far))
        return found


class StageTimes:
    """How long frames spend in each stage of ingest."""

    STAGES: Final = ("waited", "verified", "committed", "acknowledged")

    def __init__(self) -> None:
        self.stages = {stage: Durations() for stage in self.STAGES}
        self.whole = Durations()  # from arrival in this process to the acknowledgement

    def batch(self, waited_s: list[float], verified_s: float, committed_s: float, acknowledged_s: float) -> None:
        """Add a batch. waited_s: for each frame, from its arrival until its batch began."""
        frames, after = len(waited_s), verified_s + committed_s + acknowledged_s
        for waited, times in Counter(waited_s).items():  # many arrived together
            self.stages["waited"].add(waited, times)
            self.whole.add(waited + after, times)
        for stage, seconds in zip(self.STAGES[1:], (verified_s, committed_s, acknowledged_s), strict=True):
            self.stages[stage].add(seconds, frames)


@dataclass(slots=True)
class Counts:
    """What became of frames, since the start."""

    frames: int = 0
    stored: int = 0
    duplicates: int = 0
    malformed: int = 0
    unknown: int = 0
    forged: int = 0
    contradictions: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # by reason: frame.Reason, `unknown`, `forged`
