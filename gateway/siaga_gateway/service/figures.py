"""Figures that cost next to nothing where presses are taken: read when somebody asks, never kept per device."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

# Seconds. A press to the console is promised within 150 ms; a dead receiver is tried again within a minute.
BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Durations:
    """How often something took how long. One thread adds, any may read; a reader may see the last addition in part."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """times: for so many at once, each of which took so long. A clock that was set back counts as no time."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, seconds)] += times
        self._seconds += seconds * times

    @property
    def seconds(self) -> float:
        """All together."""
        return self._seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """(bound, how many took no longer) for each bound, the last one infinite."""
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
        self.whole = Durations()  # from its arrival in this process to the acknowledgement

    def batch(self, waited_s: list[float], verified_s: float, committed_s: float, acknowledged_s: float) -> None:
        """waited_s: of each frame, from its arrival until its batch was begun."""
        frames, after = len(waited_s), verified_s + committed_s + acknowledged_s
        for waited, times in Counter(waited_s).items():  # many came together
            self.stages["waited"].add(waited, times)
            self.whole.add(waited + after, times)
        for stage, seconds in zip(self.STAGES[1:], (verified_s, committed_s, acknowledged_s), strict=True):
            self.stages[stage].add(seconds, frames)
