"""What becomes of a message over HTTP: unknown outcomes, waits, chats that moved, and where nothing may go."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Behaviour, Receiver, answer, in_turn, never, raw, reset
from gateway.outputs.receiver_certificates import Authority
from gateway.ways.http_places import (
    JSON,
    NTFY_OK,
    TELEGRAM_OK,
    http_way,
    ntfy_place,
    origin,
    says,
    telegram_place,
    whatsapp_place,
)
from gateway.ways.sample_messages import KEY, SENT_MS, alarm, note
from gateway.ways.test_web_push import AUTH, BROWSER_POINT, VAPID_KEY, read_by_browser
from gateway.ways.way_contract import DEADLINE_S
from siaga_gateway.adapters.ways.http_way import HttpService, HttpWay
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.formats.webpush import WebPushFormat
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.ports import NotDelivered


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def refused(outcome: HandedOver | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    assert "hidden" not in outcome.detail
    return outcome


@pytest.mark.parametrize("behaviour", [never, reset, raw(b"HTTP/1.1 2"), raw(b"220 smtp\r\n\r\n"), answer(502)])
def test_after_the_request_was_sent_a_failure_leaves_open_whether_it_was_taken(
    behaviour: Behaviour, receiver: Receiver
) -> None:
    place = telegram_place(receiver)
    if behaviour is never:
        place.way._deadline_s = 10  # long enough for the request to be sent
    receiver.behaviour = behaviour
    outcome = refused(place.way.send("123", alarm(), KEY))
    assert outcome.unknown and not outcome.permanent
    place.way.close()


def test_before_the_request_was_sent_a_failure_is_known_to_be_one(receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        way = http_way(ContactWay.NTFY, receiver, NtfyFormat(nobody))
        way._service = HttpService([nobody])
        outcome = refused(way.send("siaga-a", alarm(), KEY))
        assert not outcome.unknown and not outcome.permanent
        # Somebody listens, and says nothing at all: TLS never begins.
        closed.listen()
        secure = nobody.replace("http:", "https:")
        way = http_way(ContactWay.NTFY, receiver, NtfyFormat(secure), deadline_s=DEADLINE_S)
        way._service = HttpService([secure])
        assert not refused(way.send("siaga-a", alarm(), KEY)).unknown
        way.close()


@pytest.mark.parametrize(
    ("behaviour", "wait_s"),
    [
        (says(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 35}}), 35.0),
        (says(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 9999}}), 300.0),
        (answer(429, {"retry-after": "7"}), 7.0),
        (answer(503, {"retry-after": "7"}), 7.0),
        (answer(400, {"retry-after": "7"}), None),
    ],
)
def test_it_waits_as_long_as_the_service_asks(behaviour: Behaviour, wait_s: float | None, receiver: Receiver) -> None:
    place = telegram_place(receiver)
    receiver.behaviour = behaviour
    assert refused(place.way.send("123", alarm(), KEY)).retry_after_s == wait_s
    place.way.close()


def test_a_daily_quota_that_is_used_up_is_there_again_at_midnight_in_utc(receiver: Receiver) -> None:
    place = ntfy_place(receiver)
    receiver.behaviour = says(429, {"code": 42908, "http": 429, "error": "limit reached: daily message quota reached"})
    outcome = refused(place.way.send("siaga-a", alarm(), KEY))
    assert outcome.exhausted and not outcome.permanent and outcome.retry_after_s is not None
    end_s = SENT_MS / 1000 + outcome.retry_after_s
    assert end_s % 86_400 == pytest.approx(0, abs=0.01) and 0 < outcome.retry_after_s <= 86_400
    place.way.close()


def test_a_group_that_became_another_one_is_told_there(receiver: Receiver) -> None:
    place = telegram_place(receiver)
    moved = says(400, {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -1001}})
    receiver.behaviour = in_turn(moved, TELEGRAM_OK)
    told: list[tuple[str, str]] = []
    place.way._moved = lambda old, new: told.append((old, new))
    assert place.way.send("-17", alarm(), KEY) == HandedOver("127.0.0.1 has it (HTTP 200)", "4711")
    assert [json.loads(each.body)["chat_id"] for each in receiver.requests] == ["-17", "-1001"]
    receiver.behaviour = moved  # and that one has become another
    assert refused(place.way.send("-17", alarm(), KEY)).permanent
    assert told == [("-17", "-1001")], "where it was handed over"
    place.way.close()


def test_a_note_is_handed_over_although_the_alarm_cannot_be_deleted(receiver: Receiver) -> None:
    place = telegram_place(receiver)
    receiver.behaviour = in_turn(TELEGRAM_OK, reset, answer(500))
    assert isinstance(place.way.send("123", note(withdraws="4711"), KEY), HandedOver)
    assert [each.path.rpartition("/")[2] for each in receiver.requests][:2] == ["sendMessage", "deleteMessage"]
    place.way.close()


def test_a_person_who_blocked_us_has_a_dead_address_and_is_named_nowhere(receiver: Receiver) -> None:
    for place, said in (
        (telegram_place(receiver), {"ok": False, "description": "Forbidden: bot was blocked by the user"}),
        (whatsapp_place(receiver), {"error": {"code": 131026, "message": "(#131026) Message undeliverable"}}),
    ):
        receiver.behaviour = says(403, said)
        outcome = refused(place.way.send(place.good, alarm(), KEY))
        assert outcome.permanent and place.good not in outcome.detail
        place.way.close()


def test_a_wrong_token_is_no_dead_address(receiver: Receiver) -> None:
    place = ntfy_place(receiver)
    receiver.behaviour = says(401, {"code": 40101, "http": 401, "error": "unauthorized"})
    outcome = refused(place.way.send("siaga-a", alarm(), KEY))
    assert not outcome.permanent and "unauthorized" in outcome.detail
    place.way.close()


def test_a_topic_of_another_server_is_not_given_up(receiver: Receiver) -> None:
    place = ntfy_place(receiver)
    outcome = refused(place.way.send("https://ntfy.example/siaga-a", alarm(), KEY))
    assert not outcome.permanent and "another server" in outcome.detail
    assert not receiver.requests


# Web push


def push_way(receiver: Receiver, ca_file: Path) -> HttpWay:
    service = HttpService([origin(receiver), "*.push.example"], ca_file=ca_file)
    return HttpWay(
        "way-1",
        ContactWay.PUSH,
        service,
        WebPushFormat(VAPID_KEY, "mailto:siaga@police.example"),
        budget=Budget(),
        clock=ManualClock(SENT_MS),
        language="en",
        deadline_s=60,
        at_once=4,
    )


def address(endpoint: str) -> str:
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": BROWSER_POINT, "auth": AUTH}})


def test_a_push_reaches_the_browser_and_one_that_is_gone_is_dead(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        way = push_way(receiver, authority.file)
        receiver.behaviour = in_turn(answer(201), answer(410))
        to = address(f"{origin(receiver)}/send/hidden")
        assert isinstance(way.send(to, alarm(), KEY), HandedOver)
        (request,) = receiver.requests
        assert (request.path, request.headers["urgency"], request.headers["ttl"]) == ("/send/hidden", "high", "300")
        assert json.loads(read_by_browser(request.body))["title"] == alarm().title
        assert refused(way.send(to, alarm(), KEY)).permanent
        way.close()


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1:9/hidden",
        "https://intranet.example/hidden",
        "https://push.example.evil.example/hidden",
        "https://evil-push.example/hidden",
        "https://a.push.example:8443/hidden",
        "https://user@169.254.169.254/hidden",
    ],
)
def test_a_subscription_cannot_make_the_gateway_post_elsewhere(endpoint: str, receiver: Receiver) -> None:
    service = HttpService([origin(receiver), "*.push.example"])
    format_ = WebPushFormat(VAPID_KEY, "mailto:siaga@police.example")
    (request,) = format_.requests(address(endpoint), alarm(), KEY, SENT_MS)
    with pytest.raises(SettingError, match="none of this way's servers"):
        service.place(request)


def test_a_subscription_at_a_push_service_is_sent_to() -> None:
    service = HttpService(["*.push.example"])
    (request,) = WebPushFormat(VAPID_KEY, "mailto:a@b.example").requests(
        address("https://a.push.example/x"), alarm(), KEY, SENT_MS
    )
    assert service.place(request).host == "a.push.example"


def test_a_service_in_plain_text_beyond_this_machine_is_a_wrong_setting() -> None:
    with pytest.raises(SettingError, match="unencrypted"):
        HttpService(["http://ntfy.example"])


def test_what_a_server_says_at_length_is_not_read_for_ever(receiver: Receiver) -> None:
    place = ntfy_place(receiver)
    receiver.behaviour = answer(200, JSON, b'{"id":"x","event":"message","junk":"' + b"z" * 200_000 + b'"}')
    assert not isinstance(place.way.send("siaga-a", alarm(), KEY), HandedOver)
    receiver.behaviour = NTFY_OK
    assert isinstance(place.way.send("siaga-a", alarm(), KEY), HandedOver)
    place.way.close()
