"""Metrics of positions from OwnTracks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

OUTCOMES: Final = (
    "taken",
    "nothing_new",
    "off_duty",
    "old",
    "coarse",
    "impossible",
    "gone",
    "passed",
    "refused",
    "unauthorised",
    "again",
)


def owntracks_exposition(counts: Mapping[str, int]) -> Callable[[], bytes]:
    """Return a function that returns Prometheus's text format. counts: by outcome."""
    registry = CollectorRegistry()
    registry.register(_Owntracks(counts))
    return lambda: generate_latest(registry)


class _Owntracks(Collector):
    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "siaga_owntracks_messages", "Messages of responders' phones by what became of them.", labels=("outcome",)
        )
        for outcome in OUTCOMES:
            family.add_metric((outcome,), self._counts.get(outcome, 0))
        yield family
