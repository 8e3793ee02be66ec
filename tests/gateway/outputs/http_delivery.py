"""What the tests of deliveries over HTTP share."""

from __future__ import annotations

from functools import partial
from typing import Any

from siaga_gateway.adapters.outputs.http import HttpOutput, HttpTroubleOutput
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.formats import cap, cloudevent, gateway_event
from siaga_gateway.service.ports import Delivered, NotDelivered

SECRET = "whsec_" + "c2lhZ2EtdGVzdC1zZWNyZXQtMzItYnl0ZXMtbG9uZyE="
# A deadline for receivers that never end, and what a loaded machine may take on top of it.
QUICK_S = 0.4
GRACE_S = 12.0


def refused(outcome: Delivered | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    assert outcome.detail
    assert "hidden" not in outcome.detail, "the query of the address may be a password"
    return outcome


def webhook(
    name: str,
    url: str,
    secret: str,
    receives_tests: bool = False,
    *,
    language: str = "id",
    at_once: int = 8,
    **reached: Any,
) -> HttpTroubleOutput:
    """As bootstrap makes kind "webhook"; `reached` goes to Poster."""
    return HttpTroubleOutput(
        name,
        Poster(url, secret=secret, language=language, **reached),
        cloudevent.event,
        cloudevent.CONTENT_TYPE,
        receives_tests,
        encode_trouble=partial(gateway_event.event, language=language),
        language=language,
        at_once=at_once,
    )


def cap_http(
    name: str, url: str, receives_tests: bool = False, *, sender: str | None = None, **reached: Any
) -> HttpOutput:
    """As bootstrap makes kind "cap_http"; `reached` goes to Poster."""
    return HttpOutput(name, Poster(url, **reached), cap.encoder(sender), cap.CONTENT_TYPE, receives_tests)
