"""Text messages by an aggregator's HTTP: stored before they are answered, and answers posted in a bounded way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway.fake_ports import ManualClock
from gateway.frame_sink import Sink
from gateway.outputs.http_receiver import Handler, Receiver, answer
from pressing_button import PressingButton
from siaga_gateway.adapters.sms.aggregator import SmsAggregator
from siaga_gateway.adapters.sms.replies import SmsOrigin
from siaga_gateway.adapters.sms.webhook import LARGEST_BODY, SmsWebhook
from siaga_gateway.config.sms import SmsAggregatorSettings, SmsWebhookSettings
from siaga_gateway.formats.sms import text_of
from siaga_gateway.service.inbound import InboundFrame
from waiting import ENDS_S, HOURS_S, eventually

NUMBER = "+6281200000001"
SECRET = "correct horse battery staple"
BEARER = {"authorization": f"Bearer {SECRET}"}


def form(frame: bytes | None = None, **more: object) -> dict[str, object]:
    return {"from": NUMBER, "text": text_of(frame or PressingButton().press()), **more}


class Storing(Sink):
    """Stores each frame as soon as it is offered, like an ingest that works."""

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        if not super().offer(frame, timeout_s):
            return False

        def store() -> None:
            if frame.stored is not None:
                frame.stored()
            frame.acknowledge()

        threading.Thread(target=store).start()  # from another thread, as ingest does
        return True


Hook = Callable[..., httpx.Client]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Starts a webhook on a sink; gives a client for it."""
    ends: list[Callable[[], None]] = []

    def start(sink: Sink, deadline_s: float = ENDS_S, **settings: Any) -> httpx.Client:
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        made = SmsWebhook(
            SmsWebhookSettings(**{"port": 0, "secret": SECRET, **settings}),
            bound,
            clock=ManualClock(),
            sink=sink,
            deadline_s=deadline_s,
        )
        made.start()
        address = made.address.removesuffix(settings.get("path", "/sms"))
        client = httpx.Client(verify=False, base_url=address, timeout=ENDS_S, trust_env=False)
        client.webhook = made  # type: ignore[attr-defined]
        ends.extend([client.close, made.stop, bound.close])
        return client

    yield start
    for end in ends:
        end()


def test_a_message_is_answered_once_it_is_stored(hook: Hook) -> None:
    sink = Sink()
    client = hook(sink)
    press = PressingButton().press()
    answers: queue.Queue[httpx.Response] = queue.Queue()
    poster = threading.Thread(target=lambda: answers.put(client.post("/sms", json=form(press), headers=BEARER)))
    poster.start()
    frame = sink.frames.get(timeout=ENDS_S)
    assert (frame.raw, frame.bearer, frame.origin) == (press, "sms", SmsOrigin("webhook", NUMBER))
    with pytest.raises(queue.Empty):
        answers.get(timeout=0.3)
    assert frame.stored is not None
    frame.stored()
    frame.acknowledge()
    response = answers.get(timeout=ENDS_S)
    assert (response.status_code, response.json()) == (200, {"stored": True})
    poster.join()


def test_what_is_not_stored_in_time_is_to_come_again(hook: Hook) -> None:
    sink = Sink()
    client = hook(sink, deadline_s=1)
    response = client.post("/sms", json=form(), headers=BEARER)
    assert (response.status_code, response.json()["stored"]) == (503, False)
    assert int(response.headers["retry-after"]) > 0
    sink.frames.get_nowait().acknowledge()  # too late, and harmless
    assert client.post("/sms", json=form(), headers=BEARER).status_code == 503


def test_no_room_that_is_told_later_is_answered_then(hook: Hook) -> None:
    """By the press process, to the front: the deadline is far away."""

    class Full(Sink):
        def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
            assert frame.no_room is not None
            threading.Thread(target=frame.no_room).start()
            return True

    client = hook(Full(), deadline_s=3600)
    response = client.post("/sms", json=form(), headers=BEARER)
    assert (response.status_code, response.json()["stored"]) == (503, False)


def test_without_room_and_at_the_end_messages_are_to_come_again(hook: Hook) -> None:
    sink = Storing(room=1)
    client = hook(sink)
    assert client.post("/sms", json=form(), headers=BEARER).status_code == 200
    assert client.post("/sms", json=form(), headers=BEARER).status_code == 503
    sink.frames.get_nowait()
    client.webhook.hold_back()  # type: ignore[attr-defined]
    assert client.post("/sms", json=form(), headers=BEARER).status_code == 503
    assert sink.frames.empty()


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": SECRET}, {"authorization": f"Bearer {SECRET}x"}, {"authorization": "Bearer"}],
)
def test_whoever_does_not_know_the_secret_is_turned_away(hook: Hook, headers: dict[str, str]) -> None:
    sink = Storing()
    assert hook(sink).post("/sms", json=form(), headers=headers).status_code == 401
    assert sink.frames.empty()


def test_the_scheme_of_the_secret_may_be_written_as_one_likes(hook: Hook) -> None:
    headers = {"authorization": f"bearer {SECRET}"}
    assert hook(Storing()).post("/sms", json=form(), headers=headers).status_code == 200


def test_a_signature_in_place_of_the_secret(hook: Hook) -> None:
    sink = Storing()
    client = hook(sink, signature_header="X-Signature")
    body = json.dumps(form()).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    for shown, status in (
        (signature, 200),
        (f"sha256={signature.upper()}", 200),
        (base64.b64encode(bytes.fromhex(signature)).decode(), 200),
        (signature[:-1], 403),
        ("", 403),
        ("é", 403),
    ):
        response = client.post("/sms", content=body, headers={b"x-signature": shown.encode("latin-1")})
        assert response.status_code == status
    assert client.post("/sms", content=body + b" ", headers={"x-signature": signature}).status_code == 403
    assert client.post("/sms", content=body, headers=BEARER).status_code == 403
    assert sink.frames.qsize() == 3


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"from=628", 400, "no text"),
        (b"[]", 400, "no message"),
        (b"7", 400, "no text"),
        (b"", 400, "neither JSON nor a form"),
        (b'{"from": 628, "text": "x"}', 422, "no frame"),
        (b'{"from": "628"}', 400, "no text"),
        (b"[" * 10_000, 400, "no JSON"),
        (json.dumps({"from": NUMBER, "text": "Pulsa Anda habis"}).encode(), 422, "holds no frame"),
        (b"x" * (LARGEST_BODY + 1), 413, "at most"),
        (b"\xff", 400, "no text"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(hook: Hook, body: bytes, status: int, why: str) -> None:
    sink = Storing()
    response = hook(sink).post("/sms", content=body, headers=BEARER)
    assert response.status_code == status
    assert why in response.json()["why"]
    assert NUMBER not in response.text
    assert sink.frames.empty()


def test_field_names_and_path_are_the_aggregators(hook: Hook) -> None:
    sink = Storing()
    client = hook(sink, path="/sms/in", number_field="msisdn", text_field="message")
    told = form()
    body = {"msisdn": "TELKOMSEL", "message": told["text"], "other": [1]}
    assert client.post("/sms/in", json=body, headers=BEARER).status_code == 200
    assert sink.frames.get_nowait().origin is None  # a name cannot be answered
    assert client.post("/sms", json=told, headers=BEARER).status_code == 404
    assert client.get("/sms/in", headers=BEARER).status_code == 405


def test_a_request_that_does_not_end_does_not_hold_up_others(hook: Hook) -> None:
    client = hook(Storing(), deadline_s=HOURS_S)
    webhook, begun = client.webhook, threading.Event()  # type: ignore[attr-defined]
    take = webhook._take

    async def takes(request: Any) -> Any:
        begun.set()
        return await take(request)

    webhook._take = takes
    where = (client.base_url.host, client.base_url.port or 0)
    head = f"POST /sms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\ncontent-length: 500\r\n\r\n{{"
    with socket.create_connection(where, timeout=ENDS_S) as endless:
        endless.sendall(head.encode())
        assert begun.wait(ENDS_S)
        assert client.post("/sms", json=form(), headers=BEARER).status_code == 200
    webhook._deadline_s = 1
    with socket.create_connection(where, timeout=ENDS_S) as slow:
        slow.sendall(head.encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 503 ")


# Answers out


@pytest.fixture
def changes() -> queue.Queue[tuple[bool, str]]:
    return queue.Queue()


def aggregator(receiver: Receiver, changes: queue.Queue[tuple[bool, str]], **settings: Any) -> SmsAggregator:
    made = SmsAggregator(
        SmsAggregatorSettings(url=receiver.url, **settings),
        clock=ManualClock(),
        on_change=lambda up, why: changes.put((up, why)),
        pause_s=0.01,
    )
    made.start()
    return made


def test_an_answer_is_posted_in_the_aggregators_form(changes: queue.Queue[tuple[bool, str]]) -> None:
    with Receiver() as receiver:
        sender = aggregator(
            receiver, changes, token="key", number_field="msisdn", text_field="message", extra={"sender": "SIAGA"}
        )
        sender.send(NUMBER, "AAAA", urgent=True)
        eventually(lambda: len(receiver.requests) == 1)
        sender.stop()
    request = receiver.requests[0]
    assert json.loads(request.body) == {"sender": "SIAGA", "msisdn": NUMBER, "message": "AAAA"}
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert changes.empty()


def test_a_failing_aggregator_is_tried_a_few_times_under_one_key_and_told_of(
    changes: queue.Queue[tuple[bool, str]], caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(answer(500)) as receiver:
        sender = aggregator(receiver, changes)
        sender.send(NUMBER, "AAAA", urgent=True)
        up, why = changes.get(timeout=ENDS_S)
        assert not up and "500" in why
        assert len(receiver.requests) == 3
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
        receiver.behaviour = answer(403)
        sender.send(NUMBER, "BBBB", urgent=True)
        eventually(lambda: sender.unsent == 2)
        assert len(receiver.requests) == 6, "a refusal may be that of a proxy before a deploy: tried as often"
        receiver.behaviour = answer(200)
        sender.send(NUMBER, "CCCC", urgent=True)
        assert changes.get(timeout=ENDS_S) == (True, "")
        sender.stop()
    assert NUMBER not in caplog.text


def test_an_answer_with_an_error_in_it_is_no_success(changes: queue.Queue[tuple[bool, str]]) -> None:
    with Receiver(answer(200, body=b'{"status":"9"}')) as receiver:
        sender = aggregator(receiver, changes, success='"status": ?"0"')
        sender.send(NUMBER, "AAAA", urgent=True)
        up, why = changes.get(timeout=ENDS_S)
        assert not up and "`success`" in why
        receiver.behaviour = answer(200, body=b'{"status":"0"}')
        sender.send(NUMBER, "BBBB", urgent=True)
        assert changes.get(timeout=ENDS_S) == (True, "")
        sender.stop()


def test_sending_never_waits_for_the_aggregator(changes: queue.Queue[tuple[bool, str]]) -> None:
    reached = threading.Event()

    def hang(handler: Handler) -> None:
        reached.set()
        while handler.until_closed(0.05):
            pass
        handler.close_connection = True

    with Receiver(hang) as receiver:
        sender = aggregator(receiver, changes)
        for number in range(1_500):
            sender.send(NUMBER, f"{number}", urgent=True)
        assert reached.wait(ENDS_S)
        assert sender.unsent >= 400, "more than may wait are counted as not sent"
        receiver.closing.set()
        sender.stop()


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"url": "ftp://x"}, "url"), ({"url": "http://sms.example/x"}, "unencrypted"), ({"token": "a b"}, "token")],
)
def test_a_wrong_setting_of_the_aggregator_is_named(settings: dict[str, Any], said: str) -> None:
    wrong = {"url": "https://sms.example/x", **settings}
    with pytest.raises(ValueError, match=said):
        SmsAggregator(SmsAggregatorSettings(**wrong), clock=ManualClock())


def test_a_success_that_is_no_regular_expression_is_named() -> None:
    with pytest.raises(ValueError, match=r"sms\.aggregator\.success"):
        SmsAggregatorSettings(url="https://sms.example/x", success="(")
