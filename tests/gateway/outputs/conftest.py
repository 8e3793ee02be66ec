"""A receiver on loopback, and webhooks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.http_delivery import SECRET, webhook
from gateway.outputs.http_receiver import Receiver
from gateway.outputs.sample_incidents import SENT_MS
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def make(receiver: Receiver) -> Iterator[Callable[..., HttpTroubleOutput]]:
    """Makes webhook outputs in English to the receiver, closed at the end."""
    made: list[HttpTroubleOutput] = []

    def build(url: str | None = None, **settings: Any) -> HttpTroubleOutput:
        settings = {"clock": ManualClock(SENT_MS), "language": "en", **settings}
        made.append(webhook("cad", receiver.url if url is None else url, SECRET, **settings))
        return made[-1]

    yield build
    for output in made:
        output.close()
