"""The exposition of a gateway's parts that have done nothing yet: every figure by name, with the labels that it has."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import DEFAULTS
from siaga_gateway.adapters.operations.prometheus import MetricsSources, exposition
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.certificate_expiry import Certificate, standing
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.scheduling.gateway_health import CachedTally, Health


def exposed(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Sample names, each with its labels and their values."""
    clock = ManualClock()
    store = SqlStore(store_path(folder), clock.now_ms())
    ingest = Ingest(
        store=store,
        keyring=KeyRing(store, GatewayKey.generate()),
        sender=SentAnswers(),
        notifier=JournalNotifier(),
        clock=clock,
        defaults=DEFAULTS,
        limits=Limits(),
    )
    output = OutboxWorker(store, CapFolderOutput("cad", folder), JournalNotifier(), clock)
    tallies = CachedTally(store)
    tallies.count_all()
    seen = standing(Certificate("mqtt", 0, 86_400_000), 0)
    sources = MetricsSources(
        ingest,
        [output],
        lambda: {"mqtt": True},
        Health({}, {}),
        tallies,
        clock,
        certificates=lambda: [seen],
        damage=lambda: "",
        standby=lambda: True,
    )
    text = exposition(sources)().decode()
    ingest.stop()
    store.close()
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found
