"""Deliveries over HTTP: what is sent, what each answer means, and which settings are refused."""

from __future__ import annotations

import base64
import logging
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.fake_ports import ManualClock
from gateway.outputs.cap_reading import one, tree
from gateway.outputs.http_delivery import SECRET, cap_http, refused, webhook
from gateway.outputs.http_receiver import Handler, Receiver, answer, in_turn, kept, raw, reset
from gateway.outputs.sample_incidents import SENT_MS, opened
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput
from siaga_gateway.adapters.outputs.http_post import retry_after_s
from siaga_gateway.domain.limits import LONGEST_RETRY_AFTER_S
from siaga_gateway.service.ports import Delivered
from waiting import ENDS_S

# What a status means


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int, receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = answer(status)
    outcome = make().deliver(opened(), "k")
    assert isinstance(outcome, Delivered)
    assert outcome.detail == f"taken by http://127.0.0.1:{receiver.port} (HTTP {status})"


def test_only_a_receiver_that_says_itself_that_it_is_gone_is_given_up(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = answer(410)
    outcome = refused(make().deliver(opened(), "k"))
    assert outcome.permanent
    assert "HTTP 410" in outcome.detail and "gone for good" in outcome.detail


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 411, 413, 415, 418, 422, 451, 499])
def test_a_refusal_is_tried_again_and_says_what_to_check(
    status: int, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    """A token being changed, or a proxy in front of a receiver being redeployed, answers so for some seconds."""
    receiver.behaviour = answer(status, {"retry-after": "500"})
    outcome = refused(make().deliver(opened(), "k"))
    assert not outcome.permanent and outcome.retry_after_s is None
    assert f"HTTP {status}" in outcome.detail and "check this output's url" in outcome.detail


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 507, 599, 999])
def test_the_rest_is_tried_again(status: int, receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = answer(status)
    outcome = refused(make().deliver(opened(), "k"))
    assert not outcome.permanent and outcome.retry_after_s is None
    assert f"HTTP {status}" in outcome.detail


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_for_patience(
    status: int, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = answer(status, {"retry-after": "17"})
    assert refused(make().deliver(opened(), "k")).retry_after_s == 17


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_told_and_not_followed(
    status: int, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    elsewhere = "https://user:pass@elsewhere.example/new?key=hidden"
    receiver.behaviour = answer(status, {"location": elsewhere} if status != 304 else {})
    outcome = refused(make().deliver(opened(), "k"))
    assert not outcome.permanent
    assert "redirects are not followed" in outcome.detail
    assert "pass" not in outcome.detail
    assert ("elsewhere.example/new" in outcome.detail) == (status != 304)
    assert len(receiver.requests) == 1


def test_a_redirect_that_repeats_our_path_does_not_tell_it(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    """At many receivers the path is the password."""
    receiver.behaviour = answer(308, {"location": f"https://127.0.0.1:{receiver.port}/inbox/"})
    outcome = refused(make().deliver(opened(), "k"))
    assert f"https://127.0.0.1:{receiver.port}/…/" in outcome.detail
    assert "inbox" not in outcome.detail


NOW_MS = 1_795_417_406_250


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("301", LONGEST_RETRY_AFTER_S),
        ("9" * 5000, LONGEST_RETRY_AFTER_S),
        ("Mon, 23 Nov 2026 07:03:36 GMT", 9.75),
        ("Mon, 23 Nov 2026 07:03:36 -0000", 9.75),
        ("Monday, 23-Nov-26 07:03:36 GMT", 9.75),  # RFC 850, which a receiver must accept too
        ("Mon Nov 23 07:03:36 2026", 9.75),  # asctime
        ("Mon, 23 Nov 2020 07:03:36 GMT", 0),
        ("Mon, 23 Nov 2099 07:03:36 GMT", LONGEST_RETRY_AFTER_S),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Mon, 99 Nov 2026 07:03:36 GMT", None),
        ("Mon, 23 Nov 99999999999 07:03:36 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW_MS) == seconds


def test_retry_after_is_read_from_the_answer_by_the_gateways_clock(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    moment = datetime.fromtimestamp(SENT_MS // 1000 + 42, UTC)
    receiver.behaviour = answer(503, {"retry-after": format_datetime(moment, usegmt=True)})
    outcome = refused(make(clock=ManualClock(SENT_MS // 1000 * 1000)).deliver(opened(), "k"))
    assert outcome.retry_after_s == 42


# What is sent


def test_the_cap_message_is_posted_as_it_is(receiver: Receiver) -> None:
    output = cap_http("cap", receiver.url, clock=ManualClock(SENT_MS), sender="siaga.example", token="abc.DEF_1")
    assert isinstance(output.deliver(opened(), "siaga.lampung-17.k7q2.1.cap"), Delivered)
    output.close()
    (request,) = receiver.requests
    assert request.path == "/inbox?key=hidden"
    assert request.headers["content-type"] == "application/cap+xml; charset=utf-8"
    assert request.headers["authorization"] == "Bearer abc.DEF_1"
    assert request.headers["webhook-id"] == "siaga.lampung-17.k7q2.1.cap"
    assert not {"webhook-signature", "webhook-timestamp"} & set(request.headers)
    assert one(tree(request.body), "sender") == "siaga.example"


def test_a_connection_is_used_again(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = in_turn(answer(500, body=b"x" * 1000), answer(200, body=b"{}"), answer(404), answer(204))
    output = make()
    for number in range(4):
        output.deliver(opened(), f"k{number}")
    assert len({request.client for request in receiver.requests}) == 1


def test_as_many_connections_are_made_as_are_used_at_once(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    output = make()
    for turn in range(5):
        together = threading.Barrier(4)

        def answer_together(handler: Handler, together: threading.Barrier = together) -> None:
            together.wait(ENDS_S)
            answer(204)(handler)

        receiver.behaviour = answer_together
        with ThreadPoolExecutor(4) as threads:
            outcomes = list(threads.map(lambda n, t=turn: output.deliver(opened(), f"k{t}-{n}"), range(4)))
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(receiver.requests) == 20
    assert len({request.client for request in receiver.requests}) == 4


def test_more_than_one_answer_ends_the_connection(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    """The next message must not be taken for delivered because of an answer to the one before."""
    output = make()
    one = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    receiver.behaviour = in_turn(kept(one + one), answer(503))
    assert isinstance(output.deliver(opened(), "k1"), Delivered)
    refused(output.deliver(opened(), "k2"))
    assert [request.headers["webhook-id"] for request in receiver.requests] == ["k1", "k2"]
    assert len({request.client for request in receiver.requests}) == 2


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" * 3])
def test_an_interim_answer_is_none(interim: bytes, receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = raw(interim + b"HTTP/1.1 503 Busy\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n")
    assert refused(make().deliver(opened(), "k")).retry_after_s == 9


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    ],
)
def test_an_answer_of_any_form_is_one(whole: bytes, receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    output = make()
    receiver.behaviour = in_turn(raw(whole), answer(204))
    assert isinstance(output.deliver(opened(), "k1"), Delivered)
    assert isinstance(output.deliver(opened(), "k2"), Delivered)


def test_a_connection_that_the_receiver_closed_meanwhile_is_made_anew(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    output = make()
    receiver.behaviour = in_turn(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), answer(204))
    assert isinstance(output.deliver(opened(), "k1"), Delivered)
    assert isinstance(output.deliver(opened(), "k2"), Delivered)


def test_a_kept_connection_that_breaks_at_the_next_message_costs_no_try(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    """As when the receiver closes what was idle at the moment in which a press comes."""
    output = make()
    receiver.behaviour = in_turn(answer(204), reset, answer(204))
    assert isinstance(output.deliver(opened(), "k1"), Delivered)
    assert isinstance(output.deliver(opened(), "k2"), Delivered)
    assert [request.headers["webhook-id"] for request in receiver.requests] == ["k1", "k2", "k2"]


def test_a_new_connection_that_breaks_is_a_failure(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = reset
    assert not refused(make().deliver(opened(), "k")).permanent
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("key", ["", "a b", "a\r\nx-evil: 1", "kunci-é", "\x00"])
def test_a_key_that_no_header_can_hold_is_refused_for_good(
    key: str, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    assert refused(make().deliver(opened(), key)).permanent
    assert receiver.requests == []


def test_proxies_and_passwords_of_the_environment_are_not_used(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert isinstance(make().deliver(opened(), "k"), Delivered)
    assert "authorization" not in receiver.requests[0].headers


def test_a_user_and_password_in_the_address_are_sent_as_such_and_shown_nowhere(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    url = receiver.url.replace("http://", "http://siaga:hid%20den@")
    outcome = make(url).deliver(opened(), "k")
    assert isinstance(outcome, Delivered)
    assert "hid" not in outcome.detail and "siaga:" not in outcome.detail
    (request,) = receiver.requests
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"siaga:hid den").decode()
    assert "hid" not in request.headers["host"]


def test_a_signed_cap_message_is_signed_as_a_webhook_is(receiver: Receiver) -> None:
    clock = ManualClock(time.time_ns() // 1_000_000)
    output = cap_http("cap", receiver.url, clock=clock, secret=SECRET)
    assert isinstance(output.deliver(opened(), "siaga.lampung-17.k7q2.1.cap"), Delivered)
    output.close()
    (request,) = receiver.requests
    Webhook(SECRET).verify(request.body, dict(request.headers), json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers), json_parse=False)


def test_no_log_line_holds_the_address_or_the_person(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make().deliver(opened(), "k")
    receiver.behaviour = raw(b"")
    make().deliver(opened(), "k")
    assert "hidden" not in caplog.text and "Siti" not in caplog.text


# Settings


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"url": "ftp://cad.example/x"}, "url has scheme 'ftp'"),
        ({"url": "cad.example/x"}, "right would be https://host/path"),
        ({"url": "https:///x"}, "right would be https://host/path"),
        ({"url": "https://[::1/x"}, "url is no web address"),
        ({"url": ""}, "right would be https://host/path"),
        ({"url": "http://cad.example/x?key=hidden"}, "would send personal data unencrypted"),
        ({"url": "http://10.0.0.5/x"}, "would send personal data unencrypted"),
        ({"token": "a b"}, "token must be"),
        ({"token": ""}, "token must be"),
        ({"deadline_s": 0}, "deadline_s is 0"),
        ({"deadline_s": 60.5}, "deadline_s is 60.5"),
        ({"deadline_s": float("nan")}, "deadline_s is nan"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "ca_file /nowhere/ca.pem cannot be used"),
        ({"ca_file": Path(__file__)}, "cannot be used"),
        ({"client_certificate": (Path("/nowhere/own.pem"), Path("/nowhere/key.pem"))}, "own.pem with client_key"),
        ({"previous_secret": "whsec_c2hvcnQ="}, "previous_secret must be whsec_"),
        ({"proxy": "proxy.example:3128"}, "proxy must be http://host:port"),
        ({"proxy": "https://user:hidden@proxy.example"}, "proxy must be http://host:port"),
        ({"proxy": "http://proxy.example/path"}, "proxy must be http://host:port"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], text: str, make: Callable[..., HttpTroubleOutput]) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as raised:
        make(**settings)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]/x", "https://a.b/x"])
def test_plain_http_is_for_this_machine_alone(url: str, make: Callable[..., HttpTroubleOutput]) -> None:
    assert make(url).name == "cad"
    assert make("http://10.0.0.5/x", allow_plaintext=True).name == "cad"


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_not base64!", SECRET + "!", "whsec_" + "QUFB" * 22],
)
def test_a_secret_that_is_none_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match="secret must be whsec_ followed by") as raised:
        webhook("cad", "https://cad.example/x", secret, clock=ManualClock(SENT_MS))
    assert secret[6:] == "" or secret[6:] not in str(raised.value)


def test_a_cap_sender_with_a_space_is_refused() -> None:
    with pytest.raises(ValueError, match="sender"):
        cap_http("cap", "https://cad.example/x", clock=ManualClock(SENT_MS), sender="polda lampung")


def test_the_test_receiver_speaks_http_that_others_understand(receiver: Receiver) -> None:
    """The receiver that all this leans on, asked by the standard library."""
    receiver.behaviour = answer(200, body=b"<a/>")
    with urllib.request.urlopen(urllib.request.Request(receiver.url, data=b"x", method="POST"), timeout=ENDS_S) as got:
        assert etree.fromstring(got.read()).tag == "a"
    assert receiver.requests[0].body == b"x"
