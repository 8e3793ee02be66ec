"""The gateway's metrics in Prometheus's text format. Nothing is counted here: each scrape reads others' counts.

No label names a device, an owner or an incident: anyone who monitors machines may see the metrics.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from siaga_gateway.adapters.sms.metrics import spool_figures
from siaga_gateway.adapters.sms.spool import SpoolCounts
from siaga_gateway.domain.certificate_expiry import CertificateStanding, State
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.ingest.worker import Ingest
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.gateway_health import CachedTally, Health
from siaga_gateway.service.scheduling.histograms import Durations
from siaga_gateway.service.store import StoreFailing, Tally

# Outcomes by field of service.scheduling.histograms.Counts; `frames` is their sum, not an outcome.
OUTCOMES: Final = {
    "stored": "stored",
    "duplicates": "duplicate",
    "malformed": "malformed",
    "unknown": "unknown",
    "forged": "forged",
    "contradictions": "contradiction",
}


_FRONTS: Final = {"front": "console, figures and webhook", "responder_page": "the responders' page"}


@dataclass(frozen=True, slots=True)
class MetricsSources:
    """Where the metrics come from."""

    ingest: Ingest
    outputs: Sequence[OutboxWorker]
    bearers: Callable[[], Mapping[str, bool]]  # whether each is up, by name
    health: Health
    tallies: CachedTally
    clock: Clock
    flooding: Callable[[], int] = lambda: 0  # frames dropped unread since the start, because their sender floods
    shut_out: Callable[[], int] = lambda: 0  # logins suspended now
    starts: Mapping[str, Callable[[], int]] = field(default_factory=dict)  # of the processes for strangers
    certificates: Callable[[], Sequence[CertificateStanding]] = tuple
    texts: Callable[[], SpoolCounts | None] = lambda: None  # of a spool of text messages
    standby: Callable[[], bool] | None = None  # whether the second machine has what is stored; None: none is expected
    damage: Callable[[], str] = str  # of the store's file, as far as anybody has met it; empty: none


class MetricsCollector(Collector):
    """Reads the sources at each scrape."""

    def __init__(self, sources: MetricsSources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        yield self._build()
        yield from self._ingest()
        yield from self._bearers()
        yield from self._texts()
        yield from self._deliveries()
        yield from self._store()
        yield from self._certificates()

    @staticmethod
    def _build() -> Metric:
        build = GaugeMetricFamily("siaga_build_info", "1; which program this is.", labels=("version", "python"))
        build.add_metric((version("siaga"), platform.python_version()), 1)
        return build

    def _ingest(self) -> Iterator[Metric]:
        ingest = self._sources.ingest
        counts = ingest.counts
        frames = CounterMetricFamily("siaga_frames", "Frames by what became of them.", labels=("outcome",))
        for each in fields(counts):
            if each.name not in ("frames", "refused"):
                frames.add_metric((OUTCOMES.get(each.name, each.name),), getattr(counts, each.name))
        yield frames
        yield from self._lanes()
        stages = HistogramMetricFamily(
            "siaga_stage_seconds",
            "How long frames are in each stage: waited for their batch, verified, committed, acknowledged.",
            labels=("stage",),
        )
        for stage, durations in ingest.times.stages.items():
            _add(stages, (stage,), durations)
        yield stages
        whole = HistogramMetricFamily("siaga_frame_seconds", "From a frame's arrival here to its acknowledgement.")
        _add(whole, (), ingest.times.whole)
        yield whole

    def _lanes(self) -> Iterator[Metric]:
        ingest = self._sources.ingest
        refused = CounterMetricFamily("siaga_refused_frames", "Refused frames by reason.", labels=("reason",))
        for reason, count in sorted(ingest.counts.refused.items()):
            refused.add_metric((str(reason),), count)
        yield refused
        waiting = GaugeMetricFamily("siaga_queue_frames", "Frames that wait in memory, by lane.", labels=("lane",))
        shed = CounterMetricFamily("siaga_shed_frames", "Frames let go under overload, by lane.", labels=("lane",))
        for lane, depth in ingest.lanes.depths().items():
            waiting.add_metric((lane,), depth)
            shed.add_metric((lane,), ingest.lanes.shed[lane])
        yield waiting
        yield shed
        yield CounterMetricFamily(
            "siaga_flood_frames",
            "Frames let go unread: more of one sender than any button can send.",
            value=self._sources.flooding(),
        )
        yield GaugeMetricFamily(
            "siaga_broker_shut_out",
            "Buttons whose login is kept out of the broker for a time, because it floods.",
            value=self._sources.shut_out(),
        )
        behind = CounterMetricFamily("siaga_doubted_frames", "Frames put behind all others, by why.", labels=("why",))
        for why, count in ingest.lanes.behind.items():
            behind.add_metric((why,), count)
        yield behind

    def _bearers(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("siaga_bearer_up", "1 where a way in works.", labels=("bearer",))
        for name, well in sorted(self._sources.bearers().items()):
            up.add_metric((name,), well)
        yield up
        ready = GaugeMetricFamily("siaga_ready", "1 where nothing keeps presses from being taken; /readyz says what.")
        ready.add_metric((), not self._sources.health.problems())
        yield ready
        for name, what in _FRONTS.items():
            starts = CounterMetricFamily(f"siaga_{name}_starts", f"Starts of the process with {what}.")
            starts.add_metric((), self._sources.starts[name]() if name in self._sources.starts else 0)
            yield starts
        warnings = self._sources.health.warnings()
        for name in ("personal_key", "gateway_key"):
            key = GaugeMetricFamily(
                f"siaga_{name}_up", "1 where this key is on the disk and right; /readyz says why not."
            )
            key.add_metric((), name not in warnings)
            yield key

    def _texts(self) -> Iterator[Metric]:
        counts = self._sources.texts()
        if counts is not None:
            yield spool_figures(counts)

    def _certificates(self) -> Iterator[Metric]:
        ends = GaugeMetricFamily(
            "siaga_certificate_ends_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            labels=("certificate",),
        )
        usable = GaugeMetricFamily(
            "siaga_certificate_usable", "0 where a certificate has ended, or is not valid yet.", labels=("certificate",)
        )
        for each in self._sources.certificates():
            ends.add_metric((each.certificate.name,), each.certificate.ends_ms / 1000)
            usable.add_metric((each.certificate.name,), each.state not in (State.ENDED, State.NOT_YET))
        yield ends
        yield usable

    def _deliveries(self) -> Iterator[Metric]:
        made = CounterMetricFamily(
            "siaga_deliveries", "Attempts of deliveries by their outcome.", labels=("output", "outcome")
        )
        press = HistogramMetricFamily(
            "siaga_press_delivered_seconds", "From a press's arrival here until the output has it.", labels=("output",)
        )
        for worker in self._sources.outputs:
            for outcome in ("delivered", "failed", "abandoned"):
                made.add_metric((worker.name, outcome), getattr(worker.counts, outcome))
            _add(press, (worker.name,), worker.counts.press)
        yield made
        yield press

    def _store(self) -> Iterator[Metric]:
        try:
            tally = self._sources.tallies.now()
        except StoreFailing:
            tally = None
        up = GaugeMetricFamily("siaga_store_up", "1 where the store gives and takes.")
        up.add_metric((), tally is not None and not self._sources.ingest.store_fails)
        yield up
        damaged = GaugeMetricFamily("siaga_store_damaged", "1 where a page of the store is damaged, or its file gone.")
        damaged.add_metric((), bool(self._sources.damage()))
        yield damaged
        stranded = GaugeMetricFamily(
            "siaga_frames_stranded", "Frames that damage of the store keeps from being stored."
        )
        stranded.add_metric((), self._sources.ingest.stranded)
        yield stranded
        if self._sources.standby is not None:
            yield GaugeMetricFamily(
                "siaga_standby_up", "1 where the second machine has what is stored.", value=self._sources.standby()
            )
        if tally is not None:
            yield from self._tallied(tally)
        if (census := self._sources.tallies.census) is not None:
            devices = GaugeMetricFamily("siaga_devices", "Enrolled devices by registration.", labels=("state",))
            for state, count in sorted(census.devices.items()):
                devices.add_metric((state,), count)
            yield devices
            cases = GaugeMetricFamily("siaga_maintenance_cases", "Open maintenance cases.", labels=("cause",))
            for cause, count in census.cases.items():
                cases.add_metric((str(cause),), count)
            yield cases

    def _tallied(self, tally: Tally) -> Iterator[Metric]:
        now_ms = self._sources.clock.now_ms()
        incidents = GaugeMetricFamily("siaga_incidents", "Incidents that are not closed, by state.", labels=("state",))
        for state, count in sorted(tally.incidents.items()):
            incidents.add_metric((state,), count)
        yield incidents
        yield GaugeMetricFamily(
            "siaga_incident_unseen_seconds",
            "For how long the oldest incident that nobody has seen is open; 0: there is none.",
            value=_age_s(tally.unseen_since_ms, now_ms),
        )
        pending = GaugeMetricFamily("siaga_deliveries_pending", "Deliveries still to be made.", labels=("output",))
        oldest = GaugeMetricFamily(
            "siaga_delivery_oldest_seconds", "Age of the oldest delivery still to be made.", labels=("output",)
        )
        named = {worker.name for worker in self._sources.outputs}
        for output in sorted(named | tally.waiting.keys()):
            waiting = tally.waiting.get(output)
            pending.add_metric((output,), 0 if waiting is None else waiting.deliveries)
            oldest.add_metric((output,), _age_s(None if waiting is None else waiting.oldest_ms, now_ms))
        yield pending
        yield oldest
        yield GaugeMetricFamily(
            "siaga_deliveries_abandoned", "Deliveries that receivers refuse for good.", value=tally.abandoned
        )
        yield GaugeMetricFamily(
            "siaga_strangers", "Devices that called and are not enrolled, as kept.", value=tally.strangers
        )


def exposition(sources: MetricsSources) -> Callable[[], bytes]:
    """Return a function that returns the whole text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MetricsCollector(sources))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


def _add(family: HistogramMetricFamily, labels: Sequence[str], durations: Durations) -> None:
    buckets = [("+Inf" if bound == float("inf") else f"{bound:g}", count) for bound, count in durations.cumulative()]
    family.add_metric(labels, buckets, durations.seconds)


def _age_s(since_ms: int | None, now_ms: int) -> float:
    return 0.0 if since_ms is None else max(0, now_ms - since_ms) / 1000
