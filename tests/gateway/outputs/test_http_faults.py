"""Deliveries over HTTP: no receiver, no name server and no certificate can hold one up, break it or read too much."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.outputs.http_delivery import GRACE_S, QUICK_S, refused
from gateway.outputs.http_receiver import Behaviour, Handler, Receiver, answer, drip, flood, never, raw, reset
from gateway.outputs.receiver_certificates import Authority
from gateway.outputs.sample_incidents import INCIDENT, OWNER, opened
from siaga_gateway.adapters.outputs.http import HttpTroubleOutput
from siaga_gateway.service.ports import Delivered, NotDelivered
from waiting import ENDS_S, eventually

# What a receiver, or what stands there in its place, can do to us


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        (reset, "broke before an answer"),
        (raw(b""), "broke before an answer"),
        (raw(b"HTTP/1.1 200"), "broke before an answer"),
        (raw(b"\x16\x03\x01\x00\xa5\x01\x00\x00\r\n\r\n"), "is not HTTP"),
        (raw(b"220 smtp.example ESMTP\r\n\r\n"), "is not HTTP"),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"), "is not HTTP"),
        (flood(b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"y" * 8000 + b"\r\n"), "is not HTTP"),
        (flood(b"", b"z" * 8000), "is not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nx-echo: " + b"Siti" * 20_000 + b"\r\n\r\n"), "is not HTTP"),
    ],
)
def test_an_answer_that_is_none_is_tried_again(
    behaviour: Behaviour, text: str, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = behaviour
    outcome = refused(make(deadline_s=60).deliver(opened(), "k"))
    assert not outcome.permanent
    assert text in outcome.detail and "Siti" not in outcome.detail


@pytest.mark.parametrize(
    "behaviour",
    [
        never,
        drip(b"", b"HTTP/1.1 200 OK" + b" " * 200),
        drip(b"HTTP/1.1 200 OK\r\n", b"x-slow: 1\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_no_receiver_holds_a_delivery_past_its_deadline(
    behaviour: Behaviour, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = behaviour
    output = make(deadline_s=QUICK_S)
    started = time.monotonic()
    outcome = refused(output.deliver(opened(), "k"))
    assert QUICK_S * 0.9 < time.monotonic() - started < QUICK_S + GRACE_S
    assert not outcome.permanent
    assert "did not finish answering within 0.4 s" in outcome.detail


@pytest.mark.parametrize("status", [b"200 OK", b"503 Busy"])
@pytest.mark.parametrize("pour", [drip, flood])
def test_an_endless_body_changes_nothing_about_the_status(
    status: bytes, pour: Any, receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = pour(b"HTTP/1.1 " + status + b"\r\ncontent-length: 999999999999\r\n\r\n", b"x" * 4096)
    # A drip is stopped by the deadline, a flood by its size, long before.
    deadline_s = 3 if pour is drip else 60
    output = make(deadline_s=deadline_s)
    started = time.monotonic()
    outcome = output.deliver(opened(), "k")
    assert time.monotonic() - started < (deadline_s + GRACE_S if pour is drip else 30)
    assert isinstance(outcome, Delivered) == status.startswith(b"200")
    receiver.behaviour = answer(204)
    assert isinstance(output.deliver(opened(), "k"), Delivered), "the poured connection is not used again"


def test_a_body_that_is_none_changes_nothing_about_the_status(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    """A message that was taken is not sent again and again because of the answer's last bytes."""

    def spoils_its_body(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        handler.until_closed(0.2)
        handler.wfile.write(b"no length\r\n\r\n")
        handler.close_connection = True

    receiver.behaviour = spoils_its_body
    outcome = make().deliver(opened(), "k")
    assert isinstance(outcome, Delivered), outcome


def test_an_answer_with_a_long_header_is_one(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    receiver.behaviour = answer(204, {"content-security-policy": "x" * 20_000})
    outcome = make().deliver(opened(), "k")
    assert isinstance(outcome, Delivered), outcome


def test_what_is_under_way_when_the_output_is_closed_says_so(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput]
) -> None:
    receiver.behaviour = never
    output = make()
    outcomes: list[Delivered | NotDelivered] = []
    sender = threading.Thread(target=lambda: outcomes.append(output.deliver(opened(), "k")))
    sender.start()
    eventually(lambda: receiver.requests)
    output.close()
    sender.join(GRACE_S)
    (outcome,) = outcomes
    assert not refused(outcome).permanent
    assert "closed meanwhile" in refused(outcome).detail


def test_what_a_receiver_says_in_words_is_not_kept(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    """An error page may repeat what was sent, and a result goes into the log."""
    receiver.behaviour = raw(
        f"HTTP/1.1 422 {OWNER.name}\r\nx-echo: {OWNER.name}\r\ncontent-length: 11\r\n\r\n{OWNER.name}".encode()
    )
    assert "Siti" not in refused(make().deliver(opened(), "k")).detail


def test_a_refused_connection_is_tried_again(make: Callable[..., HttpTroubleOutput]) -> None:
    with socket.socket() as bound:  # bound, so that nobody else takes the port, and not listening
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        outcome = refused(make(f"http://127.0.0.1:{port}/x").deliver(opened(), "k"))
    assert not outcome.permanent
    assert f"no connection to http://127.0.0.1:{port}" in outcome.detail


def test_a_receiver_that_takes_no_connection_costs_no_more_than_the_deadline(
    make: Callable[..., HttpTroubleOutput],
) -> None:
    """Its backlog is full: the kernel leaves our SYN unanswered, as a dead host does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            waiting.append(client)
        time.sleep(0.1)
        started = time.monotonic()
        outcome = refused(make(f"http://127.0.0.1:{address[1]}/x", deadline_s=QUICK_S).deliver(opened(), "k"))
        assert time.monotonic() - started < QUICK_S + GRACE_S
        assert not outcome.permanent
        for client in waiting:
            client.close()


# Names: what the system's resolver does is the one thing that is put in its place, for a test asks no real DNS


def test_a_name_that_dns_does_not_know_is_tried_again(
    make: Callable[..., HttpTroubleOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = refused(make("https://cad.example/x").deliver(opened(), "k"))
    assert not outcome.permanent
    assert outcome.detail == "the name cad.example was not found in DNS: the name is not known"


def test_a_name_look_up_that_hangs_costs_no_more_than_the_deadline_and_one_thread(
    make: Callable[..., HttpTroubleOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    calls: list[str] = []

    def hangs(host: str, *_: Any, **__: Any) -> Any:
        calls.append(host)
        over.wait(ENDS_S)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    output = make("https://cad.example/x", deadline_s=QUICK_S)
    threads = threading.active_count() + 1  # its loop
    for _ in range(3):
        started = time.monotonic()
        assert not refused(output.deliver(opened(), "k")).permanent
        assert time.monotonic() - started < QUICK_S + GRACE_S
        assert threading.active_count() <= threads + 1
    assert calls == ["cad.example"]
    over.set()


def test_a_machine_without_threads_to_spare_looks_the_name_up_later(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, scarce = threading.Thread.start, [True]

    def start(thread: threading.Thread) -> None:
        if thread.name == "name look-up" and scarce:
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    output = make(f"http://localhost:{receiver.port}/x", deadline_s=60)
    assert not refused(output.deliver(opened(), "k")).permanent
    scarce.clear()
    outcome = output.deliver(opened(), "k")
    assert isinstance(outcome, Delivered), outcome


def test_a_dead_first_address_leaves_time_for_the_second(
    receiver: Receiver, make: Callable[..., HttpTroubleOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, receiver.port)) for address in ("127.0.0.2", "127.0.0.1")
    ]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **named: found if host == "two.example" else real(host, *rest, **named),
    )
    output = make(f"http://two.example:{receiver.port}/x", allow_plaintext=True)
    assert isinstance(output.deliver(opened(), "k"), Delivered)
    assert receiver.requests[0].headers["host"] == f"two.example:{receiver.port}"


# TLS


def test_a_receiver_whose_authority_is_trusted_gets_it(tmp_path: Path, make: Callable[..., HttpTroubleOutput]) -> None:
    authority = Authority(tmp_path, "polda")
    with Receiver(tls=authority.server("127.0.0.1")) as secure:
        output = make(secure.url, ca_file=authority.file)
        assert isinstance(output.deliver(opened(), "k"), Delivered)
        assert isinstance(output.deliver(opened(), "k"), Delivered)
        assert INCIDENT.identifier.encode() in secure.requests[0].body
        assert len({request.client for request in secure.requests}) == 1


@pytest.mark.parametrize(
    ("host", "expired", "trusted", "why"),
    [
        ("127.0.0.1", False, False, "unable to get local issuer certificate"),
        ("127.0.0.9", False, True, "IP address mismatch"),
        ("cad.example", False, True, "IP address mismatch"),
        ("127.0.0.1", True, True, "certificate has expired"),
    ],
)
def test_a_certificate_that_proves_nothing_is_told_and_nothing_is_sent(
    host: str, expired: bool, trusted: bool, why: str, tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    authority, other = Authority(tmp_path, "polda"), Authority(tmp_path, "other")
    with Receiver(tls=authority.server(host, expired=expired)) as secure:
        output = make(secure.url, ca_file=(authority if trusted else other).file)
        outcome = refused(output.deliver(opened(), "k"))
        assert not outcome.permanent, "certificates are renewed"
        assert "TLS certificate" in outcome.detail and why in outcome.detail
        assert secure.requests == []


def test_an_unknown_authority_is_not_trusted_by_default(tmp_path: Path, make: Callable[..., HttpTroubleOutput]) -> None:
    with Receiver(tls=Authority(tmp_path, "polda").server("127.0.0.1")) as secure:
        assert "TLS certificate" in refused(make(secure.url).deliver(opened(), "k")).detail


def test_a_handshake_that_never_ends_costs_no_more_than_the_deadline(
    tmp_path: Path, make: Callable[..., HttpTroubleOutput]
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        output = make(f"https://127.0.0.1:{silent.getsockname()[1]}/x", deadline_s=QUICK_S)
        started = time.monotonic()
        assert not refused(output.deliver(opened(), "k")).permanent
        assert time.monotonic() - started < QUICK_S + GRACE_S


def test_http_where_https_is_expected_is_told(receiver: Receiver, make: Callable[..., HttpTroubleOutput]) -> None:
    url = receiver.url.replace("http:", "https:")
    assert not refused(make(url, deadline_s=QUICK_S).deliver(opened(), "k")).permanent
