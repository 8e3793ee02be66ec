"""What became of the frames: counts, latencies and a line a second. Pure."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from siaga_gateway.domain.frame import Kind

PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


def percentiles(latencies: Sequence[float]) -> list[float]:
    """Return the nearest rank for each of PERCENTILES; empty for none."""
    ordered = sorted(latencies)
    last = len(ordered) - 1
    return [ordered[min(last, max(0, -int(-len(ordered) * p // 100) - 1))] for p in PERCENTILES] if ordered else []


@dataclass(slots=True)
class KindResults:
    """Results of one kind of frame."""

    sent: int = 0  # frames, however often
    resent: int = 0  # repeats of them
    acknowledged: int = 0
    refused: int = 0  # of these with stage 7: the registration is not active
    again: int = 0  # answers to frames already answered
    latencies: array[float] = field(default_factory=lambda: array("f"))  # seconds since first sent


@dataclass(slots=True)
class Second:
    """One second of the run."""

    sent: int = 0
    resent: int = 0
    latencies: array[float] = field(default_factory=lambda: array("f"))  # of what was acknowledged in it


class Results:
    """The results. Times are seconds since the start of the run."""

    def __init__(self) -> None:
        self.classes: defaultdict[Kind, KindResults] = defaultdict(KindResults)
        self.seconds: defaultdict[int, Second] = defaultdict(Second)
        self.late = array("f")  # how much later than planned frames were sent: the tool's own fault
        self.forged = 0  # answers that fail verification with the gateway's key
        self.stale = 0  # answers to frames of an earlier run
        self.later_stages = 0  # seen, assigned, ...: sent to the device after its answer
        self.longest_silence_s = 0.0  # while something awaited an answer
        self._waiting = 0
        self._quiet_since = 0.0

    @property
    def waiting(self) -> int:
        return self._waiting

    def sent(self, kind: Kind, now_s: float, late_s: float) -> None:
        self.classes[kind].sent += 1
        self.seconds[int(now_s)].sent += 1
        self.late.append(late_s)
        if not self._waiting:
            self._quiet_since = now_s
        self._waiting += 1

    def resent(self, kind: Kind, now_s: float) -> None:
        self.classes[kind].resent += 1
        self.seconds[int(now_s)].resent += 1

    def acknowledged(self, kind: Kind, now_s: float, latency_s: float, *, refused: bool) -> None:
        one = self.classes[kind]
        one.acknowledged += 1
        one.refused += refused
        one.latencies.append(latency_s)
        self.seconds[int(now_s)].latencies.append(latency_s)
        self._waiting -= 1
        self.quiet_until(now_s)
        self._quiet_since = now_s

    def quiet_until(self, now_s: float) -> None:
        """Note that nothing was answered up to now."""
        self.longest_silence_s = max(self.longest_silence_s, now_s - self._quiet_since)

    def facts(self) -> dict[str, Any]:
        """Return the JSON form; milliseconds."""
        last = max(self.seconds, default=-1)
        return {
            "classes": {kind.name.lower(): _class(one) for kind, one in sorted(self.classes.items())},
            "forged_answers": self.forged,
            "stale_answers": self.stale,
            "later_stages": self.later_stages,
            "longest_silence_s": round(self.longest_silence_s, 1),
            "tool_late_ms": _ms(self.late),
            "seconds": [_second(second, self.seconds[second]) for second in range(last + 1)],
        }


def _class(one: KindResults) -> dict[str, Any]:
    return {
        "sent": one.sent,
        "resent": one.resent,
        "acknowledged": one.acknowledged,
        "lost": one.sent - one.acknowledged,
        "refused": one.refused,
        "answered_again": one.again,
        "latency_ms": _ms(one.latencies),
    }


def _second(number: int, one: Second) -> dict[str, Any]:
    found = percentiles(one.latencies)
    return {
        "second": number,
        "sent": one.sent,
        "resent": one.resent,
        "acknowledged": len(one.latencies),
        "p50_ms": _round(found[0]) if found else None,
        "p99_ms": _round(found[2]) if found else None,
    }


def _ms(latencies: Sequence[float]) -> dict[str, float]:
    names = [f"p{p:g}" if p < 100 else "max" for p in PERCENTILES]
    return dict(zip(names, map(_round, percentiles(latencies)), strict=False))


def _round(seconds: float) -> float:
    return round(seconds * 1000, 2)
