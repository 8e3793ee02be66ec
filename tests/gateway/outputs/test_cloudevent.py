"""The webhook: a CloudEvent that others' SDK reads, in the documented shape, with a signature that others verify."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given, settings
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.fake_ports import ManualClock
from gateway.outputs.http_delivery import SECRET
from gateway.outputs.http_receiver import Receiver, answer, in_turn
from gateway.outputs.sample_incidents import INCIDENT, NOTICES, OWNER, closed, later, opened
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput
from siaga_gateway.domain.incident import Change, Disposition, IncidentState, Notice
from siaga_gateway.formats import cloudevent
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.ports import Delivered, NotDelivered

KEY = "siaga.lampung-17.k7q2.1.cad"
SHAPE = jsonschema.Draft202012Validator(dict(cloudevent.schema()))


def read(body: bytes) -> Any:
    """The event as the CloudEvents SDK reads it from a request in structured mode; it checks the attributes."""
    return from_http_event(HTTPMessage({"content-type": cloudevent.CONTENT_TYPE}, body))


def test_the_sdk_reads_the_attributes() -> None:
    event = read(cloudevent.event(opened(), KEY))
    assert event.get_specversion() == "1.0"
    assert event.get_id() == KEY
    assert event.get_source() == "/gateways/siaga.lampung"
    assert event.get_type() == "id.siaga.incident.opened.v1"
    assert event.get_subject() == "siaga.lampung-17.k7q2"
    assert event.get_time().isoformat() == "2026-11-23T07:03:27.300000+00:00"
    assert event.get_datacontenttype() == "application/json"


def test_the_data_of_a_first_notice() -> None:
    assert read(cloudevent.event(opened(), KEY)).get_data() == {
        "change": "opened",
        "sequence": 1,
        "sent_at": "2026-11-23T07:03:27.300Z",
        "incident": {
            "identifier": "siaga.lampung-17.k7q2",
            "mode": "actual",
            "state": "open",
            "opened_at": "2026-11-23T07:03:27.250Z",
            "pressed_at": "2026-11-23T07:03:26.000Z",
            "delayed_s": None,
            "claimed_s": None,
            "presses": 1,
            "silent": False,
            "duress": False,
            "cancelled_by_holder": False,
            "key_copied": False,
            "held": False,
            "seen_at": None,
            "unit": None,
            "eta_minutes": None,
            "answered": None,
            "closed_at": None,
            "disposition": None,
            "note": None,
            "major_incident": None,
            "link": None,
        },
        "position": {
            "latitude_e7": -54292000,
            "longitude_e7": 1052610000,
            "latitude": -5.4292,
            "longitude": 105.261,
            "geojson": {"type": "Point", "coordinates": [105.261, -5.4292]},
            "accuracy_m": 12,
            "fix_age_s": 3,
            "source": "gnss",
            "at": "2026-11-23T07:03:26.000Z",
        },
        "device": {
            "id": "00a1b2c3d4e5f607",
            "label": "Toko Makmur, kasir",
            "registration": "active",
            "battery_percent": 81,
        },
        "owner": {
            "name": "Siti Aminah",
            "phone": "+628127900001",
            "address": "Jl. Raden Intan 10, Bandar Lampung",
            "language": "id",
        },
    }


def test_later_notices_say_what_has_changed() -> None:
    assigned = later(Change.ASSIGNED, state=IncidentState.ASSIGNED, unit="Polsek TKB", eta_minutes=6)
    event = read(cloudevent.event(assigned, KEY))
    assert event.get_type() == "id.siaga.incident.assigned.v1"
    assert (event.get_data()["incident"]["unit"], event.get_data()["incident"]["eta_minutes"]) == ("Polsek TKB", 6)
    end = read(cloudevent.event(closed(Disposition.UNFOUNDED, position=None, owner=None), KEY)).get_data()
    assert end["incident"]["disposition"] == "unfounded"
    assert end["position"] is None and end["owner"] is None


@given(NOTICES)
@settings(max_examples=120)
def test_any_notice_keeps_the_documented_shape_and_its_values(notice: Notice) -> None:
    event = read(cloudevent.event(notice, KEY))
    told, incident = event.get_data(), notice.incident
    SHAPE.validate(told)
    if incident.position is not None:
        assert told["position"]["latitude_e7"] == incident.position.latitude
        assert told["position"]["longitude_e7"] == incident.position.longitude
        assert round(told["position"]["latitude"] * 10**7) == incident.position.latitude
        assert round(told["position"]["geojson"]["coordinates"][0] * 10**7) == incident.position.longitude
        assert told["position"]["accuracy_m"] == incident.position.accuracy_m
    if incident.owner is not None:
        assert told["owner"]["name"] == one_line(incident.owner.name)
    assert told["incident"]["presses"] == incident.presses
    assert told["device"]["id"] == incident.device_id.hex()
    assert event.get_subject() == incident.identifier


def test_the_schema_is_one_and_refuses_what_is_no_notice() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(cloudevent.schema()))
    told = cloudevent.contents(opened())
    SHAPE.validate(told)
    for break_it in (
        lambda data: data.pop("owner"),
        lambda data: data["position"].update(latitude_e7=-5.4292),
        lambda data: data["incident"].update(opened_at="2026-11-23 07:03:27"),
        lambda data: data["device"].update(id="xyz"),
        lambda data: data.update(sequence=0),
    ):
        broken = json.loads(json.dumps(told))
        break_it(broken)
        with pytest.raises(jsonschema.ValidationError):
            SHAPE.validate(broken)


def test_what_is_personal_and_not_needed_stays_in_the_gateway() -> None:
    body = cloudevent.event(closed(Disposition.VERIFIED, seen_by="operator-budi", closed_by="operator-budi"), KEY)
    assert OWNER.nik.encode() not in body and b"operator-budi" not in body


def test_the_source_can_be_set_and_the_default_is_a_uri() -> None:
    assert read(cloudevent.event(opened(), KEY, source="https://polda.example/siaga")).get_source().endswith("/siaga")
    odd = opened(identifier="a/b?c-17.k7q2")
    assert read(cloudevent.event(odd, KEY)).get_source() == "/gateways/a%2Fb%3Fc"


@pytest.mark.parametrize(("key", "source"), [("", None), (KEY, "")])
def test_an_event_needs_an_id_and_a_source(key: str, source: str | None) -> None:
    with pytest.raises(ValueError, match="non-empty id and source"):
        cloudevent.event(opened(), key, source=source)


# The signature


def now_clock() -> ManualClock:
    return ManualClock(time.time_ns() // 1_000_000)


def test_a_receiver_verifies_the_signature(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    assert isinstance(make(clock=now_clock()).deliver(opened(device_label="Toko “Makmur” 🚨"), KEY), Delivered)
    (request,) = receiver.requests
    assert request.headers["content-type"] == cloudevent.CONTENT_TYPE
    assert request.headers["webhook-id"] == KEY
    told = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert told["id"] == KEY
    assert told["data"]["device"]["label"] == "Toko “Makmur” 🚨"


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp", "webhook-signature", "secret"])
def test_nothing_can_be_changed_on_the_way(
    part: str, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    make(clock=now_clock()).deliver(opened(), KEY)
    (request,) = receiver.requests
    headers, body, secret = dict(request.headers), request.body, SECRET
    if part == "body":
        body = body.replace(b'"silent":false', b'"silent":true')
    elif part == "webhook-timestamp":
        headers[part] = str(int(headers[part]) - 1)
    elif part == "webhook-signature":
        headers[part] = headers[part].replace("v1,", "v2,")
    elif part == "secret":
        secret = "whsec_" + "QUFB" * 11
    else:
        headers[part] += "x"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_a_retry_keeps_its_id_and_body_and_is_signed_anew(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    clock = now_clock()
    output = make(clock=clock)
    receiver.behaviour = in_turn(answer(503), answer(204))
    assert isinstance(output.deliver(opened(), KEY), NotDelivered)
    clock.at_ms += 200_000
    assert isinstance(output.deliver(opened(), KEY), Delivered)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == KEY
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 200
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    for request in (first, second):
        Webhook(SECRET).verify(request.body, dict(request.headers))


def test_a_signature_that_lay_about_is_refused_by_receivers(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    clock = now_clock()
    clock.at_ms -= 600_000
    make(clock=clock).deliver(opened(), KEY)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(receiver.requests[0].body, dict(receiver.requests[0].headers))


def test_the_example_stays_as_it_is() -> None:
    assert INCIDENT.identifier == "siaga.lampung-17.k7q2"
