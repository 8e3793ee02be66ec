"""Metrics of text messages: of a spool in the process that takes presses, of the webhook in the front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:  # keeps the web server out of the process that takes presses
    from siaga_gateway.adapters.sms.spool import SpoolCounts
    from siaga_gateway.adapters.sms.webhook_messages import WebhookCounts

# Outcomes by field of the counts.
SPOOL: Final = {
    "frames": "frame",
    "answers": "answer",
    "refused": "refused",
    "case_lost": "letter_case_lost",
    "unknown": "strange_file",
}
WEBHOOK: Final = {
    "frames": "frame",
    "answers": "answer",
    "refused": "refused",
    "case_lost": "letter_case_lost",
    "unauthorised": "unauthorised",
    "again": "again",
}


def spool_figures(counts: SpoolCounts) -> Metric:
    return _family("siaga_sms_spool_messages", counts, SPOOL)


def webhook_exposition(counts: WebhookCounts) -> Callable[[], bytes]:
    """Return a function that returns Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Webhook(counts))
    return lambda: generate_latest(registry)


class _Webhook(Collector):
    def __init__(self, counts: WebhookCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        yield _family("siaga_sms_webhook_messages", self._counts, WEBHOOK)


def _family(name: str, counts: object, outcomes: Mapping[str, str]) -> Metric:
    family = CounterMetricFamily(name, "Text messages by what became of them.", labels=("outcome",))
    for field, outcome in outcomes.items():
        family.add_metric((outcome,), getattr(counts, field))
    return family
