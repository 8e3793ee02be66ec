"""The exposition of a gateway's parts that have done nothing yet: every figure by name, with the labels that it has."""

from __future__ import annotations

from pathlib import Path

from fakes import ManualClock, SentAnswers
from ingesting import HOUSE
from prometheus_client.parser import text_string_to_metric_families

from siaga_gateway.adapters.folder_out import CapFolderOutput
from siaga_gateway.adapters.metrics import Sources, exposition
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.service.health import Health, Tallies
from siaga_gateway.service.ingest import Ingest, Limits
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.outbox import OutboxWorker


def exposed(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Sample names, each with its labels and their values."""
    clock = ManualClock()
    store = SqlStore(store_path(folder), clock.now_ms())
    ingest = Ingest(
        store=store,
        keyring=KeyRing(store, GatewayKey.generate()),
        sender=SentAnswers(),
        bell=JournalBell(),
        clock=clock,
        house=HOUSE,
        limits=Limits(),
    )
    output = OutboxWorker(store, CapFolderOutput("cad", folder), JournalBell(), clock)
    tallies = Tallies(store)
    tallies.count_all()
    sources = Sources(ingest, [output], lambda: {"mqtt": True}, Health({}, {}), tallies, clock)
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
