"""Trouble of the gateway itself as an event: others' SDK reads it, its shape is documented, it is signed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook

from gateway.outputs.http_delivery import SECRET, webhook
from gateway.outputs.http_receiver import Receiver, never
from gateway.outputs.manual_samples import BACK, TROUBLE
from gateway.outputs.sample_incidents import SENT_MS
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.domain.gateway_trouble import TroubleKind
from siaga_gateway.formats import cloudevent, gateway_event
from siaga_gateway.service.ports import Delivered, NotDelivered

SHAPE = jsonschema.Draft202012Validator(dict(gateway_event.schema()))
KEY = TROUBLE.key("cad")


def read(body: bytes) -> Any:
    return from_http_event(HTTPMessage({"content-type": cloudevent.CONTENT_TYPE}, body))


def test_the_sdk_reads_the_attributes() -> None:
    event = read(gateway_event.event(TROUBLE, KEY, language="id"))
    assert event.get_id() == KEY == f"siaga.lampung-trouble-{SENT_MS}.1.cad"
    assert event.get_source() == "/gateways/siaga.lampung"
    assert event.get_type() == "id.siaga.gateway.trouble.v1"
    assert event.get_subject() == f"siaga.lampung-trouble-{SENT_MS}"
    assert event.get_time().isoformat() == "2026-11-23T07:03:27.300000+00:00"
    over = read(gateway_event.event(BACK, KEY, language="id", source="https://polda.example/siaga"))
    assert (over.get_type(), over.get_source()) == ("id.siaga.gateway.back.v1", "https://polda.example/siaga")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("kind", TroubleKind)
def test_every_kind_has_the_documented_shape_and_its_own_words(kind: TroubleKind, over: bool, language: str) -> None:
    told = gateway_event.contents(replace(TROUBLE, kind=kind, over=over), language)
    SHAPE.validate(told)
    assert (told["kind"], told["state"]) == (str(kind), "back" if over else "trouble")
    assert (told["until"] is None) is not over
    assert "siaga.lampung" in told["headline"] and told["language"] == language
    others = [gateway_event.contents(replace(TROUBLE, kind=each), language)["headline"] for each in TroubleKind]
    assert len(set(others)) == len(others)


def test_the_schema_is_one_and_refuses_what_is_no_trouble() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(gateway_event.schema()))
    for wrong in ({"since": "2026-11-23 07:03"}, {"sequence": 0}, {"state": "well"}, {"what_to_do": ""}):
        with pytest.raises(jsonschema.ValidationError):
            SHAPE.validate({**json.loads(gateway_event.event(TROUBLE, KEY, language="en"))["data"], **wrong})


def test_it_is_signed_and_delivered_within_the_deadline_as_a_notice_is(receiver: Receiver) -> None:
    output = webhook("cad", receiver.url, SECRET, clock=WallClock(), language="en", deadline_s=60)
    assert isinstance(output.tell(TROUBLE, KEY), Delivered)
    (request,) = receiver.requests
    assert request.headers["webhook-id"] == KEY
    assert request.headers["content-type"] == cloudevent.CONTENT_TYPE
    assert Webhook(SECRET).verify(request.body, dict(request.headers))["type"] == "id.siaga.gateway.trouble.v1"
    receiver.behaviour = never
    output._poster._deadline_s = 0.4
    hung = output.tell(BACK, BACK.key("cad"))
    assert isinstance(hung, NotDelivered) and not hung.permanent
    output.close()
