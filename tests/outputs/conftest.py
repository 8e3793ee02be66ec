"""A receiver on loopback, and webhooks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outputs.posting import SECRET, FixedClock
from outputs.receiver import Receiver
from siaga_gateway.adapters.http_out import WebhookOutput


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def make(receiver: Receiver) -> Iterator[Callable[..., WebhookOutput]]:
    """Makes webhook outputs in English to the receiver, closed at the end."""
    made: list[WebhookOutput] = []

    def build(url: str | None = None, **settings: Any) -> WebhookOutput:
        settings = {"clock": FixedClock(), "language": "en", **settings}
        made.append(WebhookOutput("cad", receiver.url if url is None else url, SECRET, **settings))
        return made[-1]

    yield build
    for output in made:
        output.close()
