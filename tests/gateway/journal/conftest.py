"""What several modules here share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from databases import Place
from gateway.ingest_harness import IngestHarness
from gateway.journal.audited_ingest import audited_ingest


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = audited_ingest(place)
    yield made
    made.close()
